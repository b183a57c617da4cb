/**
 * What the data plane needs of a machine: sockets, time and mail. Types only.
 * Callbacks, no promises: a linux worker never returns to the JavaScript event loop.
 */
import type { CutReason, DialError, Engine, FromWorker, ListenSpec, ToWorker } from "../seam/mail.ts";
import type { Address } from "../seam/snapshot.ts";
import type { TunnelState } from "../seam/tunnel-state.ts";

export type CloseCause = "closed" | "reset" | "timeout" | "destroyed" | "fault";

/** One TCP connection. After `join` took it, every method is a programming error. */
export interface Conn {
  readonly remote: Address;
  readonly local: Address;
  /** Bytes wait here until the peer takes some; those of a `pass` count too. */
  readonly full: boolean;
  /** Takes the whole chunk, copies what does not fit; `false`: write nothing more until `onDrain`. */
  write(chunk: Uint8Array): boolean;
  /** No `onData` after this returns; FIN, RST and `onClose` are still seen while paused. */
  pause(): void;
  resume(): void;
  /** FIN after what was written; reading goes on. */
  finish(): void;
  /** FIN after what was written, then discard input for at most lingerMs, then close: unread input would turn an alert or a page into a RST. */
  closeAfter(lingerMs: number): void;
  /** RST, drop queued bytes. Safe twice. */
  destroy(): void;
}

/** The adapter catches whatever these throw: destroy, `Runtime.onFault`, `onClose("fault")`. One bad session never ends a worker. */
export interface ConnEvents {
  /** `chunk` is valid during the call only. */
  onData(chunk: Uint8Array): void;
  onDrain(): void;
  /** The peer's FIN, at most once, after its last byte. */
  onEnd(): void;
  /** Exactly once, last. */
  onClose(cause: CloseCause): void;
}

export interface Listener {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly at: Address;
  pause(): void;
  resume(): void;
  /** Accept what waits, then close; a descriptor that came from control stays open. */
  close(): void;
}

export interface DialSpec {
  readonly to: Address;
  /** The address to dial from, of the same family, whoever has it (engine linux); null or not given: this machine's. */
  readonly from?: string | null;
  readonly timeoutMs: number;
  /** Sent as soon as possible. Valid during the call only: what does not leave at once is copied. */
  readonly first: Uint8Array | null;
  /** Exactly one of onOpen and onFail, never before dial() returned. onOpen may `join` the connection before it returns. */
  onOpen(conn: Conn): ConnEvents;
  /** `first` again, for another try. */
  onFail(error: DialError, first: Uint8Array | null): void;
}

/** Moves the next bytes of one connection to another without showing them to the session. */
export interface PassSpec {
  /** How many bytes that arrive at `from` belong to `to`; more than 0. */
  readonly bytes: number;
  /** Deltas as they move, at most once per loop turn: idle timers and counters live on it. */
  onProgress(bytes: number): void;
  /** All bytes were taken by `to`; from now on `from` speaks to its `onData` again. */
  onDone(): void;
}

export interface JoinSpec {
  /** 0: none; traffic in either direction counts. */
  readonly idleMs: number;
  readonly halfClosedMs: number;
  /** What was read from the client and not yet written. */
  readonly toNode: readonly Uint8Array[];
  /** What was read from the node and not yet written. */
  readonly toClient: readonly Uint8Array[];
  /** Deltas, at most once per loop turn: live tunnels show in metrics. */
  onBytes(up: number, down: number): void;
  /** Exactly once; both sockets are closed and no descriptor is left. */
  onEnd(end: TunnelEnd): void;
}

export interface TunnelEnd {
  readonly up: number;
  readonly down: number;
  /** Who ended it first. */
  readonly first: "client" | "node" | "edge-lb";
  readonly why: TunnelWhy;
}
export type TunnelWhy = "closed" | "reset" | "idle" | "half-closed" | CutReason;

export interface Tunnel {
  cut(reason: CutReason): void;
  /**
   * Give both sockets away: the runtime forgets them, and no event of this tunnel arrives after this. What was not reported is, before it returns.
   * @returns What `take` needs; null: it is about to end, or this engine cannot, and it stays as it was.
   */
  give(): TunnelState | null;
}
export interface Cancel {
  cancel(): void;
}

export interface Runtime {
  readonly engine: Engine;
  /** Monotonic milliseconds, read once per loop turn. */
  nowMs(): number;
  /** Milliseconds since 1970, for log lines. */
  wallMs(): number;
  /** The only clock of `data/`. */
  timer(ms: number, fire: () => void): Cancel;
  /** @throws EdgeError naming address, port and cause. */
  listen(spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener;
  dial(spec: DialSpec): Cancel;
  /**
   * Until `onDone`, `from.onData` and `from.onDrain`-driven writes to `to` rest; `onEnd` and `onClose` of both still arrive.
   * Both connections must be open and `to` must not be written meanwhile.
   */
  pass(from: Conn, to: Conn, spec: PassSpec): void;
  /** Gives both sockets to the runtime. No event of either connection arrives after this. A FIN seen before the join is passed on. */
  join(client: Conn, node: Conn, spec: JoinSpec): Tunnel;
  /**
   * Go on with a tunnel that was given away, here or in another process; its clocks continue. `toNode` and `toClient` of `spec` are not used,
   * and `onBytes` tells what moves from now on. @throws Error where `give` gives none
   */
  take(state: TunnelState, spec: JoinSpec): Tunnel;
  /** Give back the memory of what is gone, where that does not happen by itself; takes some milliseconds. */
  collect(): void;
  onMail(handler: (mail: ToWorker) => void): void;
  post(mail: FromWorker): void;
  onFault(handler: (error: unknown) => void): void;
  /** linux: loops until stop(), closing every own descriptor in `finally`; others return at once. */
  run(): void;
  stop(): void;
}
