/** Which clients are a cluster's own: those of its networks, and its nodes. */
import { cidrText } from "../values/addresses.ts";
import type { ClusterConfig } from "../model.ts";
import { allNodes } from "./service-settings.ts";
import { quote, type Problems } from "../values/text.ts";

/** Of two networks the longer prefix decides; the same one in two clusters decides nothing. */
export function checkClients(clusters: readonly ClusterConfig[], problems: Problems): void {
  const owners = new Map<string, ClusterConfig>();
  for (const cluster of clusters) {
    for (const network of cluster.clients.map(cidrText)) {
      const owner = owners.get(network) ?? cluster;
      owners.set(network, owner);
      if (owner === cluster) continue;
      const why = `cluster ${quote(owner.name)} (${owner.where}) has them too`;
      problems.add(cluster.where, `Cannot use clients ${network} for cluster ${quote(cluster.name)}: ${why}`);
    }
  }
}

/** Addresses that are nodes of two clusters: what comes from there without a name is for neither. */
export interface SharedNodes {
  readonly clusters: readonly [string, string];
  readonly text: string;
}

/** One for each pair of clusters. */
export function sharedNodes(clusters: readonly ClusterConfig[]): readonly SharedNodes[] {
  const owners = new Map<string, string>();
  const pairs = new Map<string, { readonly clusters: readonly [string, string]; readonly hosts: string[] }>();
  for (const cluster of clusters) {
    for (const host of new Set(allNodes(cluster).map((node) => node.host))) {
      const owner = owners.get(host);
      if (owner === undefined) owners.set(host, cluster.name);
      else {
        const pair = pairs.get(`${owner} ${cluster.name}`) ?? { clusters: [owner, cluster.name], hosts: [] };
        pair.hosts.push(host);
        pairs.set(`${owner} ${cluster.name}`, pair);
      }
    }
  }
  return [...pairs.values()].map((pair) => ({ clusters: pair.clusters, text: sharedText(pair.clusters, pair.hosts) }));
}

function sharedText([first, second]: readonly [string, string], [host = "", ...more]: readonly string[]): string {
  const who = more.length === 0 ? `${host} is a node` : `${host} and ${more.length} more are nodes`;
  return `${who} of ${first} and of ${second}: what comes from there and names no cluster goes to neither by its address; clients= can say which`;
}
