/** One cluster's texts to its configuration. */
import { NODES_MOST, type NodeSpec } from "./addresses.ts";
import { CLUSTER } from "./cluster-options.ts";
import type { ClusterEntry } from "./layers.ts";
import type { ClusterBase, ClusterConfig } from "./model.ts";
import { mapGroup } from "./option-group.ts";
import { resolveOption, type Machine, type Option } from "./option.ts";
import { quote, type Problems } from "./text.ts";
import { SERVICES, type BuiltInName, type Policy, type Service } from "../seam/services.ts";

/** A pool with a list of its own takes those nodes and no others. */
export function nodesFor(cluster: ClusterConfig, service: Service): readonly NodeSpec[] {
  return listFor(cluster, service) ?? cluster.nodes;
}

/** The list that was given for the service or its role; null: it takes what it finds among `nodes`. */
export function listFor(cluster: ClusterConfig, { role }: Service): readonly NodeSpec[] | null {
  return cluster[role];
}

/** Of services that have no key for it. */
const POLICIES = Object.fromEntries(SERVICES.map(({ name, policy }) => [name, policy])) as Readonly<
  Record<BuiltInName, Policy>
>;

/** @returns undefined after a mistake was reported. */
export function resolveCluster(
  entry: ClusterEntry,
  base: ClusterBase,
  machine: Machine,
  problems: Problems,
): ClusterConfig | undefined {
  const before = problems.count;
  const read = <T>(option: Option<T>): T =>
    resolveOption(option, entry.keys.get(option) ?? [], machine, problems, `cluster ${quote(entry.name)}`);
  const own = mapGroup(CLUSTER, read);
  const cluster: ClusterConfig = {
    ...own,
    name: entry.name,
    layer: entry.layer,
    where: entry.where,
    domain: own.domain ?? derivedDomain(entry.name, base.domain),
    names: unique(own.names),
    apiNames: unique(own.apiNames),
    balance: { ...POLICIES, ...own.balance },
    rise: own.rise ?? base.rise,
    fall: own.fall ?? base.fall,
    intervalMs: own.intervalMs ?? base.intervalMs,
  };
  // After a node that could not be read, counting the others would only confuse.
  if (problems.count === before && !entry.flawed) checkNodes(cluster, problems);
  return problems.count === before ? cluster : undefined;
}

/** A name with dots is the domain itself. */
function derivedDomain(name: string, base: string | null): string | null {
  if (name.includes(".")) return name;
  return base === null ? null : `${name}.${base}`;
}

function checkNodes(cluster: ClusterConfig, problems: Problems): void {
  const lists = { nodes: cluster.nodes, api: cluster.api ?? [], ingress: cluster.ingress ?? [] };
  const hosts = new Set(Object.values(lists).flatMap((nodes) => nodes.map(({ host }) => host)));
  const what = `Cannot use cluster ${quote(cluster.name)}`;
  if (hosts.size === 0) problems.add(cluster.where, `${what}: 0 nodes listed, at least 1 wanted`, "add nodes=");
  if (hosts.size > NODES_MOST) {
    problems.add(cluster.where, `${what}: ${hosts.size} nodes listed, at most ${NODES_MOST} wanted`);
  }
  if (cluster.sendProxy !== 0 && lists.nodes.length + lists.ingress.length === 0) {
    const why = "only API nodes listed, and kube-apiserver cannot read a PROXY header";
    problems.add(cluster.where, `${what} with send-proxy: ${why}`, "leave out send-proxy");
  }
  for (const [list, nodes] of Object.entries(lists)) {
    const twice = firstRepeated(nodes);
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
