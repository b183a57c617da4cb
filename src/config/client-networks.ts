/** Networks whose clients are a cluster's own. */
import { cidrText } from "./addresses.ts";
import type { ClusterConfig } from "./model.ts";
import { quote, type Problems } from "./text.ts";

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
