/** YAML text to a plain tree that knows the place of every key and value. The only module that knows the `yaml` package. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  stringify,
  type Document,
  type YAMLError,
} from "yaml";
import { Problems, quote } from "../values/text.ts";

/** Scalars stay the text that was written (`08080`, `1.10`, `on`): what they mean is for the option's reader to say. */
export type Tree =
  | { readonly kind: "text"; readonly text: string; readonly where: string }
  | { readonly kind: "empty"; readonly where: string }
  | { readonly kind: "list"; readonly items: readonly Tree[]; readonly where: string }
  | { readonly kind: "map"; readonly entries: readonly Entry[]; readonly where: string };

export interface Entry {
  readonly key: string;
  readonly where: string;
  readonly value: Tree;
}

/** A file of 1,000 clusters has some 20,000 values; aliases that unfold to more than this are a bomb. */
const VALUES_MOST = 200_000;
/** The format has four levels. */
const DEPTH_MOST = 16;
/** One broken quote can make every following line an error. */
const ERRORS_MOST = 20;

/**
 * @param file Its name, for places in messages.
 * @throws EdgeErrors (CONFIG_UNREADABLE) with every mistake of syntax.
 */
export function parseYaml(text: string, file: string): Tree {
  const lines = new LineCounter();
  const problems = new Problems();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const document = parse(text, lines);
  if (document === null) problems.add(`${file}:1:1`, "Cannot read the file: nested too deeply", undefined, UNREADABLE);
  else for (const fault of faultsOf(document)) reportFault(fault, place, problems);
  problems.throwIfAny();
  const tree = document === null ? null : walkDocument(document, place, problems);
  problems.throwIfAny();
  return tree ?? { kind: "empty", where: `${file}:1:1` };
}

const UNREADABLE = "CONFIG_UNREADABLE";

function parse(text: string, lineCounter: LineCounter): Document | null {
  try {
    // "failsafe" leaves every scalar its text. Duplicate keys are looked for here, where both places are known.
    return parseDocument(text, { schema: "failsafe", lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch {
    return null; // a RangeError of the recursive parser
  }
}

function faultsOf(document: Document): readonly YAMLError[] {
  return [...document.errors, ...document.warnings].slice(0, ERRORS_MOST);
}

/** The package's own words may quote the text, and the text may be a password. */
const WORDS: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  BAD_ALIAS: "an alias without its anchor",
  BAD_DQ_ESCAPE: "an unknown escape in double quotes",
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
  BAD_SCALAR_START: "a value that starts with a reserved character",
  BLOCK_AS_IMPLICIT_KEY: "a second colon",
  MISSING_CHAR: "a missing colon, comma, space, quote or bracket",
  MULTILINE_IMPLICIT_KEY: "a key over several lines",
  MULTIPLE_DOCS: "a second document",
  TAB_AS_INDENT: "a tab as indentation",
  TAG_RESOLVE_FAILED: "an unknown tag",
  UNEXPECTED_TOKEN: "something where it cannot stand",
};

function reportFault(fault: YAMLError, place: (offset: number) => string, problems: Problems): void {
  const found = WORDS[fault.code] ?? `a mistake (${fault.code.toLowerCase().replaceAll("_", " ")})`;
  const hint = fault.code === "BLOCK_AS_IMPLICIT_KEY" ? "put the value in quotes" : undefined;
  problems.add(place(fault.pos[0]), `Cannot read YAML: ${found} found`, hint, UNREADABLE);
}

function walkDocument(document: Document, place: (offset: number) => string, problems: Problems): Tree | null {
  if (document.contents === null) return null;
  const tree = new Walk(place, problems).walk(document.contents, 0, place(0));
  reportDuplicates(tree, problems);
  return tree;
}

/** One way through a document; aliases are followed, as far as the document's bounds allow. */
class Walk {
  private readonly place: (offset: number) => string;
  private readonly problems: Problems;
  private readonly anchors = new Map<string, unknown>();
  private left = VALUES_MOST;

  constructor(place: (offset: number) => string, problems: Problems) {
    this.place = place;
    this.problems = problems;
  }

  walk(node: unknown, depth: number, from: string): Tree {
    const where = this.placeOf(node) ?? from;
    this.left -= 1;
    if (this.left < 0 || depth > DEPTH_MOST) return this.tooMuch(depth, where);
    this.remember(node);
    if (isAlias(node)) return this.walkAlias(node.source, depth, where);
    if (isMap(node))
      return { kind: "map", entries: node.items.map((pair) => this.walkPair(pair, depth, where)), where };
    if (isSeq(node)) return { kind: "list", items: node.items.map((item) => this.walk(item, depth + 1, where)), where };
    return leaf(node, where);
  }

  private tooMuch(depth: number, where: string): Tree {
    const found = this.left < 0 ? `more than ${VALUES_MOST} values` : `more than ${DEPTH_MOST} levels`;
    // One complaint is enough: after it nothing is unfolded any more.
    if (this.left > -2 || depth > DEPTH_MOST)
      this.problems.add(where, `Cannot read YAML: ${found} found`, undefined, UNREADABLE);
    this.left = Math.min(this.left, -2);
    return { kind: "empty", where };
  }

  private placeOf(node: unknown): string | null {
    const range = isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? node.range : null;
    return range === null || range === undefined ? null : this.place(range[0]);
  }

  private remember(node: unknown): void {
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, node);
  }

  private walkAlias(name: string, depth: number, where: string): Tree {
    const anchored = this.anchors.get(name);
    if (anchored !== undefined) return this.walk(anchored, depth + 1, where);
    this.problems.add(where, "Cannot read YAML: an alias without its anchor found", undefined, UNREADABLE);
    return { kind: "empty", where };
  }

  private walkPair(pair: { key: unknown; value: unknown }, depth: number, from: string): Entry {
    const where = this.placeOf(pair.key) ?? from;
    const key = isScalar(pair.key) && typeof pair.key.value === "string" ? pair.key.value : null;
    if (key === null) this.problems.add(where, "Cannot read YAML: a key that is no text found", undefined, UNREADABLE);
    return { key: key ?? "", where, value: this.walk(pair.value, depth + 1, where) };
  }
}

function leaf(node: unknown, where: string): Tree {
  if (!isScalar(node) || typeof node.value !== "string") return { kind: "empty", where };
  // `key:` with nothing behind it; an empty text in quotes stays a text.
  if (node.value === "" && node.type === "PLAIN") return { kind: "empty", where };
  return { kind: "text", text: node.value, where };
}

function reportDuplicates(tree: Tree, problems: Problems): void {
  if (tree.kind === "list") for (const item of tree.items) reportDuplicates(item, problems);
  if (tree.kind !== "map") return;
  const first = new Map<string, string>();
  for (const { key, where, value } of tree.entries) {
    const before = first.get(key);
    if (before === undefined) first.set(key, where);
    else problems.add(where, `Cannot use key ${quote(key)} twice: first at ${before}`);
    reportDuplicates(value, problems);
  }
}

/** A value as a YAML document, long texts on one line; texts such as `on`, which readers of YAML 1.1 take for true, in quotes. */
export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, compat: "yaml-1.1" });
}
