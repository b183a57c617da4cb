/** Addresses between their text and the kernel's struct sockaddr_in and sockaddr_in6, in the one shared buffer. */
import type { Address } from "../../seam/snapshot.ts";
import { AF } from "./libc.ts";
import { DESTINATION_BYTES, DESTINATIONS, destinations, sockaddr } from "./memory.ts";

const IPV4_BYTES = 16;
const IPV6_BYTES = 28;
/** Where sin6_addr begins. */
const IPV6_AT = 8;
const view = new DataView(sockaddr.buffer);

export type Family = (typeof AF)[keyof typeof AF];

export function familyOf(ip: string): Family {
  return ip.includes(":") ? AF.INET6 : AF.INET;
}

/**
 * Write an address into the sockaddr buffer.
 * @returns Its length in bytes, or 0 when `ip` is neither IPv4 nor IPv6 text.
 */
export function encodeAddress(ip: string, port: number): number {
  sockaddr.fill(0, 0, IPV6_BYTES);
  view.setUint16(2, port); // network order
  if (familyOf(ip) === AF.INET) {
    view.setUint16(0, AF.INET, true);
    return encodeIpv4(ip, 4) ? IPV4_BYTES : 0;
  }
  view.setUint16(0, AF.INET6, true);
  return encodeIpv6(ip) ? IPV6_BYTES : 0;
}

function encodeIpv4(ip: string, at: number): boolean {
  let byte = 0;
  let digits = 0;
  let index = 0;
  for (let i = 0; i <= ip.length; i++) {
    const code = i < ip.length ? ip.charCodeAt(i) : 0x2e;
    if (code === 0x2e) {
      if (digits === 0 || byte > 255 || index > 3) return false;
      sockaddr[at + index++] = byte;
      byte = 0;
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39 && digits < 3) {
      byte = byte * 10 + code - 0x30;
      digits++;
    } else return false;
  }
  return index === 4;
}

/** Text as in RFC 4291 §2.2, with an optional numeric zone (`fe80::1%2`). */
function encodeIpv6(ip: string): boolean {
  const [text = "", zone] = ip.split("%");
  if (zone !== undefined) {
    if (!/^\d{1,9}$/.test(zone)) return false;
    view.setUint32(24, Number(zone), true);
  }
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const head = groups(halves[0] ?? "");
  const tail = groups(halves[1] ?? "");
  if (head === null || tail === null) return false;
  const zeros = 8 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return false;
  head.forEach((group, i) => view.setUint16(IPV6_AT + 2 * i, group));
  tail.forEach((group, i) => view.setUint16(IPV6_AT + 2 * (head.length + zeros + i), group));
  return true;
}

/** The 16-bit groups of one side of `::`, or null; a dotted IPv4 tail counts as two. */
function groups(text: string): number[] | null {
  if (text === "") return [];
  const found: number[] = [];
  for (const part of text.split(":")) {
    if (part.includes(".")) {
      if (!encodeIpv4(part, IPV6_BYTES)) return null;
      found.push(view.getUint16(IPV6_BYTES), view.getUint16(IPV6_BYTES + 2));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) found.push(Number.parseInt(part, 16));
    else return null;
  }
  return found;
}

/** Slots of `destinations` by address text; all are forgotten when they run out. */
const slots = new Map<string, number>();

/**
 * Find or write an address among those dialled lately.
 * @returns Its slot in `destinations`, or -1 when `ip` is neither IPv4 nor IPv6 text.
 */
export function destinationSlot(ip: string, port: number): number {
  let slot = slots.get(ip);
  if (slot === undefined) {
    const bytes = encodeAddress(ip, port);
    if (bytes === 0) return -1;
    if (slots.size === DESTINATIONS) slots.clear();
    slot = slots.size;
    slots.set(ip, slot);
    destinations.set(sockaddr.subarray(0, DESTINATION_BYTES), slot * DESTINATION_BYTES);
  }
  const at = slot * DESTINATION_BYTES + 2;
  destinations[at] = port >> 8;
  destinations[at + 1] = port;
  return slot;
}

/** The family of the address in a slot of `destinations`. */
export function familyAt(slot: number): Family {
  return destinations[slot * DESTINATION_BYTES] === AF.INET ? AF.INET : AF.INET6;
}

/** The length of the struct sockaddr in a slot of `destinations`. */
export function bytesAt(slot: number): number {
  return familyAt(slot) === AF.INET ? IPV4_BYTES : IPV6_BYTES;
}

/** The address that lies in the sockaddr buffer, in canonical text. */
export function decodeAddress(): Address {
  const port = ((sockaddr[2] ?? 0) << 8) | (sockaddr[3] ?? 0);
  return { ip: sockaddr[0] === AF.INET ? knownIpv4(4) : ipv6Text(), port };
}

/** Texts of the IPv4 addresses seen lately: clients come again and again, and one string is hashed once. */
const texts = new Map<number, string>();
const TEXTS = 4096;

function knownIpv4(at: number): string {
  const word = view.getUint32(at);
  let text = texts.get(word);
  if (text === undefined) {
    if (texts.size === TEXTS) texts.clear();
    text = ipv4Text(at);
    texts.set(word, text);
  }
  return text;
}

function ipv4Text(at: number): string {
  return `${sockaddr[at]}.${sockaddr[at + 1]}.${sockaddr[at + 2]}.${sockaddr[at + 3]}`;
}

function isMappedIpv4(): boolean {
  return view.getUint32(IPV6_AT) === 0 && view.getUint32(IPV6_AT + 4) === 0 && view.getUint32(IPV6_AT + 8) === 0xff_ff;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function ipv6Text(): string {
  if (isMappedIpv4()) return knownIpv4(IPV6_AT + 12);
  const parts: number[] = [];
  for (let i = 0; i < 8; i++) parts.push(view.getUint16(IPV6_AT + 2 * i));
  const { start, length } = longestZeroRun(parts);
  const zone = view.getUint32(24, true);
  const suffix = zone === 0 ? "" : `%${zone}`;
  const hex = (list: number[]): string => list.map((group) => group.toString(16)).join(":");
  if (length < 2) return hex(parts) + suffix;
  return `${hex(parts.slice(0, start))}::${hex(parts.slice(start + length))}${suffix}`;
}

function longestZeroRun(parts: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < parts.length; i++) {
    let end = i;
    while (parts[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = Math.max(i, end - 1);
  }
  return best;
}
