/** What a connection needs of a socket and of the runtime around it. Bun's own `Socket` is a `Wire` as it stands. */
import type { Cancel } from "../port.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Pulse } from "./pulse.ts";

/**
 * A connected socket without memory of its own. The runtime reports what happens on it to its `PortableConn`:
 * `received`, `writable`, `ended` (the peer's FIN) and `closed`. A wire whose both directions have finished closes itself.
 */
export interface Wire {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** Bytes taken; fewer than given: wait for `writable`. Negative: the socket is gone. The rest stays the caller's. */
  write(chunk: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** FIN. */
  shutdown(): void;
  /** Close both directions; the system still delivers what was written. */
  end(): void;
  /** RST. */
  terminate(): void;
  /** Missing where it was turned on from the start. */
  setKeepAlive?(on: boolean, afterMs: number): unknown;
}

/** What connections and tunnels share within one runtime. */
export interface Host {
  /** A chunk given to `received` may be overwritten after the call, so what is kept must be copied. */
  readonly lends: boolean;
  /** `Wire.write` may go on reading a chunk after it returned, so a session's chunk is copied first. */
  readonly borrows: boolean;
  /** A chunk that the wire delivered was sent on, and nobody has it any more. */
  readonly spent?: (chunk: Uint8Array) => void;
  nowMs(): number;
  /** Runs soon, never before the caller returned. */
  defer(task: () => void): void;
  /** `fire` must not throw. */
  timer(ms: number, fire: () => void): Cancel;
  fault(error: unknown): void;
  readonly pulse: Pulse;
  readonly deadlines: Deadlines;
  /** Every open connection, for `stop()`. */
  readonly conns: Set<{ reset(cause: "destroyed"): void; keepAlive(): void }>;
}

/** A copy also of a `Buffer`, whose own `slice` is a view. */
export function copyOf(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk);
}
