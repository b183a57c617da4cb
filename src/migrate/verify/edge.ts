/** Where a written configuration leads: edge-lb's own route table, asked without opening a socket. */
import type { NodeSpec } from "../../config/values/addresses.ts";
import { buildSnapshot } from "../../config/build-snapshot.ts";
import type { Config } from "../../config/model.ts";
import { isAllowed } from "../../core/access.ts";
import { canonicalIp, formatEndpoint } from "../../core/address.ts";
import { canonicalHost, canonicalName } from "../../core/route/canonical-name.ts";
import { buildRoutes, route, type Routes } from "../../core/route/lookup.ts";
import { serviceNamed, type ServiceName, type Service } from "../../seam/services.ts";
import type { Snapshot } from "../../seam/snapshot.ts";

/** Where a name leads on one of the two sides. */
export interface Answer {
  /** Words for people. */
  readonly text: string;
  /** Sorted `ip:port`, with ` PROXY v2` where the node gets such a header; `redirect`; `` for nowhere. */
  readonly reached: string;
  /** Name of the cluster, or null. */
  readonly cluster: string | null;
}

const REFUSED: Answer = { text: "refused", reached: "", cluster: null };

export class Edge {
  private readonly config: Config;
  private readonly snapshot: Snapshot;
  private readonly routes: Routes;

  /** @param addresses Stand-ins for host names. */
  constructor(config: Config, addresses: ReadonlyMap<string, string>) {
    this.config = config;
    this.snapshot = buildSnapshot(config, {
      version: 1,
      cellOf: () => 0,
      addressesOf: ({ host }: NodeSpec) => [addresses.get(host) ?? host],
      maxConnections: 1,
    });
    this.routes = buildRoutes(this.snapshot);
  }

  answer(kind: ServiceName, name: string | null, client: string): Answer {
    const listen: Readonly<Partial<Record<ServiceName, readonly unknown[]>>> = this.config.listen;
    const service = serviceNamed(this.snapshot.services, kind);
    if (service === undefined || (listen[kind] ?? []).length === 0) return REFUSED;
    if (!isAllowed(this.snapshot.allow, client)) return REFUSED;
    // HAProxy knows no client's own cluster, so that of this client is not asked for.
    const index = route(this.routes, service.index, asked(service, name), "")?.cluster ?? -1;
    const cluster = this.snapshot.clusters[index];
    if (cluster === undefined || !isAllowed(cluster.allow, client)) return REFUSED;
    const owner = { cluster: cluster.name };
    if (service.routedBy === "host" && cluster.redirectHttps)
      return { text: "redirect to https", reached: "redirect", ...owner };
    const pool = cluster.pools[service.index] ?? null;
    const endpoints = pool?.endpoints ?? [];
    if (pool === null || endpoints.length === 0) return { ...REFUSED, ...owner };
    const reached = endpoints.map(({ at }) => formatEndpoint(at.ip, at.port) + headerText(pool.sendProxy));
    return { text: `cluster ${cluster.name}`, reached: reached.sort().join(" "), ...owner };
  }
}

/** What stands behind an endpoint that gets a PROXY header. */
export function headerText(version: 0 | 1 | 2): string {
  return version === 0 ? "" : ` PROXY v${version}`;
}

/** An address is no server name (RFC 6066 §3). */
function asked({ routedBy }: Service, name: string | null): string | null {
  if (name === null) return null;
  if (routedBy === "host") return canonicalHost(name);
  return canonicalIp(name) === null ? canonicalName(name) : null;
}
