/** Takes apart the regular expressions people write for host names: literals, anchors, one label, anything. */

export type Part =
  /** `loose` marks dots written without a backslash, which stand for any character. */
  | { readonly kind: "literal"; readonly text: string; readonly loose: boolean }
  /** Characters of one label, or of any number of labels; `least` is 0 for `*`. */
  | { readonly kind: "label" | "any"; readonly least: 0 | 1 };

/** One alternative of an expression. */
export interface Shape {
  readonly start: boolean;
  readonly end: boolean;
  readonly parts: readonly Part[];
}

/** An expression with more alternatives than this is no list of names that a person wrote. */
const SHAPES_MOST = 64;

interface Mark {
  readonly kind: "start" | "end";
}
type Item = Part | Mark;
type Sequence = readonly Item[];

/** Thrown and caught in this module only: the expression is beyond what names need. */
class TooRich extends Error {}

/** The alternatives of an expression, or null where it is more than a pattern of names. */
export function regexShapes(expression: string): Shape[] | null {
  const reader = { text: expression.replace(/^\(\?i\)/, ""), at: 0 };
  try {
    const sequences = readAlternatives(reader);
    if (reader.at < reader.text.length) return null;
    return sequences.map(toShape);
  } catch (error) {
    if (error instanceof TooRich) return null;
    throw error;
  }
}

interface Reader {
  readonly text: string;
  at: number;
}

function readAlternatives(reader: Reader): Sequence[] {
  const all: Sequence[] = [];
  do {
    if (reader.text[reader.at] === "|") reader.at++;
    all.push(...readSequence(reader));
  } while (reader.text[reader.at] === "|");
  return limited(all);
}

function readSequence(reader: Reader): Sequence[] {
  let sequences: Sequence[] = [[]];
  while (reader.at < reader.text.length && !"|)".includes(reader.text[reader.at] ?? "")) {
    const next = readItem(reader);
    sequences = limited(sequences.flatMap((before) => next.map((after) => before.concat(after))));
  }
  return sequences;
}

function limited(sequences: Sequence[]): Sequence[] {
  if (sequences.length > SHAPES_MOST) throw new TooRich();
  return sequences;
}

function readItem(reader: Reader): Sequence[] {
  const char = reader.text[reader.at++] ?? "";
  if (char === "^") return [[{ kind: "start" }]];
  if (char === "$") return [[{ kind: "end" }]];
  if (char === "(") return readGroup(reader);
  if (char === "[") return readClass(reader);
  if (char === "\\") return readEscape(reader);
  if (char === ".") return readDot(reader);
  if ("*+?{".includes(char)) throw new TooRich();
  return optional(reader, { kind: "literal", text: char, loose: false });
}

/** `*`, `+`, `?`, `{…}` or nothing; a `?` after it only changes the order of trying. */
function readQuantifier(reader: Reader): "" | "*" | "+" | "?" {
  const [all = "", mark = ""] = /^([*+?]|\{\d+(?:,\d*)?\})\??/.exec(reader.text.slice(reader.at)) ?? [];
  reader.at += all.length;
  if (mark.startsWith("{")) return mark.startsWith("{0") ? "*" : "+";
  return mark === "*" || mark === "+" || mark === "?" ? mark : "";
}

function optional(reader: Reader, part: Part): Sequence[] {
  const quantifier = readQuantifier(reader);
  if (quantifier === "") return [[part]];
  if (quantifier === "?") return [[], [part]];
  throw new TooRich();
}

function readDot(reader: Reader): Sequence[] {
  const quantifier = readQuantifier(reader);
  if (quantifier === "*" || quantifier === "+") return [[{ kind: "any", least: quantifier === "+" ? 1 : 0 }]];
  const dot: Part = { kind: "literal", text: ".", loose: true };
  return quantifier === "?" ? [[], [dot]] : [[dot]];
}

