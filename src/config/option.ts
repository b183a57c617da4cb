/** What a option of the option table is, and how its texts become a value. */
import { EdgeError } from "../errors.ts";
import { fit, quote, type Located, type Problems, type Reading } from "./text.ts";
import type { Choice } from "./values.ts";

/** What the defaults of some options depend on. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Effective user id; 0 is root, -1 where there is none. */
  readonly userId: number;
  readonly cpus: number;
}

type Unfit = Extract<Reading<unknown>, { ok: false }>;
export type Report = (at: Located, wrong: Unfit) => void;
/** All texts of one layer to one value; what cannot be read is reported and left out. */
export type Parse<T> = (texts: readonly Located[], report: Report) => T | undefined;

export interface Option<T> {
  /** The flag without dashes; options that share one are told apart by `item`. */
  readonly flag: string;
  /** `hello` of `--timeout hello=5s`; a key of `--cluster`. */
  readonly item: string | null;
  readonly short: string | null;
  /** What stands for the value in help. */
  readonly value: string;
  /** Dotted path in the file; null: command line only. */
  readonly yaml: string | null;
  /** Read like a typed text; `none`: the value where nothing is said. */
  readonly fallback: string | ((machine: Machine) => string) | { readonly none: T };
  /** The default in words, where `fallback` is no text. */
  readonly fallbackShown: string;
  readonly help: string;
  /** Takes effect on reload; otherwise a restart is needed. */
  readonly reload: boolean;
  /** Several values: commas and YAML lists split, repeated flags add up. */
  readonly many: boolean;
  /** Never echoed. */
  readonly secret: boolean;
  /** The word that stands for no value at all: `off`. */
  readonly inert: string | null;
  readonly parse: Parse<T>;
}

type Given<T> = Pick<Option<T>, "flag" | "value" | "help" | "fallback"> &
  Partial<Omit<Option<T>, "parse" | "many">> & { readonly read: (text: string) => Reading<T> };

function complete<T>(given: Omit<Given<T>, "read">, more: Pick<Option<T>, "many" | "parse">): Option<T> {
  const { fallback } = given;
  return {
    item: null,
    short: null,
    yaml: given.flag,
    fallbackShown: typeof fallback === "string" ? fallback : "",
    reload: true,
    secret: false,
    inert: null,
    ...given,
    ...more,
  };
}

/** A option with one value; given twice on the command line, the last one counts, as with kubectl. */
export function one<T>(given: Given<T>): Option<T> {
  const { read, ...rest } = given;
  const parse: Parse<T> = (texts, report) => {
    let value: T | undefined;
    for (const at of texts) {
      const reading = read(at.text);
      if (reading.ok) value = reading.value;
      else report(at, reading);
    }
    return value;
  };
  return complete(rest, { many: false, parse });
}

/** A option whose value is one of some words. */
export function word<W extends string>(
  given: Omit<Given<W>, "read" | "value"> & { readonly of: Choice<W> },
): Option<W> {
  const { of, ...rest } = given;
  return one({ ...rest, value: of.words.join("|"), read: of.read });
}

/** A option with any number of values; `off` alone means none. */
export function many<T>(
  given: Omit<Given<readonly T[]>, "read"> & { readonly readItem: (text: string) => Reading<readonly T[]> },
): Option<readonly T[]> {
  const { readItem, ...rest } = given;
  const parse: Parse<readonly T[]> = (texts, report) => {
    const items = texts.flatMap((at) => at.text.split(",").map((item) => ({ text: item.trim(), where: at.where })));
    if (items.length === 1 && items[0]?.text === rest.inert) return [];
    return items.flatMap((at) => {
      const reading = readItem(at.text);
      if (reading.ok) return reading.value;
      report(at, reading);
      return [];
    });
  };
  return complete(rest, { many: true, parse });
}

/** A reader of one item as `many` wants it. */
export function listOf<T>(read: (text: string) => Reading<T>): (text: string) => Reading<readonly T[]> {
  return (text) => {
    const reading = read(text);
    return reading.ok ? fit([reading.value]) : reading;
  };
}

/** The values of a group of options. */
export type Resolved<Group> = { readonly [K in keyof Group]: Group[K] extends Option<infer T> ? T : never };

/** What messages call the option. */
export function labelOf(option: Option<unknown>): string {
  return option.flag === "cluster" && option.item !== null ? option.item : (option.yaml ?? option.flag);
}

/**
 * One option's value from the texts of the highest layer that has any, or its default; also after a mistake was reported,
 * so that the search for mistakes can go on.
 * @param owner Whose option it is, for messages: `cluster "hub"`.
 */
export function resolveOption<T>(
  option: Option<T>,
  texts: readonly Located[],
  machine: Machine,
  problems: Problems,
  owner = "",
): T {
  const report: Report = (at, wrong) => {
    const found = option.secret ? "something else" : (wrong.found ?? quote(at.text));
    const what = `Cannot use ${labelOf(option)}${owner === "" ? "" : ` of ${owner}`}`;
    problems.add(at.where, `${what}: ${found} found, ${wrong.wanted} wanted`, wrong.hint);
  };
  const value = texts.length === 0 ? undefined : option.parse(texts, report);
  return value === undefined ? fallbackOf(option, machine) : value; // null is a value: off
}

function fallbackOf<T>(option: Option<T>, machine: Machine): T {
  const { fallback } = option;
  if (typeof fallback === "object") return fallback.none;
  const text = typeof fallback === "string" ? fallback : fallback(machine);
  const value = option.parse([{ text, where: "" }], () => {});
  if (value === undefined)
    throw new EdgeError("INTERNAL", `Cannot use the default of ${labelOf(option)}: ${quote(text)}`);
  return value;
}
