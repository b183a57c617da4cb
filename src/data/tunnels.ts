/** The connections to nodes that this worker holds, so that control can end those of a cluster, a pool or an endpoint. */
import type { CutReason } from "../seam/mail.ts";
import type { ClusterPlan, Endpoint, Pool } from "../seam/snapshot.ts";
import { Chain, type Link } from "./chain.ts";

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
export interface Cuttable extends Link<Cuttable> {
  readonly rows: Rows;
  readonly clientIp: string;
  cut(reason: CutReason): void;
}

export class Tunnels {
  private readonly open = new Chain<Cuttable>();

  add(tunnel: Cuttable): void {
    this.open.add(tunnel);
  }

  delete(tunnel: Cuttable): void {
    this.open.remove(tunnel);
  }

  /** Ends those of a cluster, a pool or an endpoint. */
  cutRow(row: number, reason: CutReason): void {
    this.cutWhere(({ rows }) => rows.cluster === row || rows.pool === row || rows.endpoint === row, reason);
  }

  cutWhere(matches: (tunnel: Cuttable) => boolean, reason: CutReason): void {
    for (const tunnel of this.open.items().filter(matches)) tunnel.cut(reason);
  }
}
