/** What an option of the option table is, and how its texts become a value. */
import { EdgeError } from "../../errors.ts";
import { quote, type Located, type Problems } from "../values/text.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { Choice } from "../values/values.ts";
import type { Codec, Form, ItemCodec, Parse, Report } from "../values/codec.ts";

/** One descriptor of sd_listen_fds(3). */
export interface PassedSocket {
  /** A service's, `admin` or `control`. */
  readonly name: string;
  readonly fd: number;
  /** Of a TCP socket that listens; else null. */
  readonly at: Address | null;
  /** Of a unix socket that listens, `@` before an abstract one; else null. */
  readonly path: string | null;
}

/** What the defaults of some options depend on. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Effective user id; 0 is root, -1 where there is none. */
  readonly userId: number;
  readonly cpus: number;
  /** Of its interfaces, in canonical text; null: the configuration is another machine's, or not to be served. */
  readonly addresses: readonly string[] | null;
  /** Sockets that the service manager listens on for this process. */
  readonly passed?: readonly PassedSocket[];
}

/** Who works with the value: what "data" options say is in the snapshot, under the same key as in the configuration. */
export type Plane = "control" | "data";

export interface Option<T, P extends Plane = Plane> {
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
  readonly plane: P;
  /** Several values: commas and YAML lists split, repeated flags add up. */
  readonly many: boolean;
  /** Never echoed. */
  readonly secret: boolean;
  /** The word that stands for no value at all: `off`. */
  readonly inert: string | null;
  /** How one text of it looks, for the file's schema; null: in any way. */
  readonly form: Form | null;
  readonly parse: Parse<T>;
  /** The value as it could be typed, or a word for none. Of a secret option too: not for output. */
  show(value: T): string;
  /** What became of the value: `5s -> 6s`; null: nothing. */
  change(before: T, after: T): string | null;
}

type Given<T> = Pick<Option<T>, "flag" | "value" | "help"> &
  Partial<Omit<Option<T>, "parse" | "show" | "many" | "plane" | "form">>;
type Working<T> = Pick<Option<T>, "many" | "parse" | "show" | "fallback" | "form">;

function complete<T>(given: Given<T>, working: Working<T>): Option<T, "control"> {
  const { fallback, show } = working;
  return {
    item: null,
    short: null,
    yaml: given.flag,
    fallbackShown: typeof fallback === "string" ? fallback : "",
    reload: true,
    plane: "control",
    secret: false,
    inert: null,
    change: (before, after) => (show(before) === show(after) ? null : `${show(before)} -> ${show(after)}`),
    ...given,
    ...working,
  };
}

/** The same option, for the data plane. */
export function forData<T>(option: Option<T>): Option<T, "data"> {
  return { ...option, plane: "data" };
}

/** The same option; a second text is a mistake. */
export function atMostOnce<T, P extends Plane>(option: Option<T, P>): Option<T, P> {
  const parse: Parse<T> = (texts, report) => {
    for (const at of texts.slice(1))
      report(at, { ok: false, found: `${quote(at.text)} beside another one`, wanted: "one" });
    return option.parse(texts.slice(0, 1), report);
  };
  return { ...option, parse };
}

/** The last text that can be read counts, as with kubectl. */
function parseLast<T>(codec: Codec<T>): Parse<T> {
  return (texts, report) => {
    let value: T | undefined;
    for (const at of texts) {
      const reading = codec.read(at.text);
      if (reading.ok) value = reading.value;
      else report(at, reading);
    }
    return value;
  };
}

type Single<T> = Omit<Given<T>, "fallback"> & { readonly fallback: string | ((machine: Machine) => string) };

/** An option that has one value always. */
export function one<T>({ of, fallback, ...given }: Single<T> & { readonly of: Codec<T> }): Option<T, "control"> {
  const show = (value: T): string => of.show(value);
  return complete(given, { many: false, fallback, parse: parseLast(of), show, form: of.form ?? null });
}

/** An option that has one value or, where nothing is said, null: shown as `absent`. */
export function maybe<T>({
  of,
  absent = "none",
  ...given
}: Omit<Given<T | null>, "fallback"> & { readonly of: Codec<T>; readonly absent?: string }): Option<
  T | null,
  "control"
> {
  const show = (value: T | null): string => (value === null ? absent : of.show(value));
  const working = { many: false, fallback: { none: null }, parse: parseLast(of), show, form: of.form ?? null };
  return complete<T | null>(given, working);
}

/** An option whose value is one of some words. */
export function word<W extends string>(
  given: Omit<Single<W>, "value"> & { readonly of: Choice<W> },
): Option<W, "control"> {
  return one({ ...given, value: given.of.words.join("|") });
}

/** An option with any number of values; `inert` alone means none, and so does saying nothing. */
export function many<T>({
  of,
  fallback = { none: [] },
  ...given
}: Given<readonly T[]> & { readonly of: ItemCodec<T> }): Option<readonly T[], "control"> {
  const { inert = null, fallbackShown = "none" } = given;
  const parse: Parse<readonly T[]> = (texts, report) => {
    const items = texts.flatMap((at) => at.text.split(",").map((item) => ({ text: item.trim(), where: at.where })));
    if (items.length === 1 && items[0]?.text === inert) return [];
    return items.flatMap((at) => {
      const reading = of.read(at.text);
      if (reading.ok) return reading.value;
      report(at, reading);
      return [];
    });
  };
  const show = (items: readonly T[]): string =>
    items.length === 0 ? (inert ?? fallbackShown) : items.map((item) => of.show(item)).join(",");
  return complete(given, { many: true, fallback, parse, show, form: of.form ?? null });
}

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
