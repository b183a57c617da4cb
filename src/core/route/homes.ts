/** Whose a client is, by its address: the cluster that it is a node of, else the one with the longest prefix that holds it. */
import type { Cidr, ClusterPlan } from "../../seam/snapshot.ts";
import { addressBytes, formatAddress } from "../address.ts";
import type { RouteMatch } from "./match.ts";

/** Ranges of one length. */
interface Prefixes {
  readonly bytes: 4 | 16;
  readonly bits: number;
  /** By address, host bits zero. */
  readonly matches: Map<string, RouteMatch>;
}

/** Built once for a snapshot; to ask costs a map probe, and one for each length of prefix that is in use. */
export class Homes {
  /** By canonical address; null: a node of two clusters, which says nothing. */
  private readonly nodes = new Map<string, RouteMatch | null>();
  /** Longest first. */
  private readonly prefixes: readonly Prefixes[];

  constructor(clusters: readonly Pick<ClusterPlan, "addresses" | "clients">[]) {
    const lengths = new Map<string, Prefixes>();
    for (const [cluster, { addresses, clients }] of clusters.entries()) {
      for (const claim of addresses) {
        this.nodes.set(claim, this.nodes.has(claim) ? null : { cluster, rule: "client", claim });
      }
      for (const cidr of clients) addPrefix(lengths, cidr, cluster);
    }
    this.prefixes = [...lengths.values()].sort((a, b) => b.bits - a.bits);
  }

  /** @param ip Canonical. */
  of(ip: string): RouteMatch | null {
    return this.nodes.get(ip) ?? this.byPrefix(ip);
  }

  private byPrefix(ip: string): RouteMatch | null {
    if (this.prefixes.length === 0) return null;
    const address = addressBytes(ip);
    if (address === null) return null;
    for (const { bytes, bits, matches } of this.prefixes) {
      const match = bytes === address.length ? matches.get(masked(address, bits)) : undefined;
      if (match !== undefined) return match;
    }
    return null;
  }
}

function addPrefix(lengths: Map<string, Prefixes>, cidr: Cidr, cluster: number): void {
  const bytes = cidr.family === 4 ? 4 : 16;
  const key = `${bytes} ${cidr.bits}`;
  const prefixes = lengths.get(key) ?? { bytes, bits: cidr.bits, matches: new Map<string, RouteMatch>() };
  lengths.set(key, prefixes);
  const network = masked(cidr.bytes, cidr.bits);
  if (!prefixes.matches.has(network)) {
    prefixes.matches.set(network, { cluster, rule: "client", claim: `${formatAddress(cidr.bytes)}/${cidr.bits}` });
  }
}

/** The first bits of an address as a key. */
function masked(address: Uint8Array, bits: number): string {
  let key = "";
  for (let at = 0; at < address.length; at++) {
    const left = Math.min(8, Math.max(0, bits - 8 * at));
    key += `${(address[at] ?? 0) & (0xff << (8 - left))}.`;
  }
  return key;
}
