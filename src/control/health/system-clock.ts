/** The clock that control's periodic work runs on; tests drive one by hand. */

/** A timer under way. */
export interface Cancel {
  cancel(): void;
}

export interface Clock {
  /** Monotonic, ms. */
  nowMs(): number;
  /** Since 1970, ms. */
  wallMs(): number;
  timer(ms: number, fire: () => void): Cancel;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  timer(ms, fire) {
    const timer = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
