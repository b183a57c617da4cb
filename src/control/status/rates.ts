/** Rates from counters: looked at once a second, kept for ten minutes in steps of ten seconds. */
import type { Clock } from "../health/system-clock.ts";

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

export interface RateMeter {
  /** All zero until the key was looked at twice. */
  rates(key: string): Rates;
  history(key: string): History;
  stop(): void;
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

/** @param read Every key that there is now, with its counters. */
export function startRates(read: () => ReadonlyMap<string, Counters>, clock: Clock): RateMeter {
  const series = new Map<string, Series>();
  let lookedMs = clock.nowMs();
  let seconds = 0;
  let step = 0;

  const look = (): void => {
    const elapsed = Math.max(clock.nowMs() - lookedMs, 1) / SECOND_MS;
    lookedMs = clock.nowMs();
    seconds += 1;
    const opens = seconds % STEP_SECONDS === 1;
    if (opens) step = (step + 1) % STEPS;
    const now = read();
    for (const key of series.keys()) if (!now.has(key)) series.delete(key);
    for (const [key, counters] of now) {
      const known = series.get(key);
      if (known === undefined) series.set(key, newSeries(counters));
      else advance(known, counters, elapsed, step, opens);
    }
    timer = clock.timer(SECOND_MS, look);
  };
  for (const [key, counters] of read()) series.set(key, newSeries(counters));
  let timer = clock.timer(SECOND_MS, look);

  return {
    rates: (key) => series.get(key)?.rates ?? NONE,
    history: (key) => historyOf(series.get(key), step, Math.max(((seconds - 1) % STEP_SECONDS) + 1, 1)),
    stop: () => timer.cancel(),
  };
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
