import type { Cidr } from "../seam/snapshot.ts";
import { addressBytes } from "./address.ts";

/** May this client connect? An empty list lets everyone in; what is no address is in no list. */
export function isAllowed(allow: readonly Cidr[], ip: string): boolean {
  return allow.length === 0 || inAny(allow, ip);
}

/** Is this address in one of the ranges? Mapped IPv4 counts as IPv4. */
export function inAny(cidrs: readonly Cidr[], ip: string): boolean {
  if (cidrs.length === 0) return false;
  const bytes = addressBytes(ip);
  if (bytes === null) return false;
  for (const cidr of cidrs) if (covers(cidr, bytes)) return true;
  return false;
}

function covers(cidr: Cidr, bytes: Uint8Array): boolean {
  if (cidr.bytes.length !== bytes.length) return false;
  const whole = cidr.bits >> 3;
  for (let at = 0; at < whole; at++) if (cidr.bytes[at] !== bytes[at]) return false;
  const rest = cidr.bits & 7;
  if (rest === 0) return true;
  return ((cidr.bytes[whole] ?? 0) ^ (bytes[whole] ?? 0)) >> (8 - rest) === 0;
}
