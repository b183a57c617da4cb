/** Clients to ask for: one outside of every list of addresses in the rules, and one inside of each. */
import { readCidr } from "../../config/values/addresses.ts";
import { inAny } from "../../core/access.ts";
import { formatAddress } from "../../core/address.ts";
import type { Cidr } from "../../seam/snapshot.ts";
import type { AclTest } from "./samples.ts";

/** Addresses for documentation (RFC 5737): nobody lists all three. */
const OUTSIDE = ["203.0.113.77", "198.51.100.77", "192.0.2.77"];
/** A list longer than this is asked at its start only. */
const INSIDE_MOST = 16;

export function clientsOf(tests: readonly AclTest[]): string[] {
  const networks = tests.filter(readsClient).flatMap(({ patterns }) =>
    patterns.flatMap(({ text }) => {
      const reading = readCidr(text);
      return reading.ok ? [reading.value] : [];
    }),
  );
  const outside = OUTSIDE.find((ip) => !inAny(networks, ip)) ?? "203.0.113.77";
  return [...new Set([outside, ...networks.slice(0, INSIDE_MOST).map(firstOf)])];
}

export function readsClient({ sample }: AclTest): boolean {
  return sample.fetch.name === "src";
}

/** The first address of a network that may be a client's. */
function firstOf({ bytes, bits }: Cidr): string {
  const first = Uint8Array.from(bytes);
  const last = first.length - 1;
  if (bits < first.length * 8) first[last] = (first[last] ?? 0) | 1;
  return formatAddress(first);
}