function readEscape(reader: Reader): Sequence[] {
  const char = reader.text[reader.at++] ?? "";
  if ("wd".includes(char) && char !== "") return wild(reader, "label");
  if (/[A-Za-z0-9]/.test(char) || char === "") throw new TooRich();
  return optional(reader, { kind: "literal", text: char, loose: false });
}

/** A class must repeat to be a label; `[.]` and short classes such as `[12]` are literals. */
function readClass(reader: Reader): Sequence[] {
  const [all = "", negated = "", body = ""] =
    /^(\^?)((?:\[:[a-z]+:\]|\\.|[^\]\\])+)\]/.exec(reader.text.slice(reader.at)) ?? [];
  if (all === "") throw new TooRich();
  reader.at += all.length;
  const members = body.replace(/\\(.)/g, "$1");
  const dotted = members.includes(".");
  if (/^([*+{])/.test(reader.text.slice(reader.at))) {
    return wild(reader, dotted === (negated !== "") ? "label" : "any");
  }
  const chars = negated === "" ? expandClass(members) : [];
  if (chars.length === 0 || chars.length > 16) throw new TooRich();
  const literals = chars.map((text): Part => ({ kind: "literal", text, loose: false }));
  return readQuantifier(reader) === "?" ? [[], ...literals.map((part) => [part])] : literals.map((part) => [part]);
}

function expandClass(members: string): string[] {
  if (members.includes("[:")) return [];
  return [...members.matchAll(/(.)-(.)|(.)/g)].flatMap(([, from, to, single]) => {
    if (from === undefined || to === undefined) return [single ?? ""];
    const [low, high] = [from.charCodeAt(0), to.charCodeAt(0)];
    return Array.from({ length: Math.max(0, Math.min(high - low + 1, 64)) }, (_, index) =>
      String.fromCharCode(low + index),
    );
  });
}

function wild(reader: Reader, kind: "label" | "any"): Sequence[] {
  const quantifier = readQuantifier(reader);
  if (quantifier === "" || quantifier === "?") throw new TooRich();
  return [[{ kind, least: quantifier === "+" ? 1 : 0 }]];
}

/** `(a|b)`, `(…)?`, and `([^.]+\.)+` for any number of labels. */
function readGroup(reader: Reader): Sequence[] {
  const [intro = ""] = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(reader.text.slice(reader.at)) ?? [];
  if (intro === "" && reader.text[reader.at] === "?") throw new TooRich();
  reader.at += intro.length;
  const inner = readAlternatives(reader);
  if (reader.text[reader.at++] !== ")") throw new TooRich();
  const quantifier = readQuantifier(reader);
  if (quantifier === "") return inner;
  if (quantifier === "?") return limited([[], ...inner]);
  const labels: Sequence = [
    { kind: "any", least: 1 },
    { kind: "literal", text: ".", loose: false },
  ];
  if (!inner.every(isLabelAndDot)) throw new TooRich();
  return quantifier === "+" ? [labels] : [[], labels];
}

function isLabelAndDot(sequence: Sequence): boolean {
  const [label, dot] = sequence;
  const isLabel = label?.kind === "label" || label?.kind === "any";
  return sequence.length === 2 && isLabel && dot?.kind === "literal" && dot.text === ".";
}

function isMark(item: Item): item is Mark {
  return item.kind === "start" || item.kind === "end";
}

function toShape(sequence: Sequence): Shape {
  const items = [...sequence];
  const start = items[0]?.kind === "start";
  const end = items.at(-1)?.kind === "end";
  const inner = items.slice(start ? 1 : 0, end ? -1 : undefined);
  const parts: Part[] = [];
  for (const item of inner) {
    if (isMark(item)) throw new TooRich();
    const last = parts.at(-1);
    if (item.kind === "literal" && last?.kind === "literal") {
      parts[parts.length - 1] = { kind: "literal", text: last.text + item.text, loose: last.loose || item.loose };
    } else {
      parts.push(item);
    }
  }
  return { start, end, parts };
}
