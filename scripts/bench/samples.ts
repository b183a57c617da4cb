/** Durations of one measurement. */

/** More than one worker answers in a measurement; the quantiles of a longer one are those of its beginning. */
const MOST = 1 << 20;
const values = new Float64Array(MOST);

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export class Samples {
  count = 0;

  add(ms: number): void {
    if (this.count < MOST) values[this.count] = ms;
    this.count++;
  }

  /** In microseconds. One measurement at a time: all instances share the memory. */
  quantiles(): Quantiles {
    const sorted = values.subarray(0, Math.min(this.count, MOST)).sort();
    const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? 0) * 1000;
    return { p50: at(0.5), p99: at(0.99) };
  }
}
