/** How single values are written: durations, numbers, words. */
import { DURATION_PATTERN } from "./patterns.ts";
import type { Codec } from "./codec.ts";
import { fit, oneOf, unfit, type Reading } from "./text.ts";

/** More than any machine holds: beyond it is a typing mistake. */
export const CONNECTIONS_MOST = 10_000_000;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof UNIT_MS;
/** Timers of JavaScript runtimes hold at most 2^31 - 1 ms, 24.8 days. */
export const DURATION_MOST_MS = 24 * 24 * UNIT_MS.h;

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(UNIT_MS, text);
}

/** `500ms`, `5s`, `2m`, `24h`, in milliseconds. */
export function duration(leastMs = 1): Codec<number> {
  return {
    read(text) {
      const [, digits = "", unit] = /^(\d{1,10})([a-z]+)$/.exec(text) ?? [];
      if (!isUnit(unit)) return unfit("a duration such as 500ms, 5s, 2m or 24h");
      const ms = Number(digits) * UNIT_MS[unit];
      if (ms >= leastMs && ms <= DURATION_MOST_MS) return fit(ms);
      return unfit(`${leastMs === 0 ? "0s" : durationText(leastMs)} to ${durationText(DURATION_MOST_MS)}`);
    },
    show: durationText,
    form: { pattern: leastMs === 0 ? DURATION_PATTERN : `0*[1-9]${DURATION_PATTERN}` },
  };
}

const INSTANT_PATTERN = "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2})?(Z|[+-]\\d{2}:\\d{2})";

/** `2026-12-01T18:00:00Z`, or with an offset instead of Z (RFC 3339), in ms since 1970. */
export const INSTANT: Codec<number> = {
  read(text) {
    const ms = new RegExp(`^${INSTANT_PATTERN}$`).test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(ms) ? unfit("a time such as 2026-12-01T18:00:00Z") : fit(ms);
  },
  show: (ms) => new Date(ms).toISOString().replace(".000Z", "Z"),
  form: { pattern: INSTANT_PATTERN },
};

/** The shortest text that `duration` reads back. */
export function durationText(ms: number): string {
  for (const unit of ["h", "m", "s"] as const) {
    if (ms > 0 && ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  }
  return ms === 0 ? "0s" : `${ms}ms`;
}

/** A whole number; `words` are accepted instead and stand for a number. */
export function whole(least: number, most: number, words: Readonly<Record<string, number>> = {}): Codec<number> {
  return {
    read(text) {
      if (Object.hasOwn(words, text)) return fit(words[text] ?? 0);
      const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
      if (value >= least && value <= most) return fit(value);
      return unfit(oneOf([`a whole number from ${least} to ${most}`, ...Object.keys(words)]));
    },
    show: (value) => Object.keys(words).find((word) => words[word] === value) ?? String(value),
    form: { words: Object.keys(words), range: [least, most] },
  };
}

/** One of some words. */
export interface Choice<W extends string> extends Codec<W> {
  readonly words: readonly W[];
}

export function choice<const W extends string>(...words: readonly W[]): Choice<W> {
  return {
    words,
    read(text) {
      const word = words.find((candidate) => candidate === text);
      return word === undefined ? unfit(oneOf(words)) : fit(word);
    },
    show: (word) => word,
    form: { words },
  };
}

/** Texts that are their own value. */
export function plain(read: (text: string) => Reading<string>, pattern?: string): Codec<string> {
  return { read, show: (text) => text, ...(pattern === undefined ? {} : { form: { pattern } }) };
}

/** The same, or `off`: null. */
export function orOff<T>(codec: Codec<T>): Codec<T | null> {
  return {
    read: (text) => (text === "off" ? fit(null) : codec.read(text)),
    show: (value) => (value === null ? "off" : codec.show(value)),
    ...(codec.form === undefined ? {} : { form: { ...codec.form, words: [...(codec.form.words ?? []), "off"] } }),
  };
}

const YES = new Set(["on", "true", "yes"]);
const NO = new Set(["off", "false", "no"]);

/** `on` or `off`; YAML's own words for it are understood too. */
export const ON_OFF: Codec<boolean> = {
  read(text) {
    if (YES.has(text)) return fit(true);
    return NO.has(text) ? fit(false) : unfit("on or off");
  },
  show: (on) => (on ? "on" : "off"),
  form: { words: ["on", "off", ...[...YES, ...NO].filter((word) => word !== "on" && word !== "off")] },
};
