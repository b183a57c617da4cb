/** When to probe next: steady, sooner while a verdict is changing, later for the dead, and never many at once. */
import { changing, type VerdictState } from "./verdict.ts";

/** While a verdict is changing. With fall 2 and a 2 s timeout an endpoint that swallows packets is out within 10 s. */
export const CHANGING_MS = 1_000;
/** The dead are asked at least this often, so a node that was switched on is noticed within half a minute. */
export const DEAD_MS = 30_000;
/** ±10 %: enough to drift apart within a few rounds, little enough to keep the promised detection times. */
const JITTER = 0.1;

/**
 * Milliseconds from the start of the last probe to the start of the next.
 * @param states Every endpoint that this probe speaks for; the most urgent decides.
 * @param random 0 to below 1.
 */
export function nextDelay(states: readonly VerdictState[], intervalMs: number, random: number): number {
  let delay = Math.max(intervalMs, DEAD_MS);
  for (const state of states) delay = Math.min(delay, delayOf(state, intervalMs));
  return Math.round(delay * (1 - JITTER + 2 * JITTER * random));
}

function delayOf(state: VerdictState, intervalMs: number): number {
  if (changing(state)) return Math.min(CHANGING_MS, intervalMs);
  if (state.verdict !== "dead") return intervalMs;
  // 5, 10, 20, 30 s; the exponent is bounded because `quiet` grows for weeks
  return Math.min(intervalMs * 2 ** Math.min(state.quiet, 8), Math.max(intervalMs, DEAD_MS));
}

/**
 * The gap kept between the starts of any two probes, in ms: twice the steady rate at most, so that a switch which goes down
 * and comes back under 1,000 nodes never makes a burst, and a small lab is looked at within a moment.
 */
export function probeGap(targets: number, intervalMs: number): number {
  return Math.min(5, intervalMs / (2 * Math.max(targets, 1)));
}

/** The first free start at or after `dueMs`; the caller keeps the answer as the next call's `lastMs`. */
export function paced(dueMs: number, lastMs: number, gapMs: number): number {
  return Math.max(dueMs, lastMs + gapMs);
}
