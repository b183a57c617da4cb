/** A configuration as other load balancers see it: names that lead to pools. */
import { nodesFor } from "../../config/service-settings.ts";
import { claimsOf, nameSetsOf, type Claim } from "../../config/claims.ts";
import { formatEndpoint } from "../../core/address.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import { serviceNamed, SERVICES, type BuiltInName } from "../../seam/services.ts";

/** A cluster's nodes for one listener. */
export interface ExportPool {
  readonly kind: BuiltInName;
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

/** Kinds that somebody listens for. */
export function kindsOf(config: Config): BuiltInName[] {
  return SERVICES.map(({ name }) => name).filter((name) => config.listen[name].length > 0);
}

/** Pools of one kind that have nodes. */
export function poolsOf(config: Config, kind: BuiltInName): ExportPool[] {
  const service = serviceNamed(config.services, kind);
  if (service === undefined) return [];
  return config.clusters.flatMap((cluster) => {
    const servers = nodesFor(cluster, service).map(({ host, isName }, index) => ({
      name: `${cluster.name}-${index + 1}`,
      at: isName ? `${host}:${cluster.ports[kind]}` : formatEndpoint(host, cluster.ports[kind]),
      isName,
    }));
    return servers.length === 0 ? [] : [{ kind, cluster, name: `${kind}_${cluster.name}`, servers }];
  });
}

const RANK = { exact: 0, below: 1, labels: 2, rest: 3 } as const;

/** In the order that a first match needs: exact, longest suffix first, labels. */
export function routesFor(config: Config, kind: BuiltInName): ExportRoute[] {
  const routes = poolsOf(config, kind).flatMap((pool) =>
    claimsOf(pool.cluster, nameSetsOf(config.services))
      .filter((claim) => claim.services.some(({ name }) => name === kind))
      .map((claim) => ({ claim, pool })),
  );
  return routes.sort((a, b) => RANK[a.claim.rule] - RANK[b.claim.rule] || b.claim.name.length - a.claim.name.length);
}

/** The pool for connections without a name; null: they are refused. */
export function defaultPool(config: Config, kind: BuiltInName): ExportPool | null {
  if (serviceNamed(config.services, kind)?.nameless !== "default") return null;
  return poolsOf(config, kind).find(({ cluster }) => cluster.name === config.defaultCluster) ?? null;
}

/** The label rule as a regular expression, anchored on both sides. */
export function labelExpression(name: string): string {
  const escaped = name.replaceAll(".", "\\.");
  return name.startsWith("apps.") ? `^.+\\.${escaped}\\..+$` : `^${escaped}\\..+$`;
}
