/**
 * Why an endpoint has its verdict, as one number that fits a cell of the board and as words for people.
 * The words name what was asked and what was answered, never an address: strangers read them on the HTTP 503 page.
 */

/** The table of words; `#` stands for the number that came with it. Append only: indexes are on the board. */
const WORDS = [
  "not checked yet",
  "checks are off",
  "/readyz #",
  "/readyz #, anonymous requests are off",
  "/healthz/ready #",
  "/healthz #",
  "TLS handshake ok",
  "TCP connect ok",
  "connection refused",
  "connection reset",
  "no answer within #",
  "unreachable",
  "TLS handshake refused",
  "closed without an answer",
  "not an HTTP answer",
  "readiness port does not answer, traffic port does",
  "ready, but the traffic port refuses",
  "ready, but the traffic port does not answer",
  "shows another cluster's certificate",
  "taken out by the operator",
  "does not serve this pool",
  "fails",
  "edge-lb itself listens there",
] as const;

export type ReasonWord = (typeof WORDS)[number];
/** A word's index in the low 8 bits, its number (HTTP status, milliseconds) above. */
export type Reason = number;

/** The first word: what a fresh board says of every cell. */
export const NOT_CHECKED: Reason = 0;

const WORD_BITS = 8;
const WORD_MASK = (1 << WORD_BITS) - 1;
/** Statuses have three digits and probe timeouts stay below half an hour; more would not fit the cell. */
const NUMBER_LIMIT = (1 << 22) - 1;

/** @param number An HTTP status, or milliseconds for "no answer within". */
export function reason(word: ReasonWord, number = 0): Reason {
  const bounded = Math.min(Math.max(Math.round(number), 0), NUMBER_LIMIT);
  return WORDS.indexOf(word) | (bounded << WORD_BITS);
}

/** The words of a reason cell; anything out of the table reads as the vaguest word. */
export function reasonText(cell: Reason): string {
  const word = WORDS[cell & WORD_MASK] ?? "fails";
  const number = cell >>> WORD_BITS;
  return word.replace("#", word.startsWith("no answer") ? duration(number) : String(number));
}

/** `2000` is "2s", `1500` is "1.5s", `250` is "250ms". */
function duration(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${Math.round(ms / 100) / 10}s`;
}
