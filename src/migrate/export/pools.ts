/** A configuration as other load balancers see it: names that lead to pools. */
import { defaultOf, listenOf, nodesFor, portOf } from "../../config/clusters/service-settings.ts";
import { claimsOf, nameSetsOf, type Claim } from "../../config/clusters/claims.ts";
import { EMPTY_NAMES } from "../../core/route/lookup.ts";
import { formatEndpoint } from "../../core/address.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import type { Service } from "../../seam/services.ts";

/** A cluster's nodes for one service. */
export interface ExportPool {
  readonly service: Service;
  readonly cluster: ClusterConfig;
  /** `api_hub`: a word in both formats. */
  readonly name: string;
  readonly servers: readonly ExportServer[];
}

export interface ExportServer {
  readonly name: string;
  /** `host:port`, IPv6 in brackets. */
  readonly at: string;
  readonly isName: boolean;
}

/** What leads to a pool, with the rule that says how: exact before longest suffix before label. */
export interface ExportRoute {
  readonly claim: Claim;
  readonly pool: ExportPool;
}

/** Services that are listened to. */
export function listenedServices(config: Config): readonly Service[] {
  return config.services.filter((service) => listenOf(config, service).length > 0);
}

/** Pools of one service that have nodes. */
export function poolsOf(config: Config, service: Service): ExportPool[] {
  return config.clusters.flatMap((cluster) => {
    const servers = nodesFor(cluster, service).map(({ host, isName }, index) => ({
      name: `${cluster.name}-${index + 1}`,
      at: isName ? `${host}:${portOf(cluster, service)}` : formatEndpoint(host, portOf(cluster, service)),
      isName,
    }));
    return servers.length === 0 ? [] : [{ service, cluster, name: `${service.name}_${cluster.name}`, servers }];
  });
}

const RANK = { exact: 0, below: 1, labels: 2, rest: 3 } as const;

/** In the order that a first match needs: exact, longest suffix first, labels, who takes the rest. */
export function routesFor(config: Config, service: Service): ExportRoute[] {
  const routes = poolsOf(config, service).flatMap((pool) =>
    claimsOf(pool.cluster, nameSetsOf(config.services))
      .filter((claim) => claim.services.includes(service))
      .map((claim) => ({ claim, pool })),
  );
  return routes.sort((a, b) => RANK[a.claim.rule] - RANK[b.claim.rule] || b.claim.name.length - a.claim.name.length);
}

/** The pool for connections without a name; null: they are refused. */
export function defaultPool(config: Config, service: Service): ExportPool | null {
  const name = defaultOf(config, service);
  return poolsOf(config, service).find(({ cluster }) => cluster.name === name) ?? null;
}

/** Names that say nothing, as far as no cluster claims them: they go where none goes. */
export function namelessNames(config: Config, service: Service): readonly string[] {
  const claims = routesFor(config, service).map(({ claim }) => claim);
  if (claims.some(({ rule }) => rule === "rest")) return [];
  const isClaimed = (name: string): boolean =>
    claims.some((claim) => claim.name === name || (claim.rule === "below" && name.endsWith(`.${claim.name}`)));
  return [...EMPTY_NAMES].filter((name) => !isClaimed(name));
}

/** The pool for names that nobody claims; null: they are refused. */
export function restPool(config: Config, service: Service): ExportPool | null {
  return routesFor(config, service).find(({ claim }) => claim.rule === "rest")?.pool ?? null;
}

/** The label rule as a regular expression, anchored on both sides. */
export function labelExpression(name: string): string {
  const escaped = name.replaceAll(".", "\\.");
  return name.startsWith("apps.") ? `^.+\\.${escaped}\\..+$` : `^${escaped}\\..+$`;
}
