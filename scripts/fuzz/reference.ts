/**
 * A second, slow and simple reader of HTTP/1.1, written from the grammar and sharing nothing with src: what nodes and clients of the
 * fuzzer believe in. It takes only what no reader could understand differently.
 */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TEXT = "[\\t \\x21-\\x7e\\x80-\\xff]*";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21\\x22\\x24-\\x7e]+) HTTP/1\\.([01])$`);
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9][0-9][0-9])(?: [\t \x21-\x7e\x80-\xff]*)?$/;
const FIELD_LINE = new RegExp(`^(${TOKEN}):(${TEXT})$`);
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const CHUNK_LINE = new RegExp(
  `^([0-9a-fA-F]{1,16})(?:[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?)*$`,
);

/** Where something ends; "more": not yet; "bad": it is no such thing. */
export type End = number | "more" | "bad";

interface Head {
  readonly first: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly end: number;
}

function readHead(text: string, from: number): Head | "more" | "bad" {
  const end = text.indexOf("\r\n\r\n", from);
  if (end < 0) return "more";
  const [first = "", ...lines] = text.slice(from, end).split("\r\n");
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return "bad";
    fields.push([name.toLowerCase(), value.replaceAll(/^[\t ]+|[\t ]+$/g, "")]);
  }
  return { first, fields, end: end + 4 };
}

/** The end of a chunked body that begins at `from`. */
export function chunkedEnd(text: string, from: number): End {
  let at = from;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return "more";
    const size = CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1];
    if (size === undefined) return "bad";
    at = lineEnd + 2;
    const bytes = Number.parseInt(size, 16);
    if (bytes > Number.MAX_SAFE_INTEGER) return "bad";
    if (bytes === 0) break;
    if (text.length < at + bytes + 2) return "more";
    at += bytes;
    if (text.slice(at, at + 2) !== "\r\n") return "bad";
    at += 2;
  }
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return "more";
    if (lineEnd === at) return at + 2;
    if (!FIELD_LINE.test(text.slice(at, lineEnd))) return "bad";
    at = lineEnd + 2;
  }
}

function bodyEnd(text: string, head: Head, otherwise: "none" | "close"): End {
  const lengths = head.fields.filter(([name]) => name === "content-length");
  const codings = head.fields.filter(([name]) => name === "transfer-encoding");
  if (lengths.length + codings.length > 1) return "bad";
  const [length] = lengths;
  if (length !== undefined) {
    if (!/^[0-9]{1,16}$/.test(length[1])) return "bad";
    const end = head.end + Number(length[1]);
    return end <= text.length ? end : "more";
  }
  const [coding] = codings;
  if (coding === undefined) return otherwise === "none" ? head.end : text.length;
  return coding[1].toLowerCase() === "chunked" ? chunkedEnd(text, head.end) : "bad";
}

export interface SeenRequest {
  readonly method: string;
  readonly minor: number;
  readonly fields: Head["fields"];
  /** Of the head. */
  readonly headEnd: number;
  readonly end: End;
}

/** The request that begins at `from`; null while its head is not complete. */
export function readRequest(text: string, from: number): SeenRequest | "more" | "bad" {
  const head = readHead(text, from);
  if (typeof head === "string") return head;
  const [, method, , minor] = REQUEST_LINE.exec(head.first) ?? [];
  const hosts = head.fields.filter(([name]) => name === "host").length;
  if (method === undefined || hosts > 1 || (hosts === 0 && minor === "1")) return "bad";
  const chunked10 = minor === "0" && head.fields.some(([name]) => name === "transfer-encoding");
  const end = chunked10 ? "bad" : bodyEnd(text, head, "none");
  return { method, minor: Number(minor), fields: head.fields, headEnd: head.end, end };
}

export interface SeenAnswer {
  readonly status: number;
  readonly fields: Head["fields"];
  readonly end: End;
  readonly endsByClose: boolean;
}

/** The answer that begins at `from`, to a request with this method. */
export function readAnswer(text: string, from: number, method: string): SeenAnswer | "more" | "bad" {
  const head = readHead(text, from);
  if (typeof head === "string") return head;
  const status = Number(STATUS_LINE.exec(head.first)?.[1] ?? 0);
  if (status === 0) return "bad";
  const bodiless = status < 200 || status === 204 || status === 304 || method === "HEAD";
  const framed = head.fields.some(([name]) => name === "content-length" || name === "transfer-encoding");
  const end = bodiless ? head.end : bodyEnd(text, head, "close");
  return { status, fields: head.fields, end, endsByClose: !bodiless && !framed };
}
