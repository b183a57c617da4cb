/** Texts that remember where they came from, and the mistakes found in them. */
import { editDistance } from "../../core/route/edit-distance.ts";
import { EdgeError, EdgeErrors, type EdgeErrorCode } from "../../errors.ts";

/** One value as the operator wrote it. */
export interface Located {
  readonly text: string;
  /** `file:line:column`, or the flag as typed (never with a secret in it). */
  readonly where: string;
}

/** What reading one text gave: a value, or what was found instead of what is wanted. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly wanted: string;
      /** Without it the text itself is quoted. */
      readonly found?: string;
      readonly hint?: string;
    };

export function fit<T>(value: T): Reading<T> {
  return { ok: true, value };
}

/** @param wanted What would have been right, as it stands before the word "wanted". */
export function unfit(wanted: string, more: { found?: string; hint?: string } = {}): Reading<never> {
  return { ok: false, wanted, ...more };
}

/** Every mistake of one load, in the order found; nothing is thrown before all were looked for. */
export class Problems {
  private readonly errors = new Map<string, EdgeError>();

  /** @param where Empty where no place can be named. */
  add(where: string, message: string, hint?: string, code: EdgeErrorCode = "CONFIG_INVALID"): void {
    const error = new EdgeError(code, message, { where: where === "" ? undefined : where, hint });
    this.errors.set(error.toLine(), error);
  }

  get count(): number {
    return this.errors.size;
  }

  /** @throws EdgeErrors if anything was added. */
  throwIfAny(): void {
    if (this.count > 0) throw new EdgeErrors([...this.errors.values()]);
  }
}

const QUOTED_MOST = 60;

/** The text in quotes, on one line, control bytes as escapes, long ones shortened. */
export function quote(text: string): string {
  const short = text.length > QUOTED_MOST ? `${text.slice(0, QUOTED_MOST)}…` : text;
  return JSON.stringify(short);
}

/** The flag as typed, on one line and not longer than an error line bears. */
export function typed(text: string): string {
  const plain = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return plain.length > 2 * QUOTED_MOST ? `${plain.slice(0, 2 * QUOTED_MOST)}…` : plain;
}

/** "a, b or c" for messages. */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** The known word that a mistyped one is nearest to; null when none is near enough to be meant. */
export function nearestWord(word: string, known: Iterable<string>): string | null {
  const asked = word.slice(0, QUOTED_MOST).toLowerCase();
  let best: string | null = null;
  // A third of the letters may be wrong; beyond that a suggestion misleads more than it helps.
  let bound = Math.max(1, Math.floor(asked.length / 3));
  for (const candidate of known) {
    const distance = editDistance(asked, candidate, bound);
    if (distance <= bound) [best, bound] = [candidate, distance - 1];
    if (bound < 0) break;
  }
  return best;
}

/** The hint for a mistyped word, or none. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const near = nearestWord(word, known);
  return near === null ? undefined : `did you mean ${near}`;
}
