/** `if` and `unless`: an OR of ANDs of ACLs, by name or in place. */
import { readAclTest, type AclTest, type ReadSide } from "./samples.ts";
import type { SourceLine, Word } from "./lexer.ts";

export interface Term {
  readonly negated: boolean;
  /** The name of ACLs declared in the same proxy, or a test in braces. */
  readonly test: string | AclTest;
}

/** True when every term of one alternative is true; `unless` turns the whole round. */
export interface Condition {
  readonly unless: boolean;
  readonly anyOf: readonly (readonly Term[])[];
}

/** Where the condition starts in a directive; -1 where there is none. */
export function conditionAt(line: SourceLine): number {
  return line.words.findIndex((word, index) => index > 0 && (word.text === "if" || word.text === "unless"));
}

/** The condition of a directive, or null where it always holds. */
export function readCondition(line: SourceLine, readSide: ReadSide): Condition | null {
  const start = conditionAt(line);
  if (start < 0) return null;
  const anyOf: Term[][] = [[]];
  let negated = false;
  for (let at = start + 1; at < line.words.length; at++) {
    const raw = line.words[at]?.text ?? "";
    const bare = raw.replace(/^!+/, "");
    if ((raw.length - bare.length) % 2 === 1) negated = !negated;
    if (bare === "") continue;
    if (bare === "||" || bare.toLowerCase() === "or") {
      anyOf.push([]);
      continue;
    }
    if (bare === "{") {
      const close = closingBrace(line.words, at);
      anyOf.at(-1)?.push({ negated, test: readAclTest(line.words.slice(at + 1, close), line, readSide) });
      at = close;
    } else {
      anyOf.at(-1)?.push({ negated, test: bare });
    }
    negated = false;
  }
  return { unless: line.words[start]?.text === "unless", anyOf };
}

function closingBrace(words: readonly Word[], open: number): number {
  const close = words.findIndex((word, index) => index > open && word.text === "}");
  return close < 0 ? words.length : close;
}
