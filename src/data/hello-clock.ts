/** The time limit for a whole ClientHello: one timer for all connections, since each has as long as the one before it. */
import type { Cancel, Runtime } from "../runtime/port.ts";
import { Chain, type Link } from "./chain.ts";

export interface Waiting extends Link<Waiting> {
  /** Kept by the clock. */
  dueMs: number;
  /** Its time is over; the clock has removed it. */
  expired(): void;
}

export class HelloClock {
  private readonly runtime: Runtime;
  private readonly waiting = new Chain<Waiting>();
  /** Not reset when a session leaves, which most do before it fires: it then checks who is due. */
  private timer: Cancel | null = null;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  /** After a reload that shortens `ms`, sessions that began before it keep their time, and later ones wait until those are due. */
  start(session: Waiting, ms: number): void {
    session.dueMs = this.runtime.nowMs() + ms;
    this.waiting.add(session);
    if (this.timer === null) this.arm(ms);
  }

  /** Safe when it does not wait. */
  stop(session: Waiting): void {
    this.waiting.remove(session);
  }

  /** The worker ends. */
  close(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private arm(ms: number): void {
    this.timer = this.runtime.timer(ms, () => this.fire());
  }

  private fire(): void {
    this.timer = null;
    const now = this.runtime.nowMs();
    try {
      for (let next = this.waiting.first; next !== null && next.dueMs <= now; next = this.waiting.first) {
        this.waiting.remove(next);
        next.expired();
      }
    } finally {
      // also when one of them threw: the others still have their limit
      if (this.waiting.first !== null && this.timer === null) this.arm(Math.max(1, this.waiting.first.dueMs - now));
    }
  }
}
