/** Options of one command: no settings, and not in the file. Their values are read from the texts as typed. */
import { fit, quote, type Reading } from "../../config/values/text.ts";
import type { Choice } from "../../config/values/values.ts";

export interface CommandOption<T> {
  readonly help: string;
  /** One letter, without its dash. */
  readonly short: string | null;
  /** What stands for the value in help; null: it takes none. */
  readonly value: string | null;
  /** The values it may have, for completion; empty when they cannot be listed. */
  readonly words: readonly string[];
  readonly repeatable: boolean;
  /** @param texts Every value that was typed, "" for an option without one. What cannot be read is refused and left out. */
  parse(texts: readonly string[], refuse: Refuse): T;
}

type Refuse = (text: string, wrong: Extract<Reading<unknown>, { ok: false }>) => void;

/** By flag, without its dashes. */
export type CommandOptions = Readonly<Record<string, CommandOption<unknown>>>;

export type ValuesOf<O extends CommandOptions> = {
  readonly [K in keyof O]: O[K] extends CommandOption<infer T> ? T : never;
};

interface More {
  readonly short?: string | null;
  readonly words?: readonly string[];
}

/** An option without a value. */
export function toggle(help: string, { short = null }: Pick<More, "short"> = {}): CommandOption<boolean> {
  return { help, short, value: null, words: [], repeatable: false, parse: (texts) => texts.length > 0 };
}

/** An option with one value; typed twice is a mistake. Null when it is not typed. */
export function single<T>(
  value: string,
  help: string,
  read: (text: string) => Reading<T>,
  { short = null, words = [] }: More = {},
): CommandOption<T | null> {
  return {
    help,
    short,
    value,
    words,
    repeatable: false,
    parse(texts, refuse) {
      for (const text of texts.slice(1))
        refuse(text, { ok: false, found: `${quote(text)} beside another one`, wanted: "one" });
      return readAll(texts.slice(0, 1), read, refuse)[0] ?? null;
    },
  };
}

/** An option whose value is one of some words. */
export function oneWord<W extends string>({ words, read }: Choice<W>, help: string): CommandOption<W | null> {
  return single(words.join("|"), help, read, { words });
}

/** An option that may be typed any number of times. */
export function several<T>(
  value: string,
  help: string,
  read: (text: string) => Reading<T>,
): CommandOption<readonly T[]> {
  return {
    help: `${help} (repeatable)`,
    short: null,
    value,
    words: [],
    repeatable: true,
    parse: (texts, refuse) => readAll(texts, read, refuse),
  };
}

/** The text itself. */
export const anyText = (text: string): Reading<string> => fit(text);

function readAll<T>(texts: readonly string[], read: (text: string) => Reading<T>, refuse: Refuse): readonly T[] {
  return texts.flatMap((text) => {
    const reading = read(text);
    if (reading.ok) return [reading.value];
    refuse(text, reading);
    return [];
  });
}
