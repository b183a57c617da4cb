/** The PROXY header that a trusted peer puts before everything, read from any number of segments. */
import type { Address } from "../seam/snapshot.ts";
import { addressBytes, formatAddress } from "./address.ts";
import { SIGNATURE_V2, TCP4, TCP6, type Ends } from "./proxy-protocol.ts";

/** Most bytes of a header of version 1, its line end included; §2.1. */
const V1_BYTES = 107;
/** Most bytes of a header of version 2 that are taken, the fixed part included. */
const V2_BYTES = 536;
/** Signature, version and command, family and transport, length of what follows; §2.2. */
const V2_FIXED = 16;
const PROXY_WORD = [0x50, 0x52, 0x4f, 0x58, 0x59, 0x20]; // "PROXY "
/** AF_UNSPEC, UDP over IPv4 and IPv6, UNIX streams and datagrams: their addresses are of no use here. */
const OTHER_FAMILIES: ReadonlySet<number> = new Set([0x00, 0x12, 0x22, 0x31, 0x32]);
const V4_BYTES = 12;
const V6_BYTES = 36;

export type ProxyHeader =
  | { readonly kind: "need-more" }
  /** @property bytes Its length. @property ends Null: the connection's own are right (LOCAL, UNKNOWN, no TCP). */
  | { readonly kind: "header"; readonly bytes: number; readonly ends: Ends | null }
  | { readonly kind: "bad"; readonly fault: string };

const NEED_MORE: ProxyHeader = { kind: "need-more" };

/**
 * Read the header at the start of `bytes`.
 * @see https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt §2
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return NEED_MORE;
  if (bytes[0] === SIGNATURE_V2[0]) return beginsLike(bytes, SIGNATURE_V2) ? readV2(bytes) : bad("there is none");
  return beginsLike(bytes, PROXY_WORD) ? readV1(bytes) : bad("there is none");
}

function bad(fault: string): ProxyHeader {
  return { kind: "bad", fault };
}

/** As far as both go. */
function beginsLike(bytes: Uint8Array, start: readonly number[]): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let at = 0; at < length; at++) if (bytes[at] !== start[at]) return false;
  return true;
}

// ── version 1 ──

function readV1(bytes: Uint8Array): ProxyHeader {
  const lineFeed = bytes.subarray(0, V1_BYTES).indexOf(0x0a);
  if (lineFeed < 0) return bytes.length < V1_BYTES ? NEED_MORE : bad(`it has no end within ${V1_BYTES} bytes`);
  if (bytes[lineFeed - 1] !== 0x0d) return bad("its line ends without CR");
  const line = String.fromCharCode(...bytes.subarray(PROXY_WORD.length, lineFeed - 1));
  const header = lineFeed + 1;
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return { kind: "header", bytes: header, ends: null };
  const [family, source = "", destination = "", from = "", to = "", ...more] = line.split(" ");
  if ((family !== "TCP4" && family !== "TCP6") || more.length > 0) return bad("its line is not as it has to be");
  const remote = addressV1(family, source, from);
  const local = addressV1(family, destination, to);
  if (remote === null || local === null) return bad("it has an address or a port that is none");
  return { kind: "header", bytes: header, ends: { remote, local } };
}

function addressV1(family: "TCP4" | "TCP6", ip: string, port: string): Address | null {
  const bytes = addressBytes(ip);
  if (bytes === null || ip.includes(":") !== (family === "TCP6")) return null;
  const number = /^(0|[1-9][0-9]{0,4})$/.test(port) ? Number(port) : Infinity;
  return number > 65_535 ? null : { ip: formatAddress(bytes), port: number };
}

// ── version 2 ──

function readV2(bytes: Uint8Array): ProxyHeader {
  const versionCommand = bytes[12];
  if (versionCommand !== undefined && versionCommand !== 0x20 && versionCommand !== 0x21)
    return bad("its version or command is unknown");
  if (bytes.length < V2_FIXED) return NEED_MORE;
  const family = bytes[13] ?? 0;
  const length = V2_FIXED + number16(bytes, 14);
  if (length > V2_BYTES) return bad(`it is longer than ${V2_BYTES} bytes`);
  const isLocal = versionCommand === 0x20;
  if (!isLocal && family !== TCP4 && family !== TCP6 && !OTHER_FAMILIES.has(family))
    return bad("its family is unknown");
  const needs = isLocal ? 0 : family === TCP4 ? V4_BYTES : family === TCP6 ? V6_BYTES : 0;
  if (length < V2_FIXED + needs) return bad("it is too short for its addresses");
  if (bytes.length < length) return NEED_MORE;
  return { kind: "header", bytes: length, ends: needs === 0 ? null : endsV2(bytes, family === TCP4 ? 4 : 16) };
}

/** @param width Bytes of an address. */
function endsV2(bytes: Uint8Array, width: 4 | 16): Ends {
  const ports = V2_FIXED + 2 * width;
  const ip = (at: number): string => formatAddress(bytes.subarray(at, at + width));
  return {
    remote: { ip: ip(V2_FIXED), port: number16(bytes, ports) },
    local: { ip: ip(V2_FIXED + width), port: number16(bytes, ports + 2) },
  };
}

function number16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

// ── in segments ──

export type HeaderTaken = Exclude<ProxyHeader, { kind: "header" }> | (HeaderRead & { readonly kind: "header" });

export interface HeaderRead {
  readonly ends: Ends | null;
  /** What came behind the header: a part of the chunk. */
  readonly rest: Uint8Array;
}

/** Gathers a header from chunks that are valid during their call only. */
export class ProxyHeaderReader {
  private held: Uint8Array | null = null;
  private length = 0;

  /** Some of it has come. */
  get begun(): boolean {
    return this.length > 0;
  }

  take(chunk: Uint8Array): HeaderTaken {
    const before = this.length;
    const read = readProxyHeader(before === 0 ? chunk : this.keep(chunk));
    if (read.kind === "header") return { kind: "header", ends: read.ends, rest: chunk.subarray(read.bytes - before) };
    if (read.kind === "need-more" && before === 0) this.keep(chunk);
    return read;
  }

  /** @returns all so far; beyond the longest header nothing is kept. */
  private keep(chunk: Uint8Array): Uint8Array {
    this.held ??= new Uint8Array(V2_BYTES);
    const part = chunk.subarray(0, V2_BYTES - this.length);
    this.held.set(part, this.length);
    this.length += part.length;
    return this.held.subarray(0, this.length);
  }
}
