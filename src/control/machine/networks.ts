/** The networks this machine is in. */
import { networkInterfaces } from "node:os";
import { readCidr } from "../../config/addresses.ts";
import type { Cidr } from "../../seam/snapshot.ts";

export function localNetworks(): readonly Cidr[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ cidr }) => {
      const read = cidr === null ? null : readCidr(cidr);
      return read?.ok === true ? [read.value] : [];
    }),
  );
}
