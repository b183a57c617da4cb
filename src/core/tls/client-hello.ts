import { addressBytes } from "../address.ts";
import type { ByteReader } from "./byte-reader.ts";
import { type BadRecords, joinHello } from "./records.ts";

/** What the first bytes of a connection say about its TLS ClientHello. */
export type HelloResult =
  /** Call again when this many bytes are there in total, not before. */
  | { readonly kind: "need-more"; readonly bytes: number }
  | NamedHello
  | NamelessHello
  /** No TLS record; `http` when it begins like a request line. */
  | { readonly kind: "not-tls"; readonly http: boolean }
  | InvalidHello;

export interface NamedHello extends HelloFacts {
  readonly kind: "sni";
  /** Lower case, printable ASCII, no trailing dot; any such text, not only what DNS allows. */
  readonly host: string;
}

/** A valid hello that names no host. */
export interface NamelessHello extends HelloFacts {
  readonly kind: "none";
  /** `ip-literal`: the client put an address where RFC 6066 wants a name. */
  readonly because: "absent" | "ip-literal";
}

export interface HelloFacts {
  /** The protocols offered, in the client's order; GREASE and other unprintable ones are left out. */
  readonly alpn: readonly string[];
  /** The hello carries Encrypted Client Hello (also as GREASE): the name seen may be only the outer one. */
  readonly ech: boolean;
}

export interface InvalidHello {
  readonly kind: "invalid";
  readonly reason: BadHello;
}

export type BadHello = BadRecords | "empty-name" | "nul-in-name" | "several-names";

/** Post-quantum hellos take 1.5 to 5.5 KB and padding is legal; nginx gives up at 16 KB, HAProxy at its buffer of 16 KB. */
export const HELLO_LIMIT = 65_536;

/** ExtensionType values: RFC 6066 §3, RFC 7301 §3.1, RFC 9849 §5. */
const SERVER_NAME = 0;
const ALPN = 16;
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
/** NameType host_name, RFC 6066 §3. */
const HOST_NAME = 0;
/** legacy_version and random. */
const FIXED_PART = 2 + 32;
/** legacy_session_id<0..32>. */
const SESSION_ID_MOST = 32;
/** DNS names end at 253 bytes; OpenSSL refuses more than 255. Longer ones would only fill logs. */
const NAME_MOST = 255;

const MALFORMED: InvalidHello = { kind: "invalid", reason: "malformed" };
const NO_PROTOCOLS: readonly string[] = [];

/**
 * Read the server name from a TLS ClientHello. Consumes nothing, keeps no state and never throws.
 * @param input Every byte received so far, from the start of the connection.
 * @param limit Most bytes to buffer before giving up, records included.
 * @returns `need-more` only while records are missing; a short inner length is `invalid`.
 * @see RFC 8446 §4.1.2 (ClientHello), §4.2 (extensions), §5.1 (records); RFC 6066 §3 (server_name)
 */
export function readClientHello(input: Uint8Array, limit = HELLO_LIMIT): HelloResult {
  const joined = joinHello(input, limit);
  return joined.kind === "hello" ? readHello(joined.body) : joined;
}

function readHello(hello: ByteReader): HelloResult {
  hello.skip(FIXED_PART);
  const sessionId = hello.skipVector(1);
  const cipherSuites = hello.skipVector(2);
  const compressions = hello.skipVector(1);
  if (!hello.ok || sessionId > SESSION_ID_MOST || cipherSuites % 2 !== 0) return MALFORMED;
  if (cipherSuites === 0 || compressions === 0) return MALFORMED;
  // TLS 1.0 allows a hello without extensions.
  if (hello.done) return { kind: "none", because: "absent", alpn: NO_PROTOCOLS, ech: false };
  const outer = hello.enter(2);
  return hello.ok && hello.end === outer ? readExtensions(hello) : MALFORMED;
}

function readExtensions(extensions: ByteReader): HelloResult {
  const seen = new SeenTypes();
  let name: ServerName = NO_NAME;
  let alpn: readonly string[] | null = NO_PROTOCOLS;
  while (!extensions.done) {
    const type = extensions.uint(2);
    // "There MUST NOT be more than one extension of the same type", RFC 8446 §4.2.
    if (!seen.add(type)) return MALFORMED;
    const outer = extensions.enter(2);
    const behind = extensions.end;
    if (type === SERVER_NAME) name = readServerName(extensions);
    else if (type === ALPN) alpn = readProtocols(extensions);
    if (!extensions.ok) return MALFORMED;
    extensions.leave(outer, behind);
  }
  if (name.kind === "invalid") return name;
  if (alpn === null) return MALFORMED;
  const ech = seen.has(ENCRYPTED_CLIENT_HELLO);
  if (name.kind === "none") return { kind: "none", because: name.because, alpn, ech };
  return { kind: "sni", host: name.host, alpn, ech };
}

