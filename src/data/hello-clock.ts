/** When those who sent no whole hello must go: one timer for all, since each has as long as the one before it. */
import type { Cancel, Runtime } from "../runtime/port.ts";
import { Chain, type Link } from "./chain.ts";

export interface Waiting extends Link<Waiting> {
  /** Kept by the clock. */
  dueMs: number;
  /** Its time is over; it is not waiting any more. */
  expired(): void;
}

export class HelloClock {
  private readonly runtime: Runtime;
  private readonly waiting = new Chain<Waiting>();
  /** Stays when those it was set for have left: it looks who is due, and most come and go before it fires. */
  private timer: Cancel | null = null;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  /** After a reload that shortens `ms`, those who came before it keep their time, and those behind them wait as long. */
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
      // also when one of them threw: the others' time must not stand still
      if (this.waiting.first !== null && this.timer === null) this.arm(Math.max(1, this.waiting.first.dueMs - now));
    }
  }
}
