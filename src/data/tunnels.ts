/** The connections to nodes that this worker holds, so that control can end those of a cluster, a pool or an endpoint. */
import type { CutReason } from "../seam/mail.ts";
import type { ClusterPlan, Endpoint, Pool } from "../seam/snapshot.ts";
import { Chain, type Link } from "./chain.ts";

/** Where a connection to a node is counted: the board cells of its cluster, pool and endpoint. */
export interface Cells {
  readonly cluster: number;
  readonly pool: number;
  readonly endpoint: number;
}

export function cellsOf(plan: ClusterPlan, pool: Pool, endpoint: Endpoint): Cells {
  return { cluster: plan.cell, pool: pool.cell, endpoint: endpoint.cell };
}

/** A connection to a node that control can end. */
export interface Cuttable extends Link<Cuttable> {
  readonly cells: Cells;
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
  cutCell(cell: number, reason: CutReason): void {
    this.cutWhere(({ cells }) => cells.cluster === cell || cells.pool === cell || cells.endpoint === cell, reason);
  }

  cutWhere(matches: (tunnel: Cuttable) => boolean, reason: CutReason): void {
    for (const tunnel of this.open.items().filter(matches)) tunnel.cut(reason);
  }
}
