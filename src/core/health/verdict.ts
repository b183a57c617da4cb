/**
 * The verdict machine of one endpoint: a pure reducer over probe outcomes and failed dials.
 * One good probe ends "unknown"; after that `rise` good ones in a row bring an endpoint in and `fall` bad ones take it out.
 * A foreign certificate acts at once, because no byte of a client may reach another cluster.
 */
import type { HealthWord } from "../../seam/board.ts";
import { NOT_CHECKED, type Reason } from "./reasons.ts";

/** What one probe says of an endpoint. */
export type ProbeVerdict = "up" | "not-ready" | "dead" | "foreign";

export interface Outcome {
  readonly verdict: ProbeVerdict;
  readonly reason: Reason;
}

/** The health words that probes decide on; "drained" is the operator's and is shown instead of the verdict. */
export type Verdict = Exclude<HealthWord, "drained">;

export interface VerdictLimits {
  /** Good outcomes in a row that bring an endpoint back. */
  readonly rise: number;
  /** Bad outcomes in a row that take it out. */
  readonly fall: number;
}

export interface VerdictState {
  readonly verdict: Verdict;
  /** Why it has this verdict: the newest outcome that agreed with it. */
  readonly reason: Reason;
  /** When the verdict came, on the caller's clock, ms. */
  readonly sinceMs: number;
  /** Outcomes in a row that disagree with the verdict, and what the last of them said; null: none. */
  readonly streak: number;
  readonly opposing: ProbeVerdict | null;
  /** Outcomes in a row that confirmed a dead verdict: the back-off grows with it. */
  readonly deadProbes: number;
}

/** Where every endpoint starts. */
export function unknownSince(nowMs: number): VerdictState {
  return { verdict: "unknown", reason: NOT_CHECKED, sinceMs: nowMs, streak: 0, opposing: null, deadProbes: 0 };
}

/**
 * Take in one outcome.
 * @returns The next state, and whether the verdict changed.
 */
export function observe(
  state: VerdictState,
  outcome: Outcome,
  limits: VerdictLimits,
  nowMs: number,
): { readonly state: VerdictState; readonly flipped: boolean } {
  if (outcome.verdict === state.verdict) return { state: agree(state, outcome), flipped: false };
  const streak = continues(state, outcome.verdict) ? state.streak + 1 : 1;
  if (streak < needed(state.verdict, outcome.verdict, limits)) {
    return { state: { ...state, streak, opposing: outcome.verdict, deadProbes: 0 }, flipped: false };
  }
  return {
    state: {
      verdict: outcome.verdict,
      reason: outcome.reason,
      sinceMs: nowMs,
      streak: 0,
      opposing: null,
      deadProbes: 0,
    },
    flipped: true,
  };
}

function agree(state: VerdictState, outcome: Outcome): VerdictState {
  const deadProbes = outcome.verdict === "dead" ? state.deadProbes + 1 : 0;
  return { ...state, reason: outcome.reason, streak: 0, opposing: null, deadProbes };
}

/** From up or unknown every failure counts towards leaving; from any other verdict only the same one counts. */
function continues(state: VerdictState, found: ProbeVerdict): boolean {
  if (state.opposing === null) return false;
  const leaving = state.verdict === "up" || state.verdict === "unknown";
  return leaving ? found !== "up" && state.opposing !== "up" : found === state.opposing;
}

function needed(from: Verdict, to: ProbeVerdict, limits: VerdictLimits): number {
  if (to === "foreign") return 1;
  if (to === "up") return from === "unknown" ? 1 : limits.rise;
  return limits.fall;
}

/** On the way to another verdict, or without any yet: probe again soon. */
export function changing(state: VerdictState): boolean {
  return state.streak > 0 || state.verdict === "unknown";
}
