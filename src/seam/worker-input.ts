import type { MessagePort } from "node:worker_threads";
import type { Engine } from "./mail.ts";
import type { Snapshot } from "./snapshot.ts";

/** What control hands to a new worker. */
export interface WorkerInput {
  readonly worker: number;
  readonly workers: number;
  readonly engine: Exclude<Engine, "memory">;
  /** linux: many sends share a system call, where that works. */
  readonly ring: boolean;
  readonly board: SharedArrayBuffer;
  readonly mail: MessagePort;
  /** linux: the descriptor that control writes to after each mail; else -1. */
  readonly wakeFd: number;
  readonly snapshot: Snapshot;
  /** Null: no access log. */
  readonly log: "text" | "json" | "haproxy" | null;
}
