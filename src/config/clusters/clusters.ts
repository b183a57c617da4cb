/** One cluster's texts to its configuration. */
import { NODES_MOST, type NodeSpec } from "../values/addresses.ts";
import type { CLUSTER } from "../options/cluster-options.ts";
import type { ClusterEntry } from "../layers/layers.ts";
import type { ClusterBase, ClusterConfig } from "../model.ts";
import { mapGroup } from "../options/option-group.ts";
import { resolveOption, type Machine, type Option } from "../options/option.ts";
import { quote, type Problems } from "../values/text.ts";
import { allNodes, nodesFor } from "./service-settings.ts";
import type { Service } from "../../seam/services.ts";

/** The keys that a cluster may have, and the services that they are for. */
export interface ClusterTable {
  readonly options: typeof CLUSTER;
  readonly services: readonly Service[];
}

/** @returns undefined after a mistake was reported. */
export function resolveCluster(
  entry: ClusterEntry,
  base: ClusterBase,
  { options, services }: ClusterTable,
  machine: Machine,
  problems: Problems,
): ClusterConfig | undefined {
  const before = problems.count;
  const read = <T>(option: Option<T>): T =>
    resolveOption(option, entry.keys.get(option) ?? [], machine, problems, `cluster ${quote(entry.name)}`);
  const own = mapGroup(options, read);
  const cluster: ClusterConfig = {
    ...own,
    name: entry.name,
    layer: entry.layer,
    where: entry.where,
    domain: own.domain ?? derivedDomain(entry.name, base.domain),
    names: unique(own.names),
    apiNames: unique(own.apiNames),
    rise: own.rise ?? base.rise,
    fall: own.fall ?? base.fall,
    intervalMs: own.intervalMs ?? base.intervalMs,
  };
  checkEnd(cluster, entry, options, problems);
  // After a node that could not be read, counting the others would only confuse.
  if (problems.count === before && !entry.flawed) checkNodes(cluster, services, problems);
  return problems.count === before ? cluster : undefined;
}

/** A name with dots is the domain itself. */
function derivedDomain(name: string, base: string | null): string | null {
  if (name.includes(".")) return name;
  return base === null ? null : `${name}.${base}`;
}

/** What a file says counts from no moment that both its reader and edge-lb know. */
function checkEnd(cluster: ClusterConfig, entry: ClusterEntry, options: typeof CLUSTER, problems: Problems): void {
  const [ttl] = entry.keys.get(options.ttlMs) ?? [];
  if (ttl === undefined) return;
  const what = `Cannot use ttl of cluster ${quote(cluster.name)}`;
  if (entry.layer === "file") {
    problems.add(ttl.where, `${what} in a file: it counts from a start or add, a time wanted`, "write until=TIME");
  } else if (cluster.untilMs !== null) problems.add(ttl.where, `${what}: until found too, one of them wanted`);
}

function checkNodes(cluster: ClusterConfig, services: readonly Service[], problems: Problems): void {
  const hosts = new Set(allNodes(cluster).map(({ host }) => host));
  const what = `Cannot use cluster ${quote(cluster.name)}`;
  if (hosts.size === 0) problems.add(cluster.where, `${what}: 0 nodes listed, at least 1 wanted`, "add nodes=");
  if (hosts.size > NODES_MOST) {
    problems.add(cluster.where, `${what}: ${hosts.size} nodes listed, at most ${NODES_MOST} wanted`);
  }
  const taking = services.filter(({ takesProxy }) => takesProxy);
  if (cluster.sendProxy !== 0 && taking.every((service) => nodesFor(cluster, service).length === 0)) {
    const why = "only API nodes listed, and kube-apiserver cannot read a PROXY header";
    problems.add(cluster.where, `${what} with send-proxy: ${why}`, "leave out send-proxy");
  }
  const { nodes: any, api, ingress, ownNodes } = cluster;
  const lists = { nodes: any, api: api ?? [], ingress: ingress ?? [], ...ownNodes };
  for (const [list, nodes] of Object.entries(lists)) {
    const twice = firstRepeated(nodes ?? []);
    if (twice !== null) problems.add(cluster.where, `${what}: node ${twice} listed twice in ${list}, once wanted`);
  }
}

function firstRepeated(nodes: readonly NodeSpec[]): string | null {
  const seen = new Set<string>();
  return nodes.find(({ host }) => seen.size === seen.add(host).size)?.host ?? null;
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
