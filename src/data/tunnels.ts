/** The connections to nodes that this worker holds, so that control can end those of a cluster, a pool or an endpoint. */
import type { CutReason } from "../seam/mail.ts";
import type { ClusterPlan, Endpoint, Pool } from "../seam/snapshot.ts";
import type { Cells, GivenTunnel } from "../seam/tunnel-state.ts";
import { Chain, type Link } from "./chain.ts";

export function cellsOf(plan: ClusterPlan, pool: Pool, endpoint: Endpoint): Cells {
  return { cluster: plan.cell, pool: pool.cell, endpoint: endpoint.cell };
}

/** A connection to a node that control can end. */
export interface Cuttable extends Link<Cuttable> {
  readonly cells: Cells;
  readonly clientIp: string;
  cut(reason: CutReason): void;
  /** Give it away: it is counted here no more. @returns null: it is no tunnel, or about to end, and stays */
  give(): GivenTunnel | null;
}

export class Tunnels {
  private readonly open = new Chain<Cuttable>();

  add(tunnel: Cuttable): void {
    this.open.add(tunnel);
  }

  delete(tunnel: Cuttable): void {
    this.open.remove(tunnel);
  }

  /** Gives away some, as many as `mayMore` allows after each. */
  give(mayMore: (given: readonly GivenTunnel[]) => boolean): readonly GivenTunnel[] {
    const given: GivenTunnel[] = [];
    for (let item = this.open.first; item !== null && mayMore(given);) {
      const { next } = item; // giving takes it out of the chain
      const tunnel = item.give();
      if (tunnel !== null) given.push(tunnel);
      item = next;
    }
    return given;
  }

  /** Ends those of a cluster, a pool or an endpoint. */
  cutCell(cell: number, reason: CutReason): void {
    this.cutWhere(({ cells }) => cells.cluster === cell || cells.pool === cell || cells.endpoint === cell, reason);
  }

  cutWhere(matches: (tunnel: Cuttable) => boolean, reason: CutReason): void {
    for (const tunnel of this.open.items().filter(matches)) tunnel.cut(reason);
  }
}
