/** Rates from counters: read once a second, kept for ten minutes in steps of ten seconds. */
import type { Cancel, Clock } from "../health/system-clock.ts";

/** What is counted per cluster, and for all of them together. */
export interface Counters {
  readonly connections: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Per second, over the last second. */
export type Rates = Counters;

/** Per second, oldest first: an average over each step; the newest step may not be over yet. */
export interface History {
  readonly stepSeconds: number;
  readonly connections: readonly number[];
  readonly bytesUp: readonly number[];
  readonly bytesDown: readonly number[];
}

const SECOND_MS = 1_000;
const STEP_SECONDS = 10;
const STEPS = 60;
const KINDS = ["connections", "bytesUp", "bytesDown"] as const;
type Kind = (typeof KINDS)[number];

/** 60 steps of 3 numbers: 720 bytes a cluster. */
interface Series {
  last: Counters;
  rates: Rates;
  readonly steps: Readonly<Record<Kind, Float32Array>>;
  /** Steps that hold something, at most STEPS. */
  filled: number;
}

const NONE: Counters = { connections: 0, bytesUp: 0, bytesDown: 0 };

export class RateMeter {
  private readonly read: () => ReadonlyMap<string, Counters>;
  private readonly clock: Clock;
  private readonly series = new Map<string, Series>();
  private readMs: number;
  /** Since the start. */
  private seconds = 0;
  private step = 0;
  private timer: Cancel;

  /** @param read Every key that there is now, with its counters. */
  constructor(read: () => ReadonlyMap<string, Counters>, clock: Clock) {
    this.read = read;
    this.clock = clock;
    this.readMs = clock.nowMs();
    for (const [key, counters] of read()) this.series.set(key, newSeries(counters));
    this.timer = this.inASecond();
  }

  /** All zero until the key was read twice. */
  rates(key: string): Rates {
    return this.series.get(key)?.rates ?? NONE;
  }

  history(key: string): History {
    return historyOf(this.series.get(key), this.step, Math.max(((this.seconds - 1) % STEP_SECONDS) + 1, 1));
  }

  stop(): void {
    this.timer.cancel();
  }

  private inASecond(): Cancel {
    return this.clock.timer(SECOND_MS, () => {
      this.sample();
      this.timer = this.inASecond();
    });
  }

  private sample(): void {
    const nowMs = this.clock.nowMs();
    const elapsed = Math.max(nowMs - this.readMs, 1) / SECOND_MS;
    this.readMs = nowMs;
    this.seconds += 1;
    const opens = this.seconds % STEP_SECONDS === 1;
    if (opens) this.step = (this.step + 1) % STEPS;
    const now = this.read();
    for (const key of this.series.keys()) if (!now.has(key)) this.series.delete(key);
    for (const [key, counters] of now) {
      const known = this.series.get(key);
      if (known === undefined) this.series.set(key, newSeries(counters));
      else advance(known, counters, elapsed, this.step, opens);
    }
  }
}

function newSeries(last: Counters): Series {
  const steps = {
    connections: new Float32Array(STEPS),
    bytesUp: new Float32Array(STEPS),
    bytesDown: new Float32Array(STEPS),
  };
  return { last, rates: NONE, steps, filled: 0 };
}

function advance(series: Series, now: Counters, elapsed: number, step: number, opens: boolean): void {
  const { last, steps } = series;
  // a counter that shrank belongs to a cluster of the same name that was added anew
  const per = (kind: Kind): number => Math.max(now[kind] - last[kind], 0) / elapsed;
  series.rates = { connections: per("connections"), bytesUp: per("bytesUp"), bytesDown: per("bytesDown") };
  series.last = now;
  if (opens || series.filled === 0) series.filled = Math.min(series.filled + 1, STEPS);
  for (const kind of KINDS) {
    const cells = steps[kind];
    if (opens) cells[step] = 0;
    cells[step] = (cells[step] ?? 0) + series.rates[kind];
  }
}

/** @param inStep Seconds that the newest step has had. */
function historyOf(series: Series | undefined, step: number, inStep: number): History {
  const filled = series?.filled ?? 0;
  const of = (kind: Kind): readonly number[] =>
    Array.from({ length: filled }, (_, at) => {
      const sum = series?.steps[kind][(step - filled + 1 + at + STEPS) % STEPS] ?? 0;
      return rounded(sum / (at === filled - 1 ? inStep : STEP_SECONDS));
    });
  return {
    stepSeconds: STEP_SECONDS,
    connections: of("connections"),
    bytesUp: of("bytesUp"),
    bytesDown: of("bytesDown"),
  };
}

/** A tenth is as fine as anybody reads it. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
