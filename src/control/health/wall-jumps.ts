/** Whether somebody set the wall clock: what is shown of the past has to stay as long ago as it was. */
import type { Clock } from "./system-clock.ts";

/** Less is a clock that is being slewed. */
const JUMP_MS = 1_000;

export class WallJumps {
  private readonly clock: Clock;
  /** From the monotonic clock to the wall's. */
  private offsetMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.offsetMs = clock.wallMs() - clock.nowMs();
  }

  /** By how much it was set since the last call, ms; 0: it was not. */
  take(): number {
    const offsetMs = this.clock.wallMs() - this.clock.nowMs();
    const jumpMs = offsetMs - this.offsetMs;
    if (Math.abs(jumpMs) < JUMP_MS) return 0;
    this.offsetMs = offsetMs;
    return jumpMs;
  }
}
