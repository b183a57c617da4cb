/** The connections to nodes that this worker holds, so that control can end those of a cluster, a pool or an endpoint. */
import type { CutReason } from "../seam/mail.ts";
import type { ClusterPlan, Endpoint, Pool } from "../seam/snapshot.ts";

/** Where a connection to a node is counted: the board rows of its cluster, pool and endpoint. */
export interface Rows {
  readonly cluster: number;
  readonly pool: number;
  readonly endpoint: number;
}

export function rowsOf(plan: ClusterPlan, pool: Pool, endpoint: Endpoint): Rows {
  return { cluster: plan.row, pool: pool.row, endpoint: endpoint.row };
}

/** One connection to a node that can be ended from outside. */
export interface Cuttable {
  readonly rows: Rows;
  cut(reason: CutReason): void;
}

export class Tunnels {
  private readonly open = new Set<Cuttable>();

  get size(): number {
    return this.open.size;
  }

  add(tunnel: Cuttable): void {
    this.open.add(tunnel);
  }

  delete(tunnel: Cuttable): void {
    this.open.delete(tunnel);
  }

  /** Those that now belong to the row; cutting them later spares what came after. */
  of(row: number): readonly Cuttable[] {
    return [...this.open].filter(({ rows }) => rows.cluster === row || rows.pool === row || rows.endpoint === row);
  }

  cut(tunnels: readonly Cuttable[], reason: CutReason): void {
    for (const tunnel of tunnels) if (this.open.has(tunnel)) tunnel.cut(reason);
  }

  cutAll(reason: CutReason): void {
    this.cut([...this.open], reason);
  }
}
