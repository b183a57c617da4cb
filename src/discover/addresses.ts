/** Addresses as machines report their own: what cannot be reached from here is left out. */
import { isLoopback, isMachineAddress } from "../config/values/addresses.ts";
import { canonicalIp } from "../core/address.ts";

/** More than any machine has; guests report what they like. */
export const ADDRESSES_MOST = 64;

/** @param texts With or without a prefix length. */
export function reachable(texts: readonly string[]): readonly string[] {
  const ips = texts.flatMap((text) => canonicalIp(text.split("/")[0] ?? "") ?? []);
  // link-local IPv6 says nothing without an interface
  const usable = ips.filter((ip) => isMachineAddress(ip) && !isLoopback(ip) && !/^fe[89ab]/.test(ip));
  return [...new Set(usable)].slice(0, ADDRESSES_MOST);
}
