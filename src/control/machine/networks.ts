/** The networks this machine is in, and its addresses there. */
import { networkInterfaces } from "node:os";
import { readCidr } from "../../config/addresses.ts";
import { canonicalIp } from "../../core/address.ts";
import type { Cidr } from "../../seam/snapshot.ts";

export function localNetworks(): readonly Cidr[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ cidr }) => {
      const read = cidr === null ? null : readCidr(cidr);
      return read?.ok === true ? [read.value] : [];
    }),
  );
}

/** The addresses of this machine's interfaces, in canonical text. */
export function localAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address }) => canonicalIp(address) ?? []),
  );
}
