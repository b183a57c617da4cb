/**
 * Whether to look for news a moment before falling asleep. To sleep and be woken costs both sides some microseconds, on a virtual machine
 * more than ten, so a wait that is over sooner is better spent awake. Learnt from how often looking was of use; an idle worker sleeps at once.
 */

/** So long it looks; the clock is asked once in so many looks. */
const LOOK_MS = 0.01;
const LOOKS = 16;
/** What one look counts beside those before it. */
const WEIGHT = 1 / 8;
/** While it does not pay, one wait in so many tries it. */
const TRIAL = 64;

export class Patience {
  /** The part of the last looks that were of use, 0 to 1. */
  private use = 0;
  private waits = 0;

  /** Whether the next wait begins with a look. */
  looksNow(): boolean {
    return this.use > 0.5 || this.waits++ % TRIAL === 0;
  }

  /** @returns Whether one of `flags` was set in that word before the time was up. */
  look(words: Int32Array, index: number, flags: number): boolean {
    const came = this.comes(words, index, flags);
    this.use += ((came ? 1 : 0) - this.use) * WEIGHT;
    return came;
  }

  private comes(words: Int32Array, index: number, flags: number): boolean {
    const until = performance.now() + LOOK_MS;
    do {
      for (let i = 0; i < LOOKS; i++) if ((Atomics.load(words, index) & flags) !== 0) return true;
    } while (performance.now() < until);
    return false;
  }
}
