/** The sections of an haproxy.cfg, and for each proxy the `defaults` it stands on. */
import { EdgeErrors, type EdgeError } from "../../errors.ts";
import { unreadable, wordAt, type SourceLine } from "./lexer.ts";

export type SectionKind = "global" | "defaults" | "frontend" | "backend" | "listen" | "other";

export interface Section {
  readonly kind: SectionKind;
  /** As written: `frontend`, `resolvers`, … */
  readonly keyword: string;
  readonly name: string;
  readonly head: SourceLine;
  readonly lines: readonly SourceLine[];
  /** The chain of `defaults` that apply, nearest first. */
  readonly defaults: readonly Section[];
}

const PROXIES = ["frontend", "backend", "listen"] as const;
/** Sections that say nothing about routes; they are read over and reported. */
const OTHERS = new Set([
  "userlist",
  "peers",
  "resolvers",
  "mailers",
  "program",
  "http-errors",
  "ring",
  "log-forward",
  "cache",
  "fcgi-app",
  "crt-store",
  "traces",
  "acme",
  "log-profile",
]);

function sectionKind(keyword: string): SectionKind | null {
  if (keyword === "global" || keyword === "defaults") return keyword;
  return PROXIES.find((word) => word === keyword) ?? (OTHERS.has(keyword) ? "other" : null);
}

/**
 * Splits directives into sections.
 * @throws EdgeErrors CONFIG_UNREADABLE for a directive before any section, a section without its name, `.if` blocks and
 * a `from` that names no defaults.
 */
export function readSections(file: string, lines: readonly SourceLine[]): Section[] {
  const errors: EdgeError[] = [];
  const fail = (line: SourceLine, message: string, hint?: string): void => {
    errors.push(unreadable(`${file}:${line.line}:${line.words[0]?.column ?? 1}`, message, hint));
  };
  const sections: (Section & { lines: SourceLine[] })[] = [];
  for (const line of lines) {
    const keyword = wordAt(line, 0);
    const kind = sectionKind(keyword);
    if (keyword.startsWith(".")) {
      fail(line, `found the conditional block ${keyword}, plain directives wanted`, "resolve it by hand first");
    } else if (kind !== null) {
      sections.push(openSection(kind, line, sections, fail));
    } else if (sections.length === 0) {
      fail(line, `found "${keyword}" before any section, global, defaults, frontend, backend or listen wanted`);
    } else {
      sections.at(-1)?.lines.push(line);
    }
  }
  if (errors.length > 0) throw new EdgeErrors(errors);
  return sections;
}

type Fail = (line: SourceLine, message: string, hint?: string) => void;

function openSection(
  kind: SectionKind,
  head: SourceLine,
  before: readonly Section[],
  fail: Fail,
): Section & { lines: SourceLine[] } {
  const named = wordAt(head, 1) === "from" && kind === "defaults" ? "" : wordAt(head, 1);
  const isProxy = kind === "frontend" || kind === "backend" || kind === "listen";
  if (isProxy && named === "") fail(head, `found a ${kind} without a name, a name wanted`);
  const section = { kind, keyword: wordAt(head, 0), name: named, head, lines: [] };
  return { ...section, defaults: isProxy || kind === "defaults" ? findDefaults(kind, head, before, fail) : [] };
}

/** `from NAME`, else the last `defaults` above; `defaults` themselves inherit only by name. */
function findDefaults(kind: SectionKind, head: SourceLine, before: readonly Section[], fail: Fail): Section[] {
  const all = before.filter((section) => section.kind === "defaults");
  const from = head.words.findIndex((word) => word.text === "from");
  if (from > 0) {
    const name = wordAt(head, from + 1);
    const found = all.findLast((section) => section.name === name);
    if (found === undefined) fail(head, `found "from ${name}", the name of a defaults section above wanted`);
    return found === undefined ? [] : [found, ...found.defaults];
  }
  const last = all.at(-1);
  return kind === "defaults" || last === undefined ? [] : [last, ...last.defaults];
}

export function linesOf(section: Section, keyword: string): SourceLine[] {
  return section.lines.filter((line) => wordAt(line, 0) === keyword);
}

/** The directive that starts with these words and counts: the proxy's own last one, else that of its defaults. */
export function lastLine(section: Section, start: readonly string[]): SourceLine | null {
  for (const place of [section, ...section.defaults]) {
    const found = place.lines.findLast((line) => start.every((word, index) => wordAt(line, index) === word));
    if (found !== undefined) return found;
  }
  return null;
}
