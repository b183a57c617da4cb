/** Numbers, times and states as the page says them. */
import type { ClusterState } from "../core/health/cluster-state.ts";
import type { Status } from "../control/status/report.ts";
import type { HealthWord } from "../seam/board.ts";

/** Shape and word carry what the colour says, for those who do not see it. */
export const STATE_WORDS: Readonly<Record<HealthWord, { readonly sign: string; readonly word: string }>> = {
  up: { sign: "✓", word: "up" },
  unknown: { sign: "?", word: "not checked" },
  "not-ready": { sign: "!", word: "not ready" },
  dead: { sign: "✕", word: "dead" },
  drained: { sign: "‖", word: "drained" },
  foreign: { sign: "≠", word: "foreign" },
};

export const LEVEL_WORDS: Readonly<Record<ClusterState, { readonly sign: string; readonly word: string }>> = {
  up: { sign: "✓", word: "up" },
  degraded: { sign: "!", word: "degraded" },
  down: { sign: "✕", word: "down" },
  asleep: { sign: "‖", word: "asleep" },
  waking: { sign: "…", word: "waking" },
  unknown: { sign: "?", word: "not checked" },
};

const RUNGS: ReadonlyMap<string, string> = new Map([
  ["readyz", "/readyz"],
  ["ready1936", ":1936/healthz/ready"],
  ["healthz", "/healthz"],
  ["tls", "TLS handshake"],
  ["tcp", "TCP connect"],
]);

/** What a pool's nodes are asked. */
export function rungWords(rung: string): string {
  return RUNGS.get(rung) ?? rung;
}

/** When the status was made, ms since 1970. */
export function madeMs({ started, uptimeSeconds }: Status): number {
  return Date.parse(started) + uptimeSeconds * 1_000;
}

const STEPS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const;

/** `9 s`, `3 m`, `2 h`, `41 d`. */
export function shortDuration(seconds: number): string {
  for (const [unit, size] of STEPS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.max(0, Math.round(seconds))} s`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Powers of 1,000, three digits: `812 B`, `1.2 kB`, `34 MB`. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** `12,345`. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** One digit behind the point below 100: `0`, `1.3`, `1,200`. */
export function rate(value: number): string {
  return value >= 100 ? count(value) : String(Math.round(value * 10) / 10);
}

/** `1 node`, `3 nodes`. */
export function many(amount: number, noun: string): string {
  return `${count(amount)} ${noun}${amount === 1 ? "" : "s"}`;
}

/** Whole days from one moment to another; negative when it is past. */
export function daysBetween(fromMs: number, untilIso: string): number {
  return Math.floor((Date.parse(untilIso) - fromMs) / 86_400_000);
}
