/**
 * The verdict machine of one endpoint: a pure reducer over probe outcomes and failed dials.
 * One good probe ends "unknown"; after that `rise` good ones in a row bring an endpoint in and `fall` bad ones take it out.
 * A foreign certificate acts at once, because no byte of a client may reach another cluster.
 */
import type { HealthWord } from "../../seam/board.ts";
import { NOT_CHECKED, type Reason } from "./reasons.ts";

/** What one look at an endpoint says. */
export type Look = "up" | "not-ready" | "dead" | "foreign";

export interface Outcome {
  readonly look: Look;
  readonly reason: Reason;
}

/** Of `HealthWord`, what looking can tell; "drained" is the operator's word and lies over it. */
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
  readonly leaning: Look | null;
  /** Outcomes in a row that found it dead while it is dead: the back-off grows with it. */
  readonly quiet: number;
}

/** Where every endpoint starts. */
export function unknownSince(nowMs: number): VerdictState {
  return { verdict: "unknown", reason: NOT_CHECKED, sinceMs: nowMs, streak: 0, leaning: null, quiet: 0 };
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
  if (outcome.look === state.verdict) return { state: agree(state, outcome), flipped: false };
  const streak = continues(state, outcome.look) ? state.streak + 1 : 1;
  if (streak < needed(state.verdict, outcome.look, limits)) {
    return { state: { ...state, streak, leaning: outcome.look, quiet: 0 }, flipped: false };
  }
  return {
    state: { verdict: outcome.look, reason: outcome.reason, sinceMs: nowMs, streak: 0, leaning: null, quiet: 0 },
    flipped: true,
  };
}

function agree(state: VerdictState, outcome: Outcome): VerdictState {
  const quiet = outcome.look === "dead" ? state.quiet + 1 : 0;
  return { ...state, reason: outcome.reason, streak: 0, leaning: null, quiet };
}

/** Coming from up or unknown every kind of "no" counts towards leaving; elsewhere only the same kind counts. */
function continues(state: VerdictState, look: Look): boolean {
  if (state.leaning === null) return false;
  const leaving = state.verdict === "up" || state.verdict === "unknown";
  return leaving ? look !== "up" && state.leaning !== "up" : look === state.leaning;
}

function needed(from: Verdict, to: Look, limits: VerdictLimits): number {
  if (to === "foreign") return 1;
  if (to === "up") return from === "unknown" ? 1 : limits.rise;
  return limits.fall;
}

/** On the way to another verdict, or without any yet: look again soon. */
export function changing(state: VerdictState): boolean {
  return state.streak > 0 || state.verdict === "unknown";
}
