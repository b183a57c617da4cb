/** What every session of one worker uses: the runtime, the live snapshot, the board, and this worker's lists of connections. */
import type { Routes } from "../core/route/lookup.ts";
import { buildRoutes } from "../core/route/lookup.ts";
import type { Runtime } from "../runtime/port.ts";
import type { Board, BoardWriter, HealthView } from "../seam/board.ts";
import { boardWriter, healthView } from "../seam/board.ts";
import type { Snapshot } from "../seam/snapshot.ts";
import type { AccessLog } from "./access-log.ts";
import { Clients } from "./clients.ts";
import { HelloClock } from "./hello-clock.ts";
import { HeldClients } from "./held-clients.ts";
import { Reports } from "./reports.ts";
import { Tunnels } from "./tunnels.ts";

/** A snapshot in use. Sessions hold it from routing until they are joined or over; `users` counts them. */
export interface Live {
  readonly snapshot: Snapshot;
  readonly routes: Routes;
  users: number;
}

/** A connection that can be asked to end after the exchange under way. */
export interface Drainable {
  drain(): void;
}

export interface PlaneInput {
  readonly runtime: Runtime;
  readonly worker: number;
  readonly board: Board;
  /** Makes the log over this worker's writer. */
  readonly log: (writer: BoardWriter) => AccessLog;
  readonly random: () => number;
  readonly snapshot: Snapshot;
}

export class Plane {
  readonly runtime: Runtime;
  readonly worker: number;
  readonly board: Board;
  readonly writer: BoardWriter;
  readonly health: HealthView;
  readonly log: AccessLog;
  readonly random: () => number;
  readonly clients: Clients;
  readonly tunnels = new Tunnels();
  readonly reports: Reports;
  readonly hellos: HelloClock;
  readonly held: HeldClients;
  /** HTTP connections: their protocol has a point where they can end. */
  readonly drainable = new Set<Drainable>();
  /** Indexes of the services that are listened to. */
  listening: readonly number[] = [];
  /** Counts picks of roundrobin pools. */
  turn = 0;
  /** The worker stops: no new connection is accepted, and HTTP connections end after their exchange. */
  stopping = false;
  live: Live;
  /** Replaced snapshots that a session still uses. */
  private readonly retired = new Set<Live>();

  constructor(input: PlaneInput) {
    this.runtime = input.runtime;
    this.worker = input.worker;
    this.board = input.board;
    this.writer = boardWriter(input.board, input.worker);
    this.health = healthView(input.board);
    this.log = input.log(this.writer);
    this.clients = new Clients(input.board.seed);
    this.random = input.random;
    this.reports = new Reports(input.runtime);
    this.hellos = new HelloClock(input.runtime);
    // the board's last column is that of the process before this one
    this.held = new HeldClients(input.runtime, Math.max(1, input.board.workers - 1));
    this.live = { snapshot: input.snapshot, routes: buildRoutes(input.snapshot), users: 0 };
  }

  /** Client connections of this worker that have not left yet. */
  get open(): number {
    return this.writer.count("open");
  }

  /** One assignment: sessions that began before keep the snapshot they took. */
  swap(snapshot: Snapshot): void {
    const before = this.live;
    this.live = { snapshot, routes: buildRoutes(snapshot), users: 0 };
    if (before.users > 0) this.retired.add(before);
    this.reportApplied();
  }

  /** The worker stops: ask the HTTP connections to end, since one that waits for a next request would delay it for nothing. */
  drain(): void {
    this.stopping = true;
    for (const connection of this.drainable) connection.drain();
  }

  /** Take the live snapshot for one routing decision; give it back with `release`, once. */
  acquire(): Live {
    this.live.users += 1;
    return this.live;
  }

  release(live: Live): void {
    live.users -= 1;
    if (live.users === 0 && this.retired.delete(live)) this.reportApplied();
  }

  private reportApplied(): void {
    const { version } = this.live.snapshot;
    let oldest = version;
    for (const live of this.retired) oldest = Math.min(oldest, live.snapshot.version);
    this.runtime.post({ kind: "applied", version, oldest });
  }
}
