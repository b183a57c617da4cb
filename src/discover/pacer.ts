/** How fast strangers are asked: so many at a time, so many a second. */

/** What a sweep may cost a network and this machine. */
export const AT_A_TIME = 64;
export const A_SECOND = 500;
/** Starts that may come together after a rest; timers are no finer than this anyway. */
const BURST = 10;

export class Pacer {
  private readonly waiting: (() => void)[] = [];
  private readonly nowMs: () => number;
  private running = 0;
  private allowed = BURST;
  private allowedMs: number;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(nowMs: () => number = () => performance.now()) {
    this.nowMs = nowMs;
    this.allowedMs = nowMs();
  }

  /** In the order asked. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
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
    this.refill();
    while (this.waiting.length > 0 && this.running < AT_A_TIME && this.allowed >= 1) {
      this.running += 1;
      this.allowed -= 1;
      this.waiting.shift()?.();
    }
    if (this.waiting.length === 0 || this.running >= AT_A_TIME || this.timer !== null) return;
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
