/** What a worker counts of every connection and request that ended, by service: how, and how long it took. */
import { SERVICES_MOST } from "./services.ts";

/** Why a connection or request ended, in words. */
export const END_REASONS = [
  "done", // an HTTP request that was answered
  "redirected",
  "client closed",
  "node closed",
  "client reset",
  "node reset",
  "idle",
  "half-closed",
  "cut: node down",
  "cut: drain",
  "cut: removed",
  "cut: not allowed",
  "cut: shutdown",
  "unknown name",
  "no name",
  "node down", // a known name with nothing usable behind it
  "not allowed",
  "limit reached",
  "not TLS",
  "bad PROXY header", // of a peer that has to send one
  "hello timeout",
  "malformed",
  "client gone", // before a node was reached
  "bad request",
  "bad answer", // the node's answer cannot be forwarded
  "head timeout",
  "body timeout",
  "internal error",
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Upper bounds in ms; one more bucket holds what is above. A dial takes the network's time, a tunnel may live for days. */
export const DURATIONS = {
  dial: [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000],
  total: [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000],
} as const satisfies Readonly<Record<string, readonly number[]>>;
export type Duration = keyof typeof DURATIONS;

/** Sum, the buckets, and the bucket above them. */
const DIAL_CELLS = DURATIONS.dial.length + 2;
const TOTAL_CELLS = DURATIONS.total.length + 2;
const OFFSETS: Readonly<Record<Duration, number>> = {
  dial: END_REASONS.length,
  total: END_REASONS.length + DIAL_CELLS,
};
const SERVICE_WIDTH = END_REASONS.length + DIAL_CELLS + TOTAL_CELLS;
/** Cells of one worker. */
export const TALLIES_WIDTH = SERVICE_WIDTH * SERVICES_MOST;

const END_INDEX = new Map<EndReason, number>(END_REASONS.map((reason, index) => [reason, index]));

/** The board, as far as tallies are concerned. */
interface Tallied {
  readonly workers: number;
  readonly tallies: Float64Array;
}

/** One more end. @param base the worker's first cell. @param service its index. @param dialMs null: no node was dialled for it */
export function tally(
  cells: Float64Array,
  base: number,
  service: number,
  end: EndReason,
  dialMs: number | null,
  totalMs: number,
): void {
  const first = base + service * SERVICE_WIDTH;
  add(cells, first + (END_INDEX.get(end) ?? 0), 1);
  if (dialMs !== null) addDuration(cells, first + OFFSETS.dial, DURATIONS.dial, dialMs);
  addDuration(cells, first + OFFSETS.total, DURATIONS.total, totalMs);
}

/** Control writes what another process tallied, to a column of its own. Buckets are taken only where they are the same. */
export function carryTallies(
  { tallies }: Pick<Tallied, "tallies">,
  column: number,
  service: number,
  ends: Readonly<Record<string, number>>,
  durations: Readonly<Record<Duration, Histogram>>,
): void {
  const first = column * TALLIES_WIDTH + service * SERVICE_WIDTH;
  for (const [reason, index] of END_INDEX) tallies[first + index] = ends[reason] ?? 0;
  for (const duration of ["dial", "total"] as const) {
    const { sumMs, counts } = durations[duration];
    if (counts.length === DURATIONS[duration].length + 1) tallies.set([sumMs, ...counts], first + OFFSETS[duration]);
  }
}

function addDuration(cells: Float64Array, first: number, bounds: readonly number[], ms: number): void {
  let bucket = 0;
  while (bucket < bounds.length && ms > (bounds[bucket] ?? 0)) bucket += 1;
  add(cells, first, ms);
  add(cells, first + 1 + bucket, 1);
}

function add(cells: Float64Array, cell: number, amount: number): void {
  cells[cell] = (cells[cell] ?? 0) + amount;
}

/** How many ended so, over all workers. */
export function endsOf(board: Tallied, service: number, end: EndReason): number {
  return sum(board, service * SERVICE_WIDTH + (END_INDEX.get(end) ?? 0));
}

export interface Histogram {
  readonly sumMs: number;
  /** By bound, then what is above; not cumulative. */
  readonly counts: readonly number[];
}

export function durationsOf(board: Tallied, service: number, duration: Duration): Histogram {
  const first = service * SERVICE_WIDTH + OFFSETS[duration];
  const counts = Array.from({ length: DURATIONS[duration].length + 1 }, (_, bucket) => sum(board, first + 1 + bucket));
  return { sumMs: sum(board, first), counts };
}

function sum(board: Tallied, cell: number): number {
  let total = 0;
  for (let worker = 0; worker < board.workers; worker++) total += board.tallies[worker * TALLIES_WIDTH + cell] ?? 0;
  return total;
}
