/** Converters after a sample (`,lower,map_end(names.map)`), as far as they decide on names. */
import { matchText, toRegExp } from "./matching.ts";
import type { Call, MatchMethod, ReadSide, SampleValue } from "./samples.ts";

export function runConverters(converters: readonly Call[], start: string, readSide: ReadSide): SampleValue {
  let value: SampleValue = { kind: "text", text: start };
  for (const converter of converters) {
    if (value.kind !== "text") return value;
    value = convert(converter, value.text, readSide);
  }
  return value;
}

function convert({ name, args }: Call, text: string, readSide: ReadSide): SampleValue {
  if (name === "lower") return { kind: "text", text: text.toLowerCase() };
  if (name === "upper") return { kind: "text", text: text.toUpperCase() };
  if (name === "length") return { kind: "number", value: text.length };
  if (name === "host_only") return { kind: "text", text: text.replace(/:\d*$/, "") };
  if (name === "field" || name === "word") return part(name, args, text);
  if (name === "ltrim" || name === "rtrim") return trim(name, args[0] ?? "", text);
  if (name === "regsub") return substitute(args, text);
  const method = mapMethod(name);
  return method === null ? { kind: "unknown" } : lookUp(method, args, text, readSide);
}

/** Only the plain form, one part counted from either side; `word` skips empty ones. */
function part(name: string, args: readonly string[], text: string): SampleValue {
  const [number = "", separators = "", count = "1"] = args;
  const index = Number(number);
  if (!Number.isInteger(index) || index === 0 || separators === "" || count !== "1") return { kind: "unknown" };
  const pieces = splitAny(text, separators).filter((piece) => name === "field" || piece !== "");
  const piece = index > 0 ? pieces[index - 1] : pieces.at(index);
  return { kind: "text", text: piece ?? "" };
}

function trim(name: string, chars: string, text: string): SampleValue {
  const isKept = (char: string): boolean => !chars.includes(char);
  const all = [...text];
  const trimmed = name === "ltrim" ? all.slice(all.findIndex(isKept)) : all.slice(0, all.findLastIndex(isKept) + 1);
  return { kind: "text", text: all.some(isKept) ? trimmed.join("") : "" };
}

/** `regsub(EXPRESSION,BY,FLAGS)`, as far as nothing of the match is used in what it puts there. */
function substitute([expression = "", by = "", flags = ""]: readonly string[], text: string): SampleValue {
  const compiled = toRegExp(expression, flags.includes("i"));
  if (compiled === null || by.includes("\\")) return { kind: "unknown" };
  return {
    kind: "text",
    text: text.replace(flags.includes("g") ? new RegExp(compiled, `${compiled.flags}g`) : compiled, () => by),
  };
}

function splitAny(text: string, separators: string): string[] {
  const pieces = [""];
  for (const char of text) {
    if (separators.includes(char)) pieces.push("");
    else pieces[pieces.length - 1] += char;
  }
  return pieces;
}

const MAPS: Readonly<Record<string, MatchMethod>> = {
  map: "str",
  map_str: "str",
  map_str_str: "str",
  map_beg: "beg",
  map_beg_str: "beg",
  map_end: "end",
  map_end_str: "end",
  map_sub: "sub",
  map_sub_str: "sub",
  map_dom: "dom",
  map_dom_str: "dom",
  map_dir: "dir",
  map_reg: "reg",
  map_reg_str: "reg",
};

/** How a map converter matches its keys; null for other converters. */
export function mapMethod(name: string): MatchMethod | null {
  return MAPS[name] ?? null;
}

export interface MapEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** `KEY VALUE` a line; `#` starts a comment line. Null where the file cannot be read. */
export function readMap(path: string, readSide: ReadSide): MapEntry[] | null {
  const text = readSide(path);
  if (text === null) return null;
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const [, key, value] = /^\s*([^\s#]\S*)\s+(.*?)\s*$/.exec(raw) ?? [];
    return key === undefined || value === undefined ? [] : [{ key, value, line: index + 1 }];
  });
}

function lookUp(method: MatchMethod, args: readonly string[], text: string, readSide: ReadSide): SampleValue {
  const entries = readMap(args[0] ?? "", readSide);
  if (entries === null) return { kind: "unknown" };
  const found = bestEntry(method, entries, text);
  if (found !== undefined) return { kind: "text", text: found.value };
  return args[1] === undefined ? { kind: "nothing" } : { kind: "text", text: args[1] };
}

/** The first in the file counts, but for `beg`, which HAProxy keeps as a tree: the longest. */
function bestEntry(method: MatchMethod, entries: readonly MapEntry[], text: string): MapEntry | undefined {
  const hits = entries.filter(({ key }) => matchText(method, key, text, false) === true);
  if (method !== "beg") return hits[0];
  return hits.reduce<MapEntry | undefined>(
    (best, hit) => (best !== undefined && best.key.length >= hit.key.length ? best : hit),
    undefined,
  );
}
