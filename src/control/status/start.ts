/** Since when edge-lb serves here: an upgrade goes on with it, as its totals do. */

/** The same for another process. */
export interface StartFacts {
  /** How long ago, by the monotonic clock, ms. */
  readonly ageMs: number;
  /** What is shown of it: ms since 1970. */
  readonly shownMs: number;
}

/** A smaller difference is how clocks run, and no setting of one. */
const CLOCK_SET_MS = 1_000;

export class Start {
  private startedMs = performance.now();
  private shownMs = 0;

  facts(): StartFacts {
    return { ageMs: performance.now() - this.startedMs, shownMs: this.shownMs };
  }

  carry({ ageMs, shownMs }: StartFacts): void {
    this.startedMs = performance.now() - ageMs;
    this.shownMs = shownMs;
  }

  /** By the wall clock of now, which may have been set meanwhile; the two clocks' own jitter moves nothing. */
  onWall(nowMs: number): number {
    const startedMs = Math.round(nowMs - (performance.now() - this.startedMs));
    if (Math.abs(startedMs - this.shownMs) >= CLOCK_SET_MS) this.shownMs = startedMs;
    return this.shownMs;
  }
}
