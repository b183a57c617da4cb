/** When a client's connection has waited long enough: for a head, for a byte of a body, for anything at all. */
import type { SessionEffects, SessionSettings } from "./effects.ts";

type Timeouts = SessionSettings["timeouts"];

export class Deadline {
  private readonly effects: SessionEffects;
  private readonly timeouts: Timeouts;
  /** What is waited for must have come by then. */
  private due = Infinity;
  /** The same for the next byte of the body that the client owes. */
  private bodyDue = Infinity;

  constructor(effects: SessionEffects, timeouts: Timeouts) {
    this.effects = effects;
    this.timeouts = timeouts;
  }

  /** @param owed The client owes bytes of a body. */
  at(owed: boolean): number {
    return owed && this.bodyDue < this.due ? this.bodyDue : this.due;
  }

  /** Has more come due than the next byte of a body? */
  get passed(): boolean {
    return this.effects.nowMs() >= this.due;
  }

  /** Wait for what has a timeout of its own. */
  wait(timeout: "httpHead" | "keepAlive"): void {
    this.due = this.effects.nowMs() + this.timeouts[timeout];
  }

  /** Something moved: it may rest for so long. @param idleMs 0: for ever. */
  rest(idleMs: number): void {
    this.due = idleMs === 0 ? Infinity : this.effects.nowMs() + idleMs;
  }

  /** A byte of the body came, or could not have come earlier. */
  restBody(): void {
    this.bodyDue = this.effects.nowMs() + this.timeouts.httpBody;
  }

  /** Nothing is waited for here. */
  stop(): void {
    this.due = Infinity;
  }
}
