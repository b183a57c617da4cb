/** A toy cluster: an authority, certificates for `api.D` and `*.apps.D`, and nodes that serve them. */
import { type Authority, createAuthority } from "./certificate.ts";
import { type NodeCertificates, startToyNode, type ToyNode, type ToyNodeSpec } from "./node.ts";
import { spawnToyNode } from "./process.ts";

export interface ToyClusterSpec {
  readonly name: string;
  /** D of `api.D` and `*.apps.D`. */
  readonly domain: string;
  /** One node per address. */
  readonly ips: readonly string[];
  /** Machines of their own for the ingress; those of `ips` then serve the API alone. @default none */
  readonly ingressIps?: readonly string[];
  readonly ports: ToyNodeSpec["ports"];
  /** Every node in a process of its own, so that it can be killed. @default false */
  readonly processes?: boolean;
  /** Names of the ingress certificate. @default *.apps.D */
  readonly ingressNames?: readonly string[];
  /** Days until the certificates end. @default 30 */
  readonly days?: number;
}

export interface ToyCluster {
  readonly name: string;
  readonly domain: string;
  /** PEM of the authority that signed every certificate of this cluster. */
  readonly ca: string;
  readonly authority: Authority;
  readonly certificates: NodeCertificates;
  readonly ports: ToyNodeSpec["ports"];
  readonly nodes: readonly ToyNode[];
  /** Starts the node of this address again, after a kill or a stop; `nodes` then holds the new one. */
  restart(ip: string): Promise<ToyNode>;
  stop(): Promise<void>;
}

/** Starts every node of a cluster; when one cannot start, those that did are stopped again. */
export async function startToyCluster(spec: ToyClusterSpec): Promise<ToyCluster> {
  const authority = await createAuthority(spec.name);
  const certificates = await issueFor(authority, spec);
  const start = spec.processes === true ? spawnToyNode : startToyNode;
  const places = placesOf(spec);
  const startAt = ({ ip, ports }: Place): Promise<ToyNode> =>
    start({ cluster: spec.name, node: `${spec.name}-${ip.split(".").at(-1)}`, ip, ports, certificates });

  const nodes: ToyNode[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  const started = await Promise.allSettled(places.map(startAt));
  for (const result of started) if (result.status === "fulfilled") nodes.push(result.value);
  const failed = started.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }

  async function restart(ip: string): Promise<ToyNode> {
    const place = places.findIndex((one) => one.ip === ip);
    const node = await startAt(places[place] ?? { ip, ports: spec.ports });
    nodes[place] = node;
    return node;
  }
  const { name, domain, ports } = spec;
  return { name, domain, ca: authority.ca, authority, certificates, ports, nodes, restart, stop };
}

interface Place {
  readonly ip: string;
  readonly ports: ToyNodeSpec["ports"];
}

function placesOf({ ips, ingressIps, ports }: ToyClusterSpec): readonly Place[] {
  if (ingressIps === undefined) return ips.map((ip) => ({ ip, ports }));
  const { api, ...ingress } = ports;
  const apiOnly = api === undefined ? {} : { api };
  return [...ips.map((ip) => ({ ip, ports: apiOnly })), ...ingressIps.map((ip) => ({ ip, ports: ingress }))];
}

async function issueFor(authority: Authority, spec: ToyClusterSpec): Promise<NodeCertificates> {
  const { domain, days = 30, ingressNames = [`*.apps.${domain}`] } = spec;
  return {
    api: await authority.issue({ names: [`api.${domain}`, `api-int.${domain}`], days }),
    https: await authority.issue({ names: ingressNames, days }),
  };
}
