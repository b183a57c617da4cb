/** Where a message ends, from its head; the strict half of RFC 9112 §6.3 for both directions. */
import { latin1, members, spells } from "./bytes.ts";
import { FIELD } from "./field.ts";
import { FIELD_ID, FIELD_WIDTH, NAME_TO, LINE_FROM, VALUE_FROM, VALUE_TO } from "./head.ts";

/** How a body ends; only "length" says beforehand how long it is. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

export type FramingFault =
  | "content-length"
  | "several content-length"
  | "transfer-encoding"
  | "unknown transfer-encoding"
  | "content-length with transfer-encoding"
  | "transfer-encoding in HTTP/1.0";

export const NO_BODY: Framing = { kind: "none" };
export const CHUNKED: Framing = { kind: "chunked" };
export const UNTIL_CLOSE: Framing = { kind: "close" };

/** Digits of the largest safe integer: no body is longer, and other readers may cut off a longer number. */
const MOST_DIGITS = 16;

/** What the meaning of a head that was read depends on. */
export interface ReadHead {
  readonly bytes: Uint8Array;
  readonly fields: readonly number[];
  readonly end: number;
  /** A bit for each field id that is there. */
  readonly seen: number;
}

const LENGTH_FIELDS = (1 << FIELD.contentLength) | (1 << FIELD.transferEncoding);

/** What Content-Length and Transfer-Encoding say together; null: neither is there. */
export function declaredFraming(head: ReadHead, minor: 0 | 1): Framing | FramingFault | null {
  const { bytes, fields } = head;
  if ((head.seen & LENGTH_FIELDS) === 0) return null;
  let length: number | null = null;
  let chunked = false;
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    const id = fields[i + FIELD_ID];
    if (id !== FIELD.contentLength && id !== FIELD.transferEncoding) continue;
    const from = fields[i + VALUE_FROM] ?? 0;
    const to = fields[i + VALUE_TO] ?? 0;
    if (id === FIELD.transferEncoding) {
      if (minor === 0) return "transfer-encoding in HTTP/1.0";
      if (chunked || !spells(bytes, from, to, "chunked")) return codingFault(bytes, from, to, chunked);
      chunked = true;
    } else {
      // equal values could be merged (RFC 9112 §6.3.5); but readers differ in which one they take, which is how requests are smuggled
      if (length !== null || bytes.subarray(from, to).includes(0x2c)) return "several content-length";
      length = decimal(bytes, from, to);
      if (length === null) return "content-length";
    }
  }
  if (chunked) return length === null ? CHUNKED : "content-length with transfer-encoding";
  return length === null ? null : length === 0 ? NO_BODY : { kind: "length", bytes: length };
}

/** 501 is for codings edge-lb does not know before a final chunked (RFC 9112 §6.1); the rest cannot be framed at all. */
function codingFault(bytes: Uint8Array, from: number, to: number, again: boolean): FramingFault {
  let last = "";
  let count = 0;
  let chunks = 0;
  members(bytes, from, to, (first, end) => {
    last = latin1(bytes, first, end).toLowerCase();
    count += 1;
    if (last === "chunked") chunks += 1;
  });
  return !again && count > 1 && chunks === 1 && last === "chunked" ? "unknown transfer-encoding" : "transfer-encoding";
}

function decimal(bytes: Uint8Array, from: number, to: number): number | null {
  if (to === from || to - from > MOST_DIGITS) return null;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : null;
}

/** What the Connection fields of a message say; RFC 9110 §7.6.1. */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly upgrade: boolean;
  /** Names (lower case) of the fields that end here. */
  readonly names: readonly string[];
}

const SILENT: ConnectionOptions = { close: false, upgrade: false, names: [] };
/** A Connection field that names one of these is refused: without them the message cannot be framed or routed. */
const NEVER_NAMED: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

/** Null: they name a field that must stay. */
export function connectionOptions(head: ReadHead): ConnectionOptions | null {
  const { bytes, fields } = head;
  if ((head.seen & (1 << FIELD.connection)) === 0) return SILENT;
  let options: { close: boolean; upgrade: boolean; names: string[] } | null = null;
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    if (fields[i + FIELD_ID] !== FIELD.connection) continue;
    const found = (options ??= { close: false, upgrade: false, names: [] });
    members(bytes, fields[i + VALUE_FROM] ?? 0, fields[i + VALUE_TO] ?? 0, (from, to) => {
      if (spells(bytes, from, to, "keep-alive")) return;
      if (spells(bytes, from, to, "close")) found.close = true;
      else if (spells(bytes, from, to, "upgrade")) found.upgrade = true;
      else found.names.push(latin1(bytes, from, to).toLowerCase());
    });
  }
  if (options === null) return SILENT;
  return options.names.some((name) => NEVER_NAMED.has(name)) ? null : options;
}

/** Is the field at `index` one of these names? */
export function isNamed(head: ReadHead, index: number, names: readonly string[]): boolean {
  const from = head.fields[index + LINE_FROM] ?? 0;
  const to = head.fields[index + NAME_TO] ?? 0;
  return names.some((name) => spells(head.bytes, from, to, name));
}

/** Index of the first field with this id, or -1. */
export function findField(head: ReadHead, id: number): number {
  if ((head.seen & (1 << id)) === 0) return -1;
  for (let i = 0; i < head.fields.length; i += FIELD_WIDTH) if (head.fields[i + FIELD_ID] === id) return i;
  return -1;
}
