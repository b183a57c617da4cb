/** What `Link` needs of a socket and of the runtime around it. Bun's own `Socket` is a `Wire` as it stands. */
import type { Cancel } from "../port.ts";

/**
 * A connected socket without memory of its own. The runtime reports what happens on it to its `Link`:
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

/** What links and tunnels share within one runtime. */
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
  /** Every open link, for `stop()`. */
  readonly links: Set<{ shut(cause: "destroyed"): void; keepAlive(): void }>;
}

/** Something that counts bytes as they move and tells them later. */
export interface Flow {
  /** It moved bytes since the last flush; the pulse holds it. */
  dirty: boolean;
  flush(): void;
}

/** Flushes the flows that moved: counting a chunk must cost neither a clock reading nor a timer. */
export interface Pulse {
  mark(flow: Flow): void;
}

/** @param beat Arranges for the flush: soon, but not for every chunk. */
export function createPulse(beat: (flush: () => void) => void): Pulse {
  let waiting: Flow[] = [];
  const flush = (): void => {
    const flows = waiting;
    waiting = [];
    for (const flow of flows) flow.flush();
  };
  return {
    mark(flow) {
      flow.dirty = true;
      if (waiting.push(flow) === 1) beat(flush);
    },
  };
}

/** Something that ends at a time which moves as it lives. */
export interface Expiring {
  /** On the runtime's clock; Infinity: never. */
  deadlineMs(): number;
  expire(): void;
}

/** One timer for all tunnels: it sleeps until the earliest deadline known, then looks at all of them. */
export interface Deadlines {
  /** Also when a deadline came nearer; one that moved away needs no call. */
  add(expiring: Expiring): void;
  delete(expiring: Expiring): void;
  readonly all: ReadonlySet<Expiring>;
}

/** Looking at every tunnel more often than this would cost more than a late end harms. */
const LOOK_MS = 20;

export function createDeadlines(nowMs: () => number, timer: Host["timer"]): Deadlines {
  const all = new Set<Expiring>();
  let armedFor = Infinity;
  let armed: Cancel | null = null;
  const arm = (atMs: number, delayMs: number): void => {
    armed?.cancel();
    armedFor = atMs;
    armed = timer(delayMs, look);
  };
  const look = (): void => {
    armed = null;
    armedFor = Infinity;
    const now = nowMs();
    let earliest = Infinity;
    for (const expiring of all) {
      const deadline = expiring.deadlineMs();
      if (deadline <= now) expiring.expire();
      else if (deadline < earliest) earliest = deadline;
    }
    if (earliest < armedFor) arm(earliest, Math.max(LOOK_MS, earliest - now));
  };
  return {
    all,
    add(expiring) {
      all.add(expiring);
      const deadline = expiring.deadlineMs();
      if (deadline < armedFor) arm(deadline, Math.max(0, deadline - nowMs()));
    },
    delete(expiring) {
      all.delete(expiring);
      if (all.size > 0) return;
      armed?.cancel();
      armed = null;
      armedFor = Infinity;
    },
  };
}
