/** What happened to each line of the source, and what is wrong with it. */
import type { SourceLine } from "./lexer.ts";

export type NoteClass = "carried" | "not-needed" | "changed" | "cannot" | "mistake";

export interface Note {
  readonly class: NoteClass;
  /** A stable word for programs; "" where the class says all. */
  readonly code: string;
  /** First physical line of the directive. */
  readonly line: number;
  readonly lastLine: number;
  /** The directive as written; a password is left out. */
  readonly text: string;
  /** Why, in words. */
  readonly why: string;
  /** What the operator can do; null: nothing to do. */
  readonly todo: string | null;
}

/** A line may have several mistakes and several fates; at least one fate each, see `hasFate`. */
export interface Ledger {
  note(
    line: SourceLine,
    fate: Exclude<NoteClass, "mistake">,
    why: string,
    more?: { code?: string; todo?: string },
  ): void;
  mistake(line: SourceLine, code: string, why: string, todo?: string): void;
  /** Whether the line was said to be carried over, changed and so on; a mistake alone is none. */
  hasFate(line: SourceLine): boolean;
  readonly notes: readonly Note[];
}

export function openLedger(): Ledger {
  const notes = new Map<string, Note>();
  const fates = new Set<number>();
  const add = (line: SourceLine, note: Pick<Note, "class" | "code" | "why" | "todo">): void => {
    const text = withoutSecret(line.text);
    notes.set(JSON.stringify([line.line, note.class, note.why]), {
      ...note,
      line: line.line,
      lastLine: line.lastLine,
      text,
    });
  };
  return {
    note(line, fate, why, { code = "", todo } = {}) {
      fates.add(line.line);
      add(line, { class: fate, code, why, todo: todo ?? null });
    },
    mistake: (line, code, why, todo) => add(line, { class: "mistake", code, why, todo: todo ?? null }),
    hasFate: (line) => fates.has(line.line),
    get notes() {
      return [...notes.values()].sort((a, b) => a.line - b.line);
    },
  };
}

/** Reports are pasted into tickets: `stats auth USER:…`, `user NAME password …`. */
function withoutSecret(text: string): string {
  return text.replace(/^(stats\s+auth\s+[^:\s]+:).*$/, "$1***").replace(/((?:insecure-)?password\s+)\S+/g, "$1***");
}
