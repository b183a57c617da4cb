/** What control and the workers say to each other. Every message is plain and structured-cloneable. */
import type { Address, Snapshot, SnapshotPart } from "./snapshot.ts";
import type { ServiceName } from "./services.ts";
import type { GivenTunnel } from "./tunnel-state.ts";

/** The runtimes a worker can stand on. */
export type Engine = "linux" | "bun" | "node" | "memory";
export type DialError = "refused" | "timeout" | "unreachable" | "no-descriptors" | "no-ports" | "other";
/** Why edge-lb ends a tunnel whose two ends are well. */
export type CutReason = "node down" | "drain" | "removed" | "not allowed" | "shutdown";

export interface ListenSpec {
  readonly service: ServiceName;
  /** `ip` "" or "::" listens on every address of both families. */
  readonly at: Address;
  /** A listening descriptor that control owns; -1: bind yourself, with reusePort. */
  readonly fd: number;
  /** Share the address with the listeners of other workers of this process. */
  readonly reusePort: boolean;
}

/** From control to one worker. */
export type ToWorker =
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  /** Goes before the rest of the "snapshot" that follows: taking 1,000 clusters at once would hold up every tunnel. */
  | { readonly kind: "snapshot-part"; readonly part: SnapshotPart }
  | { readonly kind: "listen"; readonly add: readonly ListenSpec[]; readonly remove: readonly ListenSpec[] }
  /** Ends the tunnels whose cluster, pool or endpoint has this cell. */
  | { readonly kind: "cut"; readonly cell: number; readonly afterMs: number; readonly reason: CutReason }
  /** Ends, after a while, the tunnels of clients that the newest snapshot's `allow` does not let in. */
  | { readonly kind: "check-access"; readonly afterMs: number }
  /** Answer with "given": some of the joined tunnels, at most so many; they are control's then. */
  | { readonly kind: "give"; readonly most: number }
  /** Serve these tunnels, which another worker or process gave away. */
  | { readonly kind: "take"; readonly tunnels: readonly GivenTunnel[] }
  /** Control wrote this many log batches; at most `LOG_BATCHES` are under way, beyond that lines are dropped and counted. */
  | { readonly kind: "log-taken"; readonly batches: number }
  /** Somebody watches connections live, or nobody does any more: "tail" batches come then, whatever the log is. */
  | { readonly kind: "tail"; readonly on: boolean }
  | { readonly kind: "tail-taken"; readonly batches: number }
  /** A busy time is over: give back memory that is not needed any more. */
  | { readonly kind: "quiet" }
  /** Stop accepting, let sessions run for `afterMs`, then cut what is left and answer "stopped". */
  | { readonly kind: "stop"; readonly afterMs: number };

/** From one worker to control. */
export type FromWorker =
  /** The listeners of the last "listen" accept. */
  | { readonly kind: "up"; readonly worker: number; readonly engine: Engine }
  /** The listeners of the last "listen" could not be made; `message` and `hint` are for the operator. */
  | { readonly kind: "listen-failed"; readonly worker: number; readonly message: string; readonly hint: string }
  | { readonly kind: "applied"; readonly version: number; readonly oldest: number }
  | { readonly kind: "log"; readonly text: string; readonly lines: number; readonly dropped: number }
  /** The same lines as JSON, for those who watch live. */
  | { readonly kind: "tail"; readonly text: string; readonly lines: number; readonly dropped: number }
  /** At most one per cell and second. */
  | { readonly kind: "dial-failed"; readonly cell: number; readonly error: DialError }
  /** A node took a connection and ended it without an answer. At most one per cell and second. */
  | { readonly kind: "node-silent"; readonly cell: number }
  /** At most ten per second and worker. */
  | { readonly kind: "unknown-name"; readonly listener: ServiceName; readonly name: string; readonly client: string }
  /** An allowed client asks for a name of a cluster that has `wake`, and no node takes it. At most one per cluster's cell and second. */
  | { readonly kind: "wake"; readonly cell: number; readonly name: string }
  /** At most one per second and worker. */
  | { readonly kind: "fault"; readonly stack: string }
  /** To "give"; none: there is no tunnel to give now. */
  | { readonly kind: "given"; readonly tunnels: readonly GivenTunnel[] }
  /** After "stop": its listeners are closed, nobody new is accepted. */
  | { readonly kind: "listeners-closed" }
  | { readonly kind: "stopped" };

/** Lines of one log batch, at most. */
export const LOG_LINES = 64;
/** Log batches of one worker that control has not confirmed, at most. */
export const LOG_BATCHES = 8;