/** A set of extension types. Nearly all in use are below 64, and a bit costs a twentieth of a Set's entry. */
class SeenTypes {
  private low = 0;
  private high = 0;
  private rest: Set<number> | null = null;

  has(type: number): boolean {
    if (type < 32) return (this.low & (1 << type)) !== 0;
    if (type < 64) return (this.high & (1 << (type - 32))) !== 0;
    return this.rest?.has(type) === true;
  }

  /** @returns Whether it is new. */
  add(type: number): boolean {
    if (this.has(type)) return false;
    if (type < 32) this.low |= 1 << type;
    else if (type < 64) this.high |= 1 << (type - 32);
    else (this.rest ??= new Set()).add(type);
    return true;
  }
}

type ServerName =
  | { readonly kind: "sni"; readonly host: string }
  | { readonly kind: "none"; readonly because: "absent" | "ip-literal" }
  | InvalidHello;
const NO_NAME: ServerName = { kind: "none", because: "absent" };

/** ServerNameList: at most one name of each type, and only host_name was ever defined. */
function readServerName(body: ByteReader): ServerName {
  if (body.done) return { kind: "invalid", reason: "empty-name" };
  const whole = body.enter(2);
  if (!body.ok || body.end !== whole) return MALFORMED;
  if (body.done) return { kind: "invalid", reason: "empty-name" };
  let found: ServerName = NO_NAME;
  while (!body.done) {
    const type = body.uint(1);
    const outer = body.enter(2);
    if (!body.ok) return MALFORMED;
    if (type === HOST_NAME) {
      if (found !== NO_NAME) return { kind: "invalid", reason: "several-names" };
      found = readHostName(body);
    }
    body.leave(outer);
  }
  return found;
}

/**
 * A cache of names read before, each in the slot its bytes hash to: clients ask for the same few again and again, and a known
 * one needs no new text and no new validation.
 */
const known: (KnownName | undefined)[] = Array.from({ length: 512 });

interface KnownName {
  /** As it came. */
  readonly written: string;
  readonly is: ServerName;
}

function readHostName(name: ByteReader): ServerName {
  if (name.end - name.at > NAME_MOST) return MALFORMED;
  let hash = 0;
  for (let at = name.at; at < name.end; at++) {
    const byte = name.bytes[at] ?? 0;
    if (byte === 0) return { kind: "invalid", reason: "nul-in-name" };
    if (byte < 0x21 || byte > 0x7e) return MALFORMED;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const place = (hash >>> 0) % known.length;
  const before = known[place];
  if (before !== undefined && spells(name, before.written)) return before.is;
  const written = asciiText(name);
  const is = judgeName(written);
  known[place] = { written, is };
  return is;
}

function judgeName(written: string): ServerName {
  const lower = written.toLowerCase();
  const host = lower.endsWith(".") ? lower.slice(0, -1) : lower;
  if (host === "") return { kind: "invalid", reason: "empty-name" };
  return isAddress(host) ? { kind: "none", because: "ip-literal" } : { kind: "sni", host };
}

/** Only a name with a colon or a digit at its end can be an address; others cost nothing here. */
function isAddress(host: string): boolean {
  const last = host.charCodeAt(host.length - 1);
  if ((last < 0x30 || last > 0x39) && !host.includes(":")) return false;
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return addressBytes(bare) !== null;
}

/** What nearly every client offers needs no new text. */
const COMMON_OFFERS: readonly { readonly written: string; readonly protocols: readonly string[] }[] = [
  { written: "\u0002h2\u0008http/1.1", protocols: ["h2", "http/1.1"] },
  { written: "\u0008http/1.1", protocols: ["http/1.1"] },
  { written: "\u0002h2", protocols: ["h2"] },
];

/** ProtocolNameList, RFC 7301 §3.1: not empty and without empty names. Null: malformed. */
function readProtocols(body: ByteReader): readonly string[] | null {
  const whole = body.enter(2);
  if (!body.ok || body.end !== whole || body.done) return null;
  for (const { written, protocols } of COMMON_OFFERS) if (spells(body, written)) return protocols;
  const protocols: string[] = [];
  while (!body.done) {
    const outer = body.enter(1);
    if (!body.ok || body.done) return null;
    if (isPrintable(body)) protocols.push(asciiText(body));
    body.leave(outer);
  }
  return protocols;
}

function spells(name: ByteReader, text: string): boolean {
  if (name.end - name.at !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (name.bytes[name.at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Visible ASCII only: no space, no control byte. */
function isPrintable(name: ByteReader): boolean {
  for (let at = name.at; at < name.end; at++) {
    const byte = name.bytes[at] ?? 0;
    if (byte < 0x21 || byte > 0x7e) return false;
  }
  return true;
}

/** In one call: adding letter by letter makes an object for each. At most 255 bytes, so the arguments fit. */
function asciiText(name: ByteReader): string {
  const codes: number[] = [];
  for (let at = name.at; at < name.end; at++) codes.push(name.bytes[at] ?? 0);
  return String.fromCharCode(...codes);
}
