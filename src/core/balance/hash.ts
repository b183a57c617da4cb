import { canonicalIp, formatEndpoint } from "../address.ts";
import { utf8 } from "../text-bytes.ts";

/** FNV-1a, 32 bit: start value and prime of RFC 9923. */
const FNV_START = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

/**
 * FNV-1a over the UTF-8 bytes of a text: unsigned 32 bit.
 * Hashes are part of the contract between instances that share clients: test vectors pin them.
 */
export function fnv1a32(text: string): number {
  let hash = FNV_START;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return fnvBytes(utf8(text));
    hash = Math.imul(hash ^ code, FNV_PRIME);
  }
  return hash >>> 0;
}

/** MurmurHash3's 32-bit finalizer: a bijection in which every input bit moves every output bit. Unsigned 32 bit. */
export function fmix32(n: number): number {
  let h = n;
  h = Math.imul(h ^ (h >>> 16), 0x85_eb_ca_6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2_b2_ae_35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** `Endpoint.hash`: over `ip:port`, or `[ip]:port` for IPv6. `ip` is canonical. */
export function endpointHash(ip: string, port: number): number {
  return fnv1a32(formatEndpoint(ip, port));
}

/** The key of policy `source`: the client's canonical address; mapped IPv4 counts as IPv4. */
export function clientKey(ip: string): number {
  return fnv1a32(ip.includes(":") ? (canonicalIp(ip) ?? ip) : ip);
}

/** The key of policy `host`: the canonical host name, see `canonicalHost`. */
export function hostKey(host: string): number {
  return fnv1a32(host);
}

function fnvBytes(bytes: Uint8Array): number {
  let hash = FNV_START;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}
