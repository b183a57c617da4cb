/** Small reads on raw bytes; `core` has neither TextDecoder nor Buffer. */

export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;
export const COMMA = 44;
export const SEMICOLON = 59;

/** Bits of `CLASS`. */
export const TOKEN = 1;
export const TEXT = 2;
export const TARGET = 4;

/**
 * What a byte may be part of: a token (RFC 9110 §5.6.2), a field line or start-line (HTAB, SP, VCHAR, obs-text; §5.5), a request target
 * (visible ASCII without `#`, RFC 9112 §3.2; the fragment never travels, see CVE-2023-45539).
 */
export const CLASS: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0x20; byte < 256; byte++) if (byte !== 0x7f) table[byte] = TEXT;
  table[HTAB] = TEXT;
  for (let byte = 0x21; byte < 0x7f; byte++) if (byte !== 0x23) table[byte] = (table[byte] ?? 0) | TARGET;
  const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const char of tokens) table[char.charCodeAt(0)] = (table[char.charCodeAt(0)] ?? 0) | TOKEN;
  return table;
}

/** Are all bytes of the range of this class? An empty range is. */
export function allOf(bytes: Uint8Array, from: number, to: number, bits: number): boolean {
  for (let at = from; at < to; at++) if (((CLASS[bytes[at] ?? 0] ?? 0) & bits) === 0) return false;
  return true;
}

/** The range as text, one character per byte. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

/** ASCII lower case of one byte. */
export function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** Does the range spell `word`, whatever the case? `word` is lower case. */
export function spells(bytes: Uint8Array, from: number, to: number, word: string): boolean {
  if (to - from !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (lower(bytes[from + i] ?? 0) !== word.charCodeAt(i)) return false;
  return true;
}

/**
 * The members of a comma-separated list (RFC 9110 §5.6.1), without the white space around them; empty members are skipped.
 * @param take Called with each member's range.
 */
export function members(bytes: Uint8Array, from: number, to: number, take: (from: number, to: number) => void): void {
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && bytes[at] !== COMMA) continue;
    let first = start;
    let last = at;
    while (first < last && isSpace(bytes[first])) first++;
    while (last > first && isSpace(bytes[last - 1])) last--;
    if (last > first) take(first, last);
    start = at + 1;
  }
}

export function isSpace(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}
