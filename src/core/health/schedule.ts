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
 * @param states Of every endpoint that this probe speaks for; the most urgent decides.
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
  // 1, 2, 4, 8, 16, 30 s: a node that was away is noticed after about as long again; the cap is there because `deadProbes` grows for weeks
  const waitMs = Math.min(CHANGING_MS, intervalMs) * 2 ** Math.min(state.deadProbes, 16);
  return Math.min(waitMs, Math.max(intervalMs, DEAD_MS));
}

/** Probes start in step with this grid: several that start together wake the machine once, which costs a third of waking it for each. */
export const SLOT_MS = 100;

/**
 * How many nodes' probes may start in one slot: twice the steady rate, so that a switch which goes down and comes back under
 * 1,000 nodes never makes a burst; a small lab is probed within a moment all the same.
 */
export function slotQuota(nodes: number, intervalMs: number): number {
  return Math.max(10, Math.ceil((2 * nodes * SLOT_MS) / intervalMs));
}

/** How much of the current slot is used. */
export interface StartPace {
  /** Number of the slot, counted from the clock's zero. */
  readonly slot: number;
  /** Probes that started in it. */
  readonly used: number;
}

/** Take a start for one node's probe. `waitMs` 0: it may start now; otherwise ask again after that time. */
export function takeStart(
  pace: StartPace,
  nowMs: number,
  quota: number,
): { readonly pace: StartPace; readonly waitMs: number } {
  const slot = Math.floor(nowMs / SLOT_MS);
  const used = slot === pace.slot ? pace.used : 0;
  if (used < quota) return { pace: { slot, used: used + 1 }, waitMs: 0 };
  return { pace, waitMs: (slot + 1) * SLOT_MS - nowMs };
}

/** The start of the next slot at or after this time. */
export function onGrid(atMs: number): number {
  return Math.ceil(atMs / SLOT_MS) * SLOT_MS;
}
