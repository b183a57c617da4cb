/** Never to oneself: a node that is edge-lb's own listening address would send every connection back, until none is left. */
import { formatEndpoint } from "../../core/address.ts";
import type { Service } from "../../seam/services.ts";
import type { Address } from "../../seam/snapshot.ts";
import { covers, isLoopback, listenText, readNodes, type ListenAddress } from "../values/addresses.ts";
import { CLUSTER } from "../options/cluster-options.ts";
import type { ClusterEntry } from "../layers/layers.ts";
import type { ClusterConfig, Config } from "../model.ts";
import { listenOf, nodesFor, portOf } from "./service-settings.ts";
import { quote, type Problems } from "../values/text.ts";

export interface OwnListener {
  /** Its service, `admin` or `dns`. */
  readonly label: string;
  readonly at: ListenAddress;
}

/** Which of edge-lb's listeners is reached at an address. */
export class OwnListeners {
  private readonly byPort = new Map<number, OwnListener[]>();
  private readonly local: ReadonlySet<string>;

  /** @param local Canonical addresses of this machine's interfaces; those of loopback need not be among them. */
  constructor(listeners: readonly OwnListener[], local: Iterable<string>) {
    this.local = new Set(local);
    for (const each of listeners) {
      const { port } = each.at;
      if (port !== 0) this.byPort.set(port, [...(this.byPort.get(port) ?? []), each]);
    }
  }

  /** @returns null where somebody else listens, or nobody */
  reachedAt({ ip, port }: Address): OwnListener | null {
    const listeners = this.byPort.get(port) ?? [];
    return listeners.find(({ at }) => at.ip === ip || (covers(at.ip, ip) && this.isLocal(ip))) ?? null;
  }

  private isLocal(ip: string): boolean {
    return this.local.has(ip) || isLoopback(ip);
  }
}

/** `api at :6443`. */
export function ownText({ label, at }: OwnListener): string {
  return `${label} at ${listenText(at)}`;
}

/** Where edge-lb listens, and what it serves already; with a configuration that is not served yet, nothing. */
export interface OwnPlace {
  readonly own: OwnListeners;
  readonly served: Config | null;
}

/**
 * Reports every node given by address where edge-lb itself listens. One that is served already became so later: it gets no
 * client, and is no reason to refuse a change of something else.
 * @param entries The clusters as written, for the place of a node.
 */
export function checkOwnNodes(
  config: Config,
  entries: readonly ClusterEntry[],
  place: OwnPlace,
  problems: Problems,
): void {
  for (const cluster of config.clusters) {
    const keys = entries.find(({ name }) => name === cluster.name)?.keys ?? new Map();
    for (const [host, found] of ownNodes(cluster, config, place)) {
      const reached = found.map(({ at, by }) => `${formatEndpoint(at.ip, at.port)} is ${ownText(by)}`).join(", ");
      problems.add(
        placeOf(host, keys) ?? cluster.where,
        `Cannot use node ${host} for cluster ${quote(cluster.name)}: edge-lb itself listens there (${reached})`,
        found.some(({ by }) => by.label === "admin" && !config.adminGiven)
          ? "move the status page with --admin ADDR:PORT or --admin off, or give the port that the node really uses"
          : "list the cluster's own machines, or give the port they really use, such as api-port=",
      );
    }
  }
}

export type ListeningConfig = Pick<Config, "admin" | "adminGiven" | "dns" | "listen" | "services">;

/** As configured. */
export function listenersOf(config: ListeningConfig): readonly OwnListener[] {
  const services = config.services.flatMap((service) =>
    listenOf(config, service).map((at) => ({ label: service.name, at })),
  );
  const { admin } = config;
  const dns = config.dns.map((at) => ({ label: "dns", at }));
  return [...services, ...dns, ...(admin === null ? [] : [{ label: "admin", at: admin }])];
}

interface OwnEndpoint {
  readonly at: Address;
  readonly by: OwnListener;
}

function ownNodes(
  cluster: ClusterConfig,
  config: Config,
  { own, served }: OwnPlace,
): ReadonlyMap<string, readonly OwnEndpoint[]> {
  const nodes = new Map<string, OwnEndpoint[]>();
  for (const service of config.services) {
    if (service.address === "off" && listenOf(config, service).length === 0) continue;
    for (const { host, isName } of nodesFor(cluster, service)) {
      const at = { ip: host, port: portOf(cluster, service) };
      const by = isName ? null : own.reachedAt(at);
      if (by === null || isServed(served, cluster.name, service, at)) continue;
      nodes.set(host, [...(nodes.get(host) ?? []), { at, by }]);
    }
  }
  return nodes;
}

function isServed(served: Config | null, cluster: string, { name }: Service, { ip, port }: Address): boolean {
  const before = served?.clusters.find((each) => each.name === cluster);
  const service = served?.services.find((each) => each.name === name);
  if (before === undefined || service === undefined || portOf(before, service) !== port) return false;
  return nodesFor(before, service).some(({ host }) => host === ip);
}

/** Where this node was written, alone or within a range. */
function placeOf(host: string, keys: ClusterEntry["keys"]): string | null {
  for (const [option, texts] of keys) {
    const names = (item: string): boolean => {
      const read = readNodes(item.trim());
      return read.ok && read.value.some((node) => node.host === host);
    };
    if (option.value !== CLUSTER.nodes.value) continue;
    const found = texts.find(({ text }) => text.split(",").some(names));
    if (found !== undefined) return found.where;
  }
  return null;
}
