/** The configuration as the data plane reads it: addresses instead of names, cells of the board, name claims. */
import { inAny } from "../core/access.ts";
import { formatEndpoint } from "../core/address.ts";
import { endpointHash } from "../core/balance/hash.ts";
import type { Cidr, ClusterPlan, Endpoint, NameClaim, Pool, Snapshot } from "../seam/snapshot.ts";
import type { Service } from "../seam/services.ts";
import type { NodeSpec } from "./values/addresses.ts";
import { bridgesOf } from "./clusters/bridges.ts";
import { claimKeys, claimsOf, nameSetsOf, type NameSets } from "./clusters/claims.ts";
import type { ClusterConfig, Config, Timeouts } from "./model.ts";
import { dataPart } from "./options/option-group.ts";
import { GLOBAL } from "./options/options.ts";
import { LIMITS, TIMEOUTS } from "./options/timeouts.ts";
import { defaultOf, listenOf, nodesFor, policyOf, portOf } from "./clusters/service-settings.ts";

/** Post-quantum hellos are 1.5-5.5 KB and padding is legal. */
const HELLO_BYTES = 65_536;

/** Where a redirect goes when https is not listened to here. */
const HTTPS_PORT = 443;

export interface SnapshotInput {
  readonly version: number;
  /** The board's cell for `cluster/NAME`, `cluster/NAME/KIND` or `cluster/NAME/KIND/ip:port`. */
  cellOf(key: string): number;
  /** The canonical addresses a host name has now; not asked for nodes given by address. */
  addressesOf(node: NodeSpec): readonly string[];
  /** Domains learnt from certificates, by cluster name; a given domain wins, and so does a claim made before. */
  readonly learnedDomains?: ReadonlyMap<string, string>;
  /** Networks of this machine's interfaces; asked for mcs listeners and clusters that see their clients' addresses. */
  readonly networks?: readonly Cidr[];
  /** Client connections in all, resolved: 1 or more. */
  readonly maxConnections: number;
}

/** Pure: the same configuration, cells and addresses give the same snapshot. */
export function buildSnapshot(config: Config, input: SnapshotInput): Snapshot {
  return {
    version: input.version,
    services: config.services,
    clusters: config.clusters.map((cluster) => planOf(cluster, config, input)),
    ...nameClaims(config, input.learnedDomains ?? new Map()),
    fallback: fallbackOf(config),
    bridges: bridgesOf(config, input.networks ?? []),
    httpsPort: redirectPort(config),
    timeouts: dataPart(TIMEOUTS, config.timeouts),
    limits: { ...dataPart(LIMITS, config.limits), helloBytes: HELLO_BYTES },
    ...dataPart(GLOBAL, config),
    maxConnections: input.maxConnections, // auto has become a number
  };
}

/** Plain HTTP is sent to the TLS service of the same names. */
function redirectPort(config: Config): number {
  const tls = config.services.find(({ routedBy, names }) => routedBy === "sni" && names.includes("apps"));
  return (tls === undefined ? undefined : listenOf(config, tls)[0]?.port) ?? HTTPS_PORT;
}

function fallbackOf(config: Config): readonly number[] {
  const indexes = new Map(config.clusters.map(({ name }, index) => [name, index]));
  return config.services.map((service) => indexes.get(defaultOf(config, service) ?? "") ?? -1);
}

function planOf(cluster: ClusterConfig, config: Config, input: SnapshotInput): ClusterPlan {
  const cell = input.cellOf(`cluster/${cluster.name}`);
  const pools = config.services.map((service) =>
    service.address === "off" && listenOf(config, service).length === 0
      ? null
      : poolOf(cluster, service, config.timeouts, input),
  );
  return {
    name: cluster.name,
    cell,
    allow: cluster.allow,
    addresses: [...new Set(pools.flatMap((pool) => (pool?.endpoints ?? []).map(({ at }) => at.ip)))],
    clients: cluster.clients,
    maxConnections: cluster.maxConnections,
    source: cluster.source,
    allDown: cluster.allDown,
    redirectHttps: cluster.redirectHttps,
    wakes: cluster.wake !== null,
    pools,
  };
}

/** A pool may be empty: its names are still known, and the client hears that no node is there. */
function poolOf(cluster: ClusterConfig, service: Service, timeouts: Timeouts, input: SnapshotInput): Pool {
  const key = `cluster/${cluster.name}/${service.name}`;
  return {
    cell: input.cellOf(key),
    policy: policyOf(cluster, service),
    idleMs: timeouts[service.idle],
    sendProxy: service.takesProxy ? cluster.sendProxy : 0,
    endpoints: endpointsOf(nodesFor(cluster, service), portOf(cluster, service), key, input, cluster.source),
  };
}

function endpointsOf(
  nodes: readonly NodeSpec[],
  port: number,
  key: string,
  input: SnapshotInput,
  source: ClusterConfig["source"],
): readonly Endpoint[] {
  const endpoints = new Map<string, Endpoint>();
  for (const node of nodes) {
    for (const ip of node.isName ? input.addressesOf(node) : [node.host]) {
      const text = formatEndpoint(ip, port);
      // Two names may resolve to one address: it counts once, for the first.
      if (endpoints.has(text)) continue;
      const cell = input.cellOf(`${key}/${text}`);
      const near = source === "client" ? { near: networksOf(ip, input) } : {};
      endpoints.set(text, { cell, at: { ip, port }, hash: endpointHash(ip, port), node: node.host, ...near });
    }
  }
  return [...endpoints.values()];
}

function networksOf(ip: string, { networks = [] }: SnapshotInput): readonly Cidr[] {
  return networks.filter((network) => inAny([network], ip));
}

type NameClaims = Pick<Snapshot, "exact" | "below" | "labels" | "rest">;

function nameClaims(config: Config, learned: ReadonlyMap<string, string>): NameClaims {
  const list = (): NameClaim[] => [];
  const claims = { exact: list(), below: list(), labels: list(), rest: list() };
  const sets = nameSetsOf(config.services);
  const indexes = new Indexes();
  const domains = learnedDomains(config.clusters, sets, learned);
  for (const [cluster, each] of config.clusters.entries()) {
    for (const { rule, name, services, vacant } of claimsOf(each, sets, domains.get(each.name) ?? each.domain)) {
      claims[rule].push({ name, cluster, services: indexes.of(services), vacant: indexes.of(vacant) });
    }
  }
  return claims;
}

/** The same list for the same services: a snapshot of many clusters is mailed to every worker. */
class Indexes {
  private readonly known = new Map<readonly Service[], readonly number[]>();

  of(services: readonly Service[]): readonly number[] {
    const before = this.known.get(services);
    if (before !== undefined) return before;
    const indexes = services.map(({ index }) => index);
    this.known.set(services, indexes);
    return indexes;
  }
}

/** A learnt domain counts where none was given and none of its names is another cluster's. */
function learnedDomains(
  clusters: readonly ClusterConfig[],
  sets: NameSets,
  learned: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const taken = new Set(clusters.flatMap((cluster) => claimsOf(cluster, sets).flatMap(claimKeys)));
  const domains = new Map<string, string>();
  for (const cluster of clusters) {
    const domain = cluster.domain === null ? learned.get(cluster.name) : undefined;
    if (domain === undefined) continue;
    const own = new Set(claimsOf(cluster, sets).flatMap(claimKeys));
    const keys = claimsOf(cluster, sets, domain)
      .flatMap(claimKeys)
      .filter((key) => !own.has(key));
    if (keys.some((key) => taken.has(key))) continue;
    for (const key of keys) taken.add(key);
    domains.set(cluster.name, domain);
  }
  return domains;
}
