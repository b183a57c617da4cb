/** What the loop calls: owners of descriptors, tasks and reporters. Types only. */

import type { Receiver } from "../ring/arrivals.ts";

/** Owner of a descriptor that epoll or a receive tells of. */
export interface Watcher {
  readonly fd: number;
  /** Tells an event of this owner from one of the descriptor's earlier owner in the same batch. */
  readonly generation: number;
  onReady(mask: number): void;
  /** Itself, if its receive may stand. */
  readonly receiver?: Receiver;
  /** Called now and then: time to set what only long-lived connections need. */
  upkeep?(): void;
  /** The runtime stops: close the descriptor if it is one of its own. */
  shutDown(): void;
}

/** Something to do outside the call that asked for it. */
export interface Task {
  /** Already in a list; kept by the loop. */
  queued: boolean;
  run(): void;
}

/** Counters to hand on at the end of a turn. */
export interface Reporter {
  /** Already in the list; kept by the loop, ended by `report`. */
  reporting: boolean;
  report(): void;
}
