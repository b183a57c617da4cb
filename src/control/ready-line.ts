/** What a start prints on stdout. */
import type { Config } from "../config/model.ts";
import type { PassedSocket } from "../config/options/option.ts";
import { formatEndpoint } from "../core/address.ts";
import type { Snapshot } from "../seam/snapshot.ts";
import type { Facts } from "./serve/facts.ts";
import type { Sockets } from "./serve/listening.ts";

/** What the service manager listens on beside the services. */
export interface PassedPlaces {
  readonly admin: readonly string[];
  readonly control: readonly string[];
}

export function passedPlaces(passed: readonly PassedSocket[]): PassedPlaces {
  const of = (wanted: string): readonly string[] =>
    passed.flatMap(({ name, at, path }) =>
      name === wanted ? (at === null ? (path ?? []) : formatEndpoint(at.ip, at.port)) : [],
    );
  return { admin: of("admin"), control: of("control") };
}

/** `edge-lb ready engine=bun workers=2 api=:6443 https=:443 http=:80 clusters=3 nodes=18`; a kind that is off is left out, `admin=` and `control=` are there when they were passed. Engine linux adds `ring=on`, a start as root `user=NAME`. */
export function readyLine(
  { engine, ring, workers, sockets, snapshot, dns, user }: Facts,
  { admin, control }: PassedPlaces,
): string {
  const listeners = snapshot.services.flatMap(({ name: kind }) => {
    const at = sockets.listening.filter((listener) => listener.kind === kind);
    return at.length === 0
      ? []
      : [`${kind}=${at.map((listener) => formatEndpoint(listener.at.ip, listener.at.port)).join(",")}`];
  });
  if (dns !== null) listeners.push(`dns=${dns.status().listening.join(",")}`);
  if (admin.length > 0) listeners.push(`admin=${admin.join(",")}`);
  if (control.length > 0) listeners.push(`control=${control.join(",")}`);
  return `edge-lb ready engine=${engine} workers=${workers} ${listeners.join(" ")} clusters=${snapshot.clusters.length} nodes=${nodeCount(snapshot)}${ring === null ? "" : ` ring=${ring.on ? "on" : "off"}`}${user === null ? "" : ` user=${user}`}`;
}

/** `3 clusters, 18 nodes`: what the service manager shows. */
export function summary(snapshot: Snapshot): string {
  return `${snapshot.clusters.length} clusters, ${nodeCount(snapshot)} nodes`;
}

/** Nodes of all clusters, each once per cluster. */
function nodeCount({ clusters }: Snapshot): number {
  let nodes = 0;
  for (const { pools } of clusters) {
    nodes += new Set(pools.flatMap((pool) => (pool?.endpoints ?? []).map(({ node }) => node))).size;
  }
  return nodes;
}

/** One line per cluster that works from this machine without DNS. */
export function tryLines(config: Config, sockets: Sockets): readonly string[] {
  const service = config.services.find(({ names }) => names.includes("api"));
  const api = sockets.listening.find(({ kind }) => kind === service?.name)?.at;
  if (api === undefined) return [];
  const ip = api.ip === "" ? "127.0.0.1" : api.ip;
  return config.clusters.map(({ name, domain }) => {
    const host = `api.${domain ?? `${name}.example`}`;
    return `  ${name}: curl -k --resolve ${host}:${api.port}:${ip} https://${host}:${api.port}/readyz`;
  });
}
