/** `net:CIDR`: every address of a network. */
import { networkAddresses, readCidr } from "../config/values/addresses.ts";
import { SWEEP_MOST, type DiscoverSource } from "../config/values/discover-source.ts";
import type { Source } from "./source.ts";

const EVERY_MS = 60_000;

export function netSource(spec: DiscoverSource): Source {
  const cidr = readCidr(spec.place);
  const addresses = cidr.ok ? networkAddresses(cidr.value, SWEEP_MOST) : [];
  return { spec, everyMs: EVERY_MS, find: async () => addresses.map((ip) => ({ ip, label: null })) };
}
