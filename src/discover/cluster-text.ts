/** Found clusters as an operator would write them. */
import { addressBytes, formatAddress } from "../core/address.ts";
import type { FoundCluster } from "../core/discover/clusters.ts";
import { NODES_MOST } from "../config/values/addresses.ts";
import type { Ports } from "./look.ts";

/** A found cluster, and where its nodes listen. */
export interface WrittenCluster extends FoundCluster {
  readonly ports: Ports;
}

/** A key and its items, in the order in which operators write them. */
export type Keys = readonly (readonly [key: string, items: readonly string[]])[];

/** Ports are those that its first node was found with. */
export function withPorts(cluster: FoundCluster, portsOf: (ip: string) => Ports): WrittenCluster {
  return { ...cluster, ports: portsOf(cluster.nodes[0] ?? "") };
}

/** With lists by role where the certificates show that roles are apart. */
export function keysByRole(cluster: WrittenCluster): Keys {
  const { api, ingress, nodes } = cluster;
  const apart = api.length > 0 && ingress.length > 0 && (api.length < nodes.length || ingress.length < nodes.length);
  const lists: Keys = apart
    ? [
        ["api", rangesOf(api)],
        ["ingress", rangesOf(ingress)],
      ]
    : [["nodes", rangesOf(nodes)]];
  return [...lists, ...furtherKeys(cluster)];
}

/** Every node may serve everything: while edge-lb runs, its probes see what it really does. */
export function clusterSpec(cluster: WrittenCluster): string {
  const keys: Keys = [["nodes", rangesOf(cluster.nodes)], ...furtherKeys(cluster)];
  return specOf(cluster.name, keys);
}

/** `hub=192.168.125.20-22,domain=hub.lab`. */
export function specOf(name: string, keys: Keys): string {
  const texts = keys.map(([key, items]) => (key === "nodes" ? items.join(",") : `${key}=${items.join(",")}`));
  return `${name}=${texts.join(",")}`;
}

function furtherKeys({ domain, apiNames, ports }: WrittenCluster): Keys {
  const known: Keys = Object.entries(ports).map(([key, port]) => [key, [String(port)]] as const);
  return [
    ...(domain === null ? [] : [["domain", [domain]] as const]),
    ...(apiNames.length === 0 ? [] : [["api-names", apiNames] as const]),
    ...known,
  ];
}

/** `192.168.125.20-22` for neighbours, in order; as many addresses as a cluster may have. */
export function rangesOf(ips: readonly string[]): readonly string[] {
  const sorted = ips
    .slice(0, NODES_MOST)
    .map((ip) => addressBytes(ip) ?? new Uint8Array())
    .sort(compareBytes);
  const runs: Uint8Array[][] = [];
  for (const bytes of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && follows(run.at(-1) ?? bytes, bytes)) run.push(bytes);
    else runs.push([bytes]);
  }
  return runs.flatMap((run) => {
    const [first = new Uint8Array(), last = first] = [run[0], run.at(-1)];
    return run.length === 1 ? [formatAddress(first)] : [`${formatAddress(first)}-${last.at(-1)}`];
  });
}

/** The next address of the same IPv4 /24. */
function follows(before: Uint8Array, after: Uint8Array): boolean {
  if (before.length !== 4 || after.length !== 4) return false;
  return before.every((byte, at) => after[at] === (at === 3 ? byte + 1 : byte));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
