/** Who is where: loopback addresses only, each peer with nodes of its own so that no peer inherits another's TIME_WAITs. */
import type { Target } from "./load-common.ts";
import type { At } from "./net.ts";
import { apiName, domainOf, hostName } from "./traffic.ts";
import type { Values } from "./template.ts";

/** As in the article. */
export const CLUSTERS = 3;
const NODES = 3;

export interface World {
  readonly clusters: number;
  readonly nodesOf: (cluster: number) => readonly string[];
  readonly apiPort: number;
  readonly httpPort: number;
  /** Also configure 443 and 80. */
  readonly ingress: boolean;
  /** So many further services listen, which nobody asks. */
  readonly services: number;
}

/** Where a peer listens. */
export interface Listening {
  readonly api: At;
  readonly https: At;
  readonly http: At;
  readonly further: readonly At[];
}

export interface NodePorts {
  readonly api: number;
  readonly http: number;
}

/** Three clusters with three living nodes each. */
export function labWorld(slot: number, ports: NodePorts): World {
  return {
    clusters: CLUSTERS,
    nodesOf: (cluster) => Array.from({ length: NODES }, (_, node) => `127.50.${slot}.${cluster * 10 + 20 + node}`),
    apiPort: ports.api,
    httpPort: ports.http,
    ingress: true,
    services: 0,
  };
}

/** Many clusters of one node; only the last one's is alive, and only that is asked. */
export function wideWorld(slot: number, clusters: number, ports: NodePorts): World {
  const alive = labWorld(slot, ports).nodesOf(0).slice(0, 1);
  return {
    clusters,
    nodesOf: (cluster) =>
      cluster === clusters - 1 ? alive : [`127.60.${Math.floor(cluster / 250)}.${(cluster % 250) + 1}`],
    apiPort: ports.api,
    httpPort: ports.http,
    ingress: false,
    services: 0,
  };
}

export function apiTargets({ clusters, nodesOf }: World): Target[] {
  return Array.from({ length: clusters }, (_, i) => ({ name: apiName(i), nodes: nodesOf(i) }));
}

export function httpTargets({ clusters, nodesOf }: World): Target[] {
  return Array.from({ length: clusters }, (_, i) => ({ name: hostName(i), nodes: nodesOf(i) }));
}

/** What the files in peers/ may name. */
export function valuesOf(
  world: World,
  listening: Listening,
  { folder, variant, workers }: { readonly folder: string; readonly variant: string; readonly workers: number },
): Values {
  const node = (ip: string, index: number): Values => ({ ip, index: String(index) });
  const text = (at: At): string => `${at.ip}:${at.port}`;
  const cluster = (_: unknown, i: number): Values => {
    const nodes = world.nodesOf(i);
    const domain = domainOf(i);
    const name = domain.split(".")[0] ?? domain;
    return { name, domain, nodes: nodes.join(", "), first: nodes[0] ?? "", node: nodes.map(node) };
  };
  return {
    folder,
    workers: String(workers),
    api: text(listening.api),
    https: text(listening.https),
    http: text(listening.http),
    further: listening.further.map((at, i) => ({ service: `service${i}`, at: text(at) })),
    apiport: String(world.apiPort),
    httpport: String(world.httpPort),
    ingress: world.ingress ? [{}] : [],
    apionly: world.ingress ? [] : [{}],
    splice: variant === "haproxy-splice" ? [{}] : [],
    halfclose: variant === "nginx-half" ? [{}] : [],
    cluster: Array.from({ length: world.clusters }, cluster),
  };
}

/** So many different ports that are free on this loopback address now. */
export function freePorts(ip: string, count: number): number[] {
  const listeners = Array.from({ length: count }, () => Bun.listen({ hostname: ip, port: 0, socket: { data() {} } }));
  for (const listener of listeners) listener.stop(true);
  return listeners.map(({ port }) => port);
}
