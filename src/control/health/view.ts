/** What status, page and metrics show of health. */
import { reasonText } from "../../core/health/reasons.ts";
import type { Rung } from "../../core/health/ladder.ts";
import type { Role } from "../../core/health/roles.ts";
import type { HealthWord } from "../../seam/board.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { Checks, Outages } from "./check-tally.ts";
import type { CertificateView } from "./certificate-warnings.ts";
import type { NodeIdentities } from "./node-identities.ts";
import type { ProbedNode, TrackedCluster, TrackedEndpoint } from "./tracked.ts";

export interface EndpointHealth {
  readonly cluster: string;
  readonly kind: ServiceName;
  readonly node: string;
  readonly ip: string;
  readonly port: number;
  readonly cell: number;
  readonly state: HealthWord;
  /** In words, e.g. "/readyz 200". */
  readonly reason: string;
  /** When the state came, ms since 1970. */
  readonly sinceMs: number;
  /** The rung its pool is held to; null: none passed yet. */
  readonly rung: Rung | null;
  readonly role: Role;
  /** `unproven`: its certificate names no configured cluster, or none was seen. */
  readonly identity: "proven" | "unproven" | "foreign";
  readonly checks: Checks;
}

export interface ClusterHealth {
  readonly name: string;
  /** Given or learnt; null: not known. */
  readonly domain: string | null;
  /** The domain came from a certificate. */
  readonly learnt: boolean;
  readonly certificates: readonly CertificateView[];
  /** Sentences for the operator. */
  readonly warnings: readonly string[];
  /** By pool. */
  readonly outages: ReadonlyMap<ServiceName, Outages>;
}

export function endpointView(endpoint: TrackedEndpoint, nowMs: number): EndpointHealth {
  const { cluster, service, node, at, cell, role } = endpoint;
  const probed = cluster.nodes.find((each) => each.group === service.group && each.ip === at.ip);
  return {
    cluster: cluster.name,
    kind: service.name,
    node,
    ip: at.ip,
    port: at.port,
    cell,
    state: endpoint.shownState,
    reason: reasonText(endpoint.shownReason),
    sinceMs: endpoint.sinceWallMs,
    rung: cluster.rungs.get(service.name) ?? null,
    role,
    identity: probed?.identity.kind ?? "unproven",
    checks: endpoint.checks.view(nowMs),
  };
}

/** The certificate that a node showed last to a probe. */
export interface CertificateHealth {
  readonly cluster: string;
  /** The part of the node that shows it: `api`, `ingress`. */
  readonly family: string;
  /** As the operator named it. */
  readonly node: string;
  readonly ip: string;
  /** DNS names in lower case, `*.` included. */
  readonly names: readonly string[];
  /** ISO 8601, UTC. */
  readonly notAfter: string;
  /** What `identity` of an endpoint says. */
  readonly identity: EndpointHealth["identity"];
}

/** Null: it has shown none. */
export function certificateView({
  cluster,
  group,
  ip,
  endpoints,
  certificate,
  identity,
}: ProbedNode): CertificateHealth | null {
  if (certificate === null) return null;
  return {
    cluster: cluster.name,
    family: group.name,
    node: endpoints[0]?.node ?? ip,
    ip,
    names: certificate.names,
    notAfter: new Date(certificate.notAfterMs).toISOString(),
    identity: identity.kind,
  };
}

export function clusterView(
  { name, endpoints, outages }: TrackedCluster,
  identities: NodeIdentities,
  nowMs: number,
): ClusterHealth {
  return {
    name,
    domain: identities.domainOf(name),
    learnt: identities.learntDomains.has(name),
    certificates: identities.certificates(name),
    warnings: [...identities.warnings(name), ...ownWarnings(endpoints)],
    outages: new Map([...outages].map(([service, tally]) => [service, tally.view(nowMs)])),
  };
}

function ownWarnings(endpoints: readonly TrackedEndpoint[]): readonly string[] {
  const ports = new Map<string, readonly number[]>();
  for (const { own, node, at } of endpoints) {
    if (own) ports.set(nodeText(node, at.ip), [...(ports.get(nodeText(node, at.ip)) ?? []), at.port]);
  }
  return [...ports].map(
    ([node, own]) => `${node}: edge-lb itself listens there (port ${own.join(", ")}), so it gets no client`,
  );
}

function nodeText(node: string, ip: string): string {
  return node === ip ? node : `${node} (${ip})`;
}
