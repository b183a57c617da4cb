/** `edge-lb check`: what the flags and the file make together, or every mistake in them. */
import type { Config, NodeSpec } from "../config/model.ts";
import { requireClusters } from "../config/load.ts";
import { nodesFor } from "../config/clusters.ts";
import type { Io } from "./io.ts";
import { table } from "./table.ts";

/** @throws EdgeErrors when there is no cluster */
export function check(config: Config, io: Io): number {
  const clusters = requireClusters(config);
  const rows = clusters.map((cluster) => [
    cluster.name,
    cluster.domain ?? "(learnt when running)",
    count(nodesFor(cluster, "api")),
    count(nodesFor(cluster, "https")),
    cluster.where,
  ]);
  io.out(table([["cluster", "domain", "api", "ingress", "from"], ...rows]));
  io.out(`no mistake found: ${clusters.length} ${clusters.length === 1 ? "cluster" : "clusters"}\n`);
  return 0;
}

function count(nodes: readonly NodeSpec[]): string {
  return nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
}
