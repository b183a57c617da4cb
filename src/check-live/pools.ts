/** Which nodes serve which pool of a cluster, and what is wrong where they do not. */
import { listFor, portOf } from "../config/clusters/service-settings.ts";
import type { ClusterConfig } from "../config/model.ts";
import { formatEndpoint } from "../core/address.ts";
import type { Service } from "../seam/services.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import type { Seen, SeenPort } from "./nodes.ts";

interface Place {
  readonly node: string;
  readonly ip: string;
  readonly seen: SeenPort;
}

/** @param seen What this cluster's nodes said. */
export function poolFindings(cluster: ClusterConfig, seen: readonly Seen[], timeoutMs: number): readonly Finding[] {
  const places = seen.flatMap(({ node, ip, ports }) => ports.map((port): Place => ({ node, ip, seen: port })));
  if (places.length > 0 && places.every((place) => place.seen.silent)) return [switchedOff(cluster, places)];
  const services = [...new Set(places.map((place) => place.seen.service))];
  const pools = services.map((service) => pool(service, cluster, ofService(places, service), timeoutMs));
  return [...pools, ...idleNodes(cluster, places, timeoutMs)];
}

function ofService(places: readonly Place[], service: Service): readonly Place[] {
  return places.filter((place) => place.seen.service === service);
}

function switchedOff({ name }: ClusterConfig, places: readonly Place[]): Finding {
  const nodes = [...new Set(places.map(({ node }) => node))];
  const first = places.find(({ ip }) => ip !== "")?.ip ?? nodes[0];
  const why = [...new Set(places.map((place) => place.seen.words))].join(", ");
  const text = `none of ${nodes.length === 1 ? "its 1 node" : `its ${nodes.length} nodes`} answers: ${why}`;
  return fail(`${text}; is ${name} switched off?`, "virsh list --all", `ping -c 1 ${first}`);
}

/** Nodes without a role need not serve every pool, those of a list must. */
function pool(service: Service, cluster: ClusterConfig, places: readonly Place[], timeoutMs: number): Finding {
  const up = places.filter((place) => place.seen.up);
  const down = places.filter((place) => !place.seen.up);
  const listed = listFor(cluster, service) !== null || cluster.check === "off";
  const port = portOf(cluster, service);
  const head = `${service.name} (port ${port}): ${up.length} of ${places.length} up`;
  if (up.length === 0) {
    const text = `${head}: ${grouped(down)}`;
    const remedy = tryLine(down[0], timeoutMs);
    return listed || service.role === "api" ? fail(text, ...remedy) : warn(`${text}; no node has this role`, ...remedy);
  }
  const who = `${head}: ${grouped(up)}`;
  if (down.length === 0 || !listed) return ok(who);
  return warn(`${head}: ${grouped(down)}`, ...tryLine(down[0], timeoutMs));
}

/** A node without a role that serves nothing. */
function idleNodes(cluster: ClusterConfig, places: readonly Place[], timeoutMs: number): readonly Finding[] {
  const roleless = new Set(cluster.nodes.map(({ host }) => host));
  return [...new Set(places.map(({ node }) => node))]
    .filter((node) => roleless.has(node))
    .map((node) => places.filter((place) => place.node === node))
    .filter((own) => own.every((place) => !place.seen.up))
    .map((own) => {
      const words = [...new Set(own.map((place) => place.seen.words))].join(", ");
      return warn(`${own[0]?.node} serves nothing: ${words}`, ...tryLine(own[0], timeoutMs));
    });
}

/** `192.168.125.20, .21: /readyz 200; 192.168.125.22: connection refused`. */
function grouped(places: readonly Place[]): string {
  const byWords = new Map<string, string[]>();
  for (const { node, seen } of places) byWords.set(seen.words, [...(byWords.get(seen.words) ?? []), node]);
  return [...byWords].map(([words, nodes]) => `${shortened(nodes)}: ${words}`).join("; ");
}

const NODES_SHOWN = 6;

function shortened(nodes: readonly string[]): string {
  const [first = "", ...rest] = nodes;
  const network = first.slice(0, first.lastIndexOf(".") + 1);
  const short = rest.map((node) =>
    /^[\d.]+$/.test(first) && node.startsWith(network) ? node.slice(network.length - 1) : node,
  );
  const shown = [first, ...short].slice(0, NODES_SHOWN).join(", ");
  return nodes.length > NODES_SHOWN ? `${shown} and ${nodes.length - NODES_SHOWN} more` : shown;
}

/** What shows the fault once more, from this machine. */
function tryLine(place: Place | undefined, timeoutMs: number): readonly string[] {
  if (place === undefined || place.ip === "") return [];
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1_000));
  const at = formatEndpoint(place.ip, place.seen.port);
  const { routedBy, group } = place.seen.service;
  const path = group.readiness?.port === "own" ? group.readiness.path : "/";
  return [`curl -kv --max-time ${seconds} ${routedBy === "host" ? "http" : "https"}://${at}${path}`];
}
