/**
 * From the text of an haproxy.cfg to lines of words, by HAProxy's own quoting rules:
 * a backslash takes away the meaning of one character, single quotes of all, double quotes of all but `\` and `$`.
 */
import { EdgeError, EdgeErrors } from "../../errors.ts";
import { expandVariable, type Environment } from "./environment.ts";

export interface Word {
  readonly text: string;
  /** 1-based; a line continued with a backslash has words on several lines. */
  readonly line: number;
  readonly column: number;
}

/** One directive: its words, and the text it was written as. */
export interface SourceLine {
  readonly words: readonly Word[];
  readonly line: number;
  /** Differs from `line` where a backslash at the end joined lines. */
  readonly lastLine: number;
  readonly text: string;
}

/** The text of a directive's word, "" where there is none. */
export function wordAt(line: SourceLine, index: number): string {
  return line.words[index]?.text ?? "";
}

/** The words of a directive as plain text, from one index on. */
export function wordsFrom(line: SourceLine, index: number): string[] {
  return line.words.slice(index).map((word) => word.text);
}

/** Control characters but tab, line feed and carriage return: this is not a text file. */
// oxlint-disable-next-line no-control-regex -- finding control characters is the purpose
const BINARY = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/**
 * Splits a configuration into directives; empty lines and comments are left out.
 * @param file Name for messages.
 * @param environment Variables for `"$NAME"`; `setenv`, `presetenv` and `unsetenv` change it on the way.
 * @throws EdgeErrors CONFIG_UNREADABLE, one per broken line, with `file:line:column`.
 */
export function readLines(file: string, text: string, environment: Environment): SourceLine[] {
  const errors: EdgeError[] = [];
  const lines: SourceLine[] = [];
  for (const raw of joinContinued(text)) {
    const result = splitWords(raw, environment);
    if (typeof result === "string") {
      errors.push(unreadable(`${file}:${raw.line}`, result));
    } else if (result.length > 0) {
      const written = raw.pieces.map((piece) => piece.text.trim()).join(" ");
      lines.push({ words: result, line: raw.line, lastLine: raw.line + raw.pieces.length - 1, text: written });
      applyEnvironment(result, environment);
    }
  }
  if (errors.length > 0) throw new EdgeErrors(errors);
  return lines;
}

/** An error that ends the import with exit 2. */
export function unreadable(where: string, message: string, hint?: string): EdgeError {
  return new EdgeError("CONFIG_UNREADABLE", `Cannot read the HAProxy configuration: ${message}`, { where, hint });
}

interface RawLine {
  readonly line: number;
  readonly pieces: readonly { readonly text: string; readonly continued: boolean }[];
}

/**
 * Joins physical lines whose last character is an unescaped backslash, which HAProxy itself refuses (2.6) but people write.
 * A line with a comment ends with its line: HAProxy would read the next one too.
 */
function joinContinued(text: string): RawLine[] {
  const physical = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const joined: RawLine[] = [];
  let pieces: { text: string; continued: boolean }[] = [];
  for (const [index, line] of physical.entries()) {
    const backslashes = line.includes("#") ? 0 : (/\\+$/.exec(line)?.[0].length ?? 0);
    const continued = backslashes % 2 === 1 && index < physical.length - 1;
    pieces.push({ text: continued ? line.slice(0, -1) : line, continued });
    if (continued) continue;
    joined.push({ line: index + 2 - pieces.length, pieces });
    pieces = [];
  }
  return joined;
}

interface Scan {
  /** Characters of all pieces with the place each came from. */
  readonly chars: readonly { readonly char: string; readonly line: number; readonly column: number }[];
  readonly environment: Environment;
  at: number;
  words: Word[];
  word: { text: string; line: number; column: number } | null;
  quote: "" | "'" | '"';
}

function splitWords(raw: RawLine, environment: Environment): Word[] | string {
  const chars = raw.pieces.flatMap((piece, option) =>
    [...piece.text].map((char, column) => ({ char, line: raw.line + option, column: column + 1 })),
  );
  const binary = chars.find(({ char }) => BINARY.test(char));
  if (binary !== undefined) return `a control character at column ${binary.column}, text wanted`;
  const scan: Scan = { chars, environment, at: 0, words: [], word: null, quote: "" };
  while (scan.at < chars.length) {
    const stop = step(scan);
    if (stop) break;
  }
  if (scan.quote !== "") return `a ${scan.quote} is opened and not closed`;
  endWord(scan);
  return scan.words;
}

/** Reads one character with its meaning; true at a comment. */
function step(scan: Scan): boolean {
  const here = scan.chars[scan.at];
  if (here === undefined) return true;
  const { char } = here;
  if (scan.quote === "" && char === "#") return true;
  if (scan.quote === "" && (char === " " || char === "\t")) {
    endWord(scan);
    scan.at++;
  } else if (scan.quote !== "'" && char === "\\") {
    escape(scan);
  } else if (scan.quote === '"' && char === "$") {
    variable(scan);
  } else if (scan.quote === char || (scan.quote === "" && (char === "'" || char === '"'))) {
    append(scan, "");
    scan.quote = scan.quote === "" ? (char === "'" ? "'" : '"') : "";
    scan.at++;
  } else {
    append(scan, char);
    scan.at++;
  }
  return false;
}

function append(scan: Scan, text: string): void {
  const here = scan.chars[scan.at];
  scan.word ??= { text: "", line: here?.line ?? 0, column: here?.column ?? 0 };
  scan.word.text += text;
}

function endWord(scan: Scan): void {
  if (scan.word !== null) scan.words.push(scan.word);
  scan.word = null;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** A backslash before a letter HAProxy does not know stays, which is what makes `\.` work unquoted in a regex. */
function escape(scan: Scan): void {
  const next = scan.chars[scan.at + 1]?.char ?? "";
  const hex = next === "x" ? scan.chars.slice(scan.at + 2, scan.at + 4) : [];
  const digits = hex.map(({ char }) => char).join("");
  if (/^[0-9a-f]{2}$/i.test(digits)) {
    append(scan, String.fromCharCode(Number.parseInt(digits, 16)));
    scan.at += 4;
  } else if (next !== "" && (" \\#'\"".includes(next) || (next === "$" && scan.quote === '"'))) {
    append(scan, next);
    scan.at += 2;
  } else if (next in ESCAPES) {
    append(scan, ESCAPES[next] ?? "");
    scan.at += 2;
  } else {
    append(scan, "\\");
    scan.at++;
  }
}

/** `"${NAME}"`, `"${NAME-default}"`, `"$NAME"`; `"${NAME[*]}"` makes one word of each part. */
function variable(scan: Scan): void {
  const rest = scan.chars
    .slice(scan.at)
    .map(({ char }) => char)
    .join("");
  const found = expandVariable(rest, scan.environment);
  if (found === null) {
    append(scan, "$");
    scan.at++;
    return;
  }
  for (const [index, part] of found.parts.entries()) {
    if (index > 0) endWord(scan);
    append(scan, part);
  }
  append(scan, "");
  scan.at += found.length;
}

function applyEnvironment(words: readonly Word[], environment: Environment): void {
  const [keyword = "", name = "", value = ""] = words.map((word) => word.text);
  if (keyword === "setenv" || (keyword === "presetenv" && !environment.has(name))) environment.set(name, value);
  if (keyword === "unsetenv") for (const word of words.slice(1)) environment.delete(word.text);
}
