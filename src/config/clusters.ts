/** One cluster's texts to its configuration. */
import { NODES_MOST } from "./addresses.ts";
import { CLUSTER } from "./cluster-options.ts";
import type { ClusterEntry } from "./layers.ts";
import type { ClusterConfig, NodeSpec } from "./model.ts";
import { resolveOption, type Machine, type Option } from "./option.ts";
import { quote, type Problems } from "./text.ts";
import type { ServiceName } from "../seam/services.ts";

/** What a cluster takes over where it says nothing itself. */
export interface ClusterBase {
  /** The base domain: cluster `hub` has `hub.DOMAIN`. */
  readonly domain: string | null;
  readonly rise: number;
  readonly fall: number;
  readonly intervalMs: number;
}

/** A pool with a list of its own takes those nodes and no others. */
export function nodesFor(cluster: ClusterConfig, kind: ServiceName): readonly NodeSpec[] {
  const own = kind === "api" || kind === "mcs" ? cluster.api : cluster.ingress;
  return own ?? cluster.nodes;
}

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
  const cluster: ClusterConfig = {
    name: entry.name,
    domain: read(CLUSTER.domain) ?? derivedDomain(entry.name, base.domain),
    layer: entry.layer,
    where: entry.where,
    nodes: read(CLUSTER.nodes),
    api: read(CLUSTER.api),
    ingress: read(CLUSTER.ingress),
    names: unique(read(CLUSTER.names)),
    apiNames: unique(read(CLUSTER.apiNames)),
    ports: {
      api: read(CLUSTER.apiPort),
      https: read(CLUSTER.httpsPort),
      http: read(CLUSTER.httpPort),
      mcs: read(CLUSTER.mcsPort),
      ready: read(CLUSTER.readyPort),
    },
    balance: {
      api: read(CLUSTER.balanceApi),
      https: read(CLUSTER.balanceHttps),
      http: read(CLUSTER.balanceHttp),
      mcs: "leastconn",
    },
    check: read(CLUSTER.check),
    rise: read(CLUSTER.rise) ?? base.rise,
    fall: read(CLUSTER.fall) ?? base.fall,
    intervalMs: read(CLUSTER.intervalMs) ?? base.intervalMs,
    allow: read(CLUSTER.allow),
    maxConnections: read(CLUSTER.maxConnections),
    sendProxy: read(CLUSTER.sendProxy),
    allDown: read(CLUSTER.allDown),
    redirectHttps: read(CLUSTER.redirectHttps),
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
