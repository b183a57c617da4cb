/** How fast strangers are asked: so many at a time, so many a second. */

/** What a sweep may cost a network and this machine. */
export const AT_A_TIME = 64;
export const A_SECOND = 500;
/** Starts that may come together after a rest; timers are no finer than this anyway. */
const BURST = 10;

/** A sweep of thousands must not hold up the few that are known to be there. */
export type Urgency = "soon" | "sweep";

export class Pacer {
  private readonly waiting: Readonly<Record<Urgency, (() => void)[]>> = { soon: [], sweep: [] };
  private readonly nowMs: () => number;
  private running = 0;
  private allowed = BURST;
  private allowedMs: number;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
    this.allowedMs = nowMs();
  }

  /** In the order asked, those that are to be soon first. */
  async run<T>(urgency: Urgency, work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.waiting[urgency].push(resolve);
      this.startNext();
    });
    try {
      return await work();
    } finally {
      this.running -= 1;
      this.startNext();
    }
  }

  private startNext(): void {
    const { soon, sweep } = this.waiting;
    this.refill();
    while (this.running < AT_A_TIME && this.allowed >= 1) {
      const start = soon.shift() ?? sweep.shift();
      if (start === undefined) return;
      this.running += 1;
      this.allowed -= 1;
      start();
    }
    if (soon.length + sweep.length === 0 || this.running >= AT_A_TIME || this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.startNext();
    }, 1_000 / A_SECOND);
  }

  private refill(): void {
    const nowMs = this.nowMs();
    this.allowed = Math.min(BURST, this.allowed + ((nowMs - this.allowedMs) * A_SECOND) / 1_000);
    this.allowedMs = nowMs;
  }
}
