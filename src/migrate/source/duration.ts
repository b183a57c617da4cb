const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A HAProxy time in milliseconds: a plain number is milliseconds already; null when it is none. */
export function readHaproxyTime(text: string): number | null {
  const [, digits, unit = "ms"] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text) ?? [];
  return digits === undefined ? null : Math.ceil(Number(digits) * (UNITS[unit] ?? 1));
}
