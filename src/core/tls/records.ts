import { ByteReader } from "./byte-reader.ts";

export type JoinedHello =
  | { readonly kind: "need-more"; readonly bytes: number }
  /** The content of the ClientHello, without record and message headers. */
  | { readonly kind: "hello"; readonly body: ByteReader }
  | { readonly kind: "not-tls"; readonly http: boolean }
  | { readonly kind: "invalid"; readonly reason: BadRecords };

/** Why bytes that begin like TLS cannot become a ClientHello. */
export type BadRecords = "malformed" | "not-client-hello" | "too-long";

/** ContentType handshake, RFC 8446 §5.1. */
const HANDSHAKE = 0x16;
/** The major number in front of every record since SSL 3.0; versions are negotiated inside the hello. */
const MAJOR_VERSION = 3;
/** HandshakeType client_hello, RFC 8446 §4. */
const CLIENT_HELLO = 1;
/** Type, version, length. */
const RECORD_HEADER = 5;
/** A record's content has at most 2^14 bytes, RFC 8446 §5.1. */
const RECORD_MOST = 16_384;
/** Type and 24-bit length of a handshake message. */
const MESSAGE_HEADER = 4;
/** UPDATEREDIRECTREF is the longest registered method; a longer first word is no request. */
const METHOD_MOST = 17;

/**
 * Join the records at the start of a connection until they hold one whole ClientHello.
 * Consumes nothing and keeps no state. `need-more` names the least total length at which another call can say more: a
 * caller that waits for it makes some 60 calls for the worst 64 KB (records of one byte each, sent byte by byte).
 * @param input Every byte received so far.
 * @param limit Most bytes that the hello may take, records included.
 * @see RFC 8446 §5.1: a message may spread over records; they are never empty and of no other type in between.
 */
export function joinHello(input: Uint8Array, limit: number): JoinedHello {
  const first = input[0];
  if (first === undefined) return { kind: "need-more", bytes: 1 };
  if (first !== HANDSHAKE) return { kind: "not-tls", http: looksLikeHttp(input) };
  if (input.length > 1 && input[1] !== MAJOR_VERSION) return { kind: "not-tls", http: false };
  return walkRecords(input, limit);
}

function walkRecords(input: Uint8Array, limit: number): JoinedHello {
  let at = 0; // start of the record in hand
  let have = 0; // handshake bytes in the records before it
  let header = 0; // the message's type and length, as far as read
  let wanted = MESSAGE_HEADER; // handshake bytes to have in the end, as far as known
  while (input.length >= at + RECORD_HEADER) {
    const from = at + RECORD_HEADER;
    const length = recordLength(input, at);
    if (length === 0) return { kind: "invalid", reason: "malformed" };
    const there = Math.min(length, input.length - from);
    for (let i = have; i < Math.min(MESSAGE_HEADER, have + there); i++) {
      header = (header << 8) | (input[from + i - have] ?? 0);
      if (i === 0 && header !== CLIENT_HELLO) return { kind: "invalid", reason: "not-client-hello" };
      if (i === MESSAGE_HEADER - 1) wanted += header & 0xff_ff_ff;
    }
    const rest = wanted - have;
    const least = from + (rest <= length ? rest : length + spread(rest - length));
    if (least > limit) return { kind: "invalid", reason: "too-long" };
    // With four bytes there `wanted` is final, and it is never less than that.
    if (have + there >= wanted) return { kind: "hello", body: joinBody(input, have, wanted) };
    if (there < length) return { kind: "need-more", bytes: least };
    have += length;
    at = from + length;
  }
  return { kind: "need-more", bytes: at + spread(wanted - have) };
}

/** Content length of the record at `at`, whose header is there; 0: no handshake record that TLS allows. */
function recordLength(input: Uint8Array, at: number): number {
  if (input[at] !== HANDSHAKE || input[at + 1] !== MAJOR_VERSION) return 0;
  const length = ((input[at + 3] ?? 0) << 8) | (input[at + 4] ?? 0);
  return length > RECORD_MOST ? 0 : length;
}

/** Least bytes that carry `content` handshake bytes in records of their own. */
function spread(content: number): number {
  return content + RECORD_HEADER * Math.ceil(content / RECORD_MOST);
}

/** The message's content: in place when one record holds it all (`before` is 0), else copied together. */
function joinBody(input: Uint8Array, before: number, size: number): ByteReader {
  if (before === 0) return new ByteReader(input, RECORD_HEADER + MESSAGE_HEADER, RECORD_HEADER + size);
  const message = new Uint8Array(size);
  let at = 0;
  for (let have = 0; have < size;) {
    const from = at + RECORD_HEADER;
    const length = recordLength(input, at);
    message.set(input.subarray(from, from + Math.min(length, size - have)), have);
    have += length;
    at = from + length;
  }
  return new ByteReader(message, MESSAGE_HEADER);
}

/** Begins with a word of capitals as a request line does (`GET `, `PRI `), as far as there are bytes to tell. */
function looksLikeHttp(input: Uint8Array): boolean {
  for (let at = 0; at < Math.min(input.length, METHOD_MOST + 1); at++) {
    const byte = input[at] ?? 0;
    if (byte === 0x20) return at > 0;
    if (byte < 0x41 || byte > 0x5a) return false;
  }
  return input.length <= METHOD_MOST;
}
