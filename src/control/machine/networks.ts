/** The networks this machine is in, and its addresses there. */
import { networkInterfaces } from "node:os";
import { readCidr } from "../../config/values/addresses.ts";
import { canonicalIp } from "../../core/address.ts";
import type { Cidr } from "../../seam/snapshot.ts";

type Found = ReturnType<typeof networkInterfaces>;

/** The system wants a descriptor to tell: while there is none, what it told last still holds. */
export class Interfaces {
  private readonly ask: () => Found;
  private last: Found | null = null;

  constructor(ask: () => Found = networkInterfaces) {
    this.ask = ask;
  }

  /** @throws Error when the system has never told */
  now(): Found {
    try {
      this.last = this.ask();
    } catch (error) {
      if (this.last === null) throw error;
    }
    return this.last;
  }
}

const INTERFACES = new Interfaces();

export function localNetworks(): readonly Cidr[] {
  return Object.values(INTERFACES.now()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ cidr }) => {
      const read = cidr === null ? null : readCidr(cidr);
      return read?.ok === true ? [read.value] : [];
    }),
  );
}

/** The addresses of this machine's interfaces, in canonical text. */
export function localAddresses(): readonly string[] {
  return Object.values(INTERFACES.now()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ address }) => canonicalIp(address) ?? []),
  );
}
