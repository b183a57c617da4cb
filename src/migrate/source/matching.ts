/** HAProxy's string matches (`-m str|beg|end|sub|dom|dir|reg|len`), as its pattern code does them. */
import type { MatchMethod } from "./samples.ts";

/** Null: this pattern cannot be evaluated here, such as a regex that JavaScript does not know. */
export type Verdict = boolean | null;

export function matchText(method: MatchMethod, pattern: string, value: string, ignoreCase: boolean): Verdict {
  if (method === "reg") return matchRegex(pattern, value, ignoreCase);
  const [want, text] = ignoreCase ? [pattern.toLowerCase(), value.toLowerCase()] : [pattern, value];
  switch (method) {
    case "str":
      return text === want;
    case "beg":
      return text.startsWith(want);
    case "end":
      return text.endsWith(want);
    case "sub":
      return text.includes(want);
    case "dom":
      return matchWord(want, text, "/?.:");
    case "dir":
      return matchWord(want, text, "/?");
    case "len":
      return matchNumber(pattern, value.length);
    case "found":
      return true;
    default:
      return null;
  }
}

/** The pattern without delimiters around it, found between two delimiters or ends of the text. */
function matchWord(pattern: string, text: string, delimiters: string): boolean {
  const isDelimiter = (char: string | undefined): boolean => char === undefined || delimiters.includes(char);
  let word = pattern;
  while (word !== "" && isDelimiter(word[0])) word = word.slice(1);
  while (word !== "" && isDelimiter(word.at(-1))) word = word.slice(0, -1);
  if (word === "") return false;
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (isDelimiter(at === 0 ? undefined : text[at - 1]) && isDelimiter(text[at + word.length])) return true;
  }
  return false;
}

/** `5`, `5:`, `:5` or `5:9`. */
export function matchNumber(pattern: string, value: number): Verdict {
  const [, from, colon, to] = /^(-?\d*)(:?)(-?\d*)$/.exec(pattern) ?? [];
  if (from === undefined || (from === "" && to === "")) return null;
  if (colon === "") return value === Number(from);
  return (from === "" || value >= Number(from)) && (to === "" || to === undefined || value <= Number(to));
}

function matchRegex(pattern: string, value: string, ignoreCase: boolean): Verdict {
  const key = `${ignoreCase ? "i" : "-"}${pattern}`;
  let compiled = COMPILED.get(key);
  if (compiled === undefined) {
    if (COMPILED.size >= COMPILED_MOST) COMPILED.clear();
    compiled = toRegExp(pattern, ignoreCase);
    COMPILED.set(key, compiled);
  }
  return compiled?.test(value) ?? null;
}

/** A thousand rules are asked for thousands of names, and compiling costs more than matching. */
const COMPILED = new Map<string, RegExp | null>();
const COMPILED_MOST = 8192;

const CLASSES: Readonly<Record<string, string>> = {
  alnum: "a-zA-Z0-9",
  alpha: "a-zA-Z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  word: "\\w",
  space: "\\s",
  xdigit: "0-9a-fA-F",
  punct: "!-\\/:-@\\[-`{-~",
};

/** A PCRE or POSIX expression as JavaScript's; null where there is no equal. `$` also allows one line feed, which no name has. */
export function toRegExp(pattern: string, ignoreCase: boolean): RegExp | null {
  const [, inline = "", body = ""] = /^(?:\(\?([a-z]+)\))?([\s\S]*)$/.exec(pattern) ?? [];
  if (/[^i]/.test(inline)) return null;
  // Possessive and atomic groups, anchors of the whole subject, quoting and back-tracking verbs have no JavaScript form.
  if (/\(\?>|[*+?}]\+|\\[AzZGQKRXh]|\(\*|\(\?\(|\(\?[imsx-]+\)/.test(body)) return null;
  const plain = body.replace(/\[:([a-z]+):\]/g, (all, name: string) => CLASSES[name] ?? all).replace(/\(\?P</g, "(?<");
  try {
    return new RegExp(plain, ignoreCase || inline.includes("i") ? "i" : "");
  } catch {
    return null;
  }
}
