/** `GET /v1/status`: everything there is to see, as one plain object. The page, metrics and CSV are other views of the same. */
import manifest from "../../../package.json" with { type: "json" };
import type { Layer } from "../../config/layers/layers.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { formatEndpoint } from "../../core/address.ts";
import { countOf, type Count } from "../../seam/board.ts";
import type { Engine } from "../../seam/mail.ts";
import type { ClusterPlan } from "../../seam/snapshot.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { ControlEvent, RecentEvents } from "../log/recent-events.ts";
import type { ClusterHealth } from "../health/view.ts";
import type { ProbeCounts } from "../health/monitor.ts";
import type { RingUse } from "../serve/engine.ts";
import type { Facts } from "../serve/facts.ts";
import type { ReloadStatus } from "../serve/reloader.ts";
import type { NameView } from "../serve/resolver.ts";
import { clusterStanding, withRest, type ClusterStanding } from "../../core/health/cluster-state.ts";
import {
  byCell,
  healthOf,
  poolStatus,
  secondsSince,
  trafficOf,
  type Endpoints,
  type PoolStatus,
  type Traffic,
} from "./pool-report.ts";
import { rounded, type Counters, type History, type RateMeter, type Rates } from "./rates.ts";
import type { DiscoveryStatus } from "../serve/discovery-view.ts";
import type { DnsStatus } from "../serve/dns.ts";
import type { UnknownName } from "../serve/unknown-names.ts";

/** Additive changes keep the number. */
export const STATUS_VERSION = 1;

export interface Status {
  readonly version: typeof STATUS_VERSION;
  /** edge-lb's own version. */
  readonly release: string;
  readonly pid: number;
  readonly engine: Engine;
  /** Whether many sends share a system call (io_uring); null: not on this engine. Earlier releases do not say. */
  readonly ring?: RingUse | null;
  readonly workers: number;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly uptimeSeconds: number;
  /** It drains and accepts nothing any more. */
  readonly stopping: boolean;
  /** The file that a reload reads; null: flags alone. */
  readonly file: string | null;
  /** Version of the snapshot that the workers were given last. */
  readonly snapshot: number;
  readonly reload: ReloadStatus;
  readonly connections: ConnectionStatus;
  readonly probes: ProbeCounts;
  /** Of all clusters. */
  readonly rates: Rates;
  readonly history?: History;
  readonly listeners: readonly ListenerStatus[];
  readonly clusters: readonly ClusterStatus[];
  /** Clusters of file and flags that were removed while running; earlier releases do not say. */
  readonly removed?: readonly RemovedCluster[];
  readonly unknownNames: readonly UnknownName[];
  /** Null: off; earlier releases do not say. */
  readonly dns?: DnsStatus | null;
  /** Null: nothing is discovered; earlier releases do not say. */
  readonly discovery?: DiscoveryStatus | null;
  /** Nodes given by name. */
  readonly names: readonly NameView[];
  /** Newest last. */
  readonly events: readonly ControlEvent[];
}

/** Client connections. `limit` is `max-connections`, resolved; the others count since the start. */
export interface ConnectionStatus extends Readonly<Record<Count, number>> {
  readonly limit: number;
  /** Lines of the access log that control could not write. */
  readonly logLinesLost: number;
}

export interface ListenerStatus {
  readonly kind: ServiceName;
  /** `:6443`, `127.0.0.1:8443`, `[::1]:80`; several addresses of one kind share their counters. */
  readonly address: string;
  /** Connections to nodes that came in here and are open. */
  readonly connections: number;
  readonly total: number;
}

export interface ClusterStatus extends ClusterStanding, Traffic {
  readonly name: string;
  /** Given or learnt; null: not known. */
  readonly domain: string | null;
  /** The domain came from a certificate. */
  readonly learnt: boolean;
  readonly layer: Layer;
  /** `file:line:column` or the flag. */
  readonly from: string;
  /** ISO 8601, UTC: when it leaves by itself. Null: it stays; earlier releases do not say. */
  readonly expiresAt?: string | null;
  /** 0: no limit. */
  readonly maxConnections: number;
  readonly rates: Rates;
  readonly history?: History;
  readonly pools: readonly PoolStatus[];
  /** The first to expire. */
  readonly certificate: { readonly notAfter: string } | null;
  readonly certificates: readonly { readonly family: string; readonly notAfter: string }[];
  readonly warnings: readonly string[];
}

export interface RemovedCluster {
  readonly name: string;
  readonly layer: Layer;
  /** `file:line:column` or the flag. */
  readonly from: string;
}

export interface StatusInput {
  readonly facts: Facts;
  readonly events: RecentEvents;
  readonly rates: RateMeter;
  readonly startedMs: number;
  readonly reload: ReloadStatus;
  readonly stopping: boolean;
  readonly nowMs: number;
}

export interface StatusOptions {
  /** Ten minutes of rates for every cluster: some 1 KB each. @default false */
  readonly history?: boolean;
}

/** The key of the rates of all clusters together; no cluster has that name. */
export const ALL = "";

export function buildStatus(input: StatusInput, { history = false }: StatusOptions = {}): Status {
  const { facts, events, rates, startedMs, nowMs } = input;
  const past = (key: string): { history?: History } => (history ? { history: rates.history(key) } : {});
  const endpoints = byCell(facts.health?.endpoints() ?? []);
  const configs = new Map(facts.config.clusters.map((cluster) => [cluster.name, cluster]));
  const clusters = new Map(facts.health?.clusters().map((cluster) => [cluster.name, cluster]));
  return {
    version: STATUS_VERSION,
    release: manifest.version,
    pid: process.pid,
    engine: facts.engine,
    ring: facts.ring,
    workers: facts.workers,
    started: new Date(startedMs).toISOString(),
    uptimeSeconds: secondsSince(startedMs, nowMs),
    stopping: input.stopping,
    file: facts.config.file,
    snapshot: facts.snapshot.version,
    reload: input.reload,
    connections: connectionStatus(facts),
    probes: facts.health?.probeCounts() ?? { passed: 0, failed: 0 },
    rates: roundedRates(rates.rates(ALL)),
    ...past(ALL),
    listeners: listenerStatus(facts),
    clusters: facts.snapshot.clusters.map((plan) => ({
      ...clusterStatus(plan, facts, endpoints, configs.get(plan.name), clusters.get(plan.name), nowMs),
      rates: roundedRates(rates.rates(plan.name)),
      ...past(plan.name),
    })),
    removed: facts.config.removed.map(({ name, layer, where }) => ({ name, layer, from: where })),
    unknownNames: facts.unknownNames.view(facts.routes(), facts.snapshot.services),
    dns: facts.dns?.status() ?? null,
    discovery: facts.discovery.status(),
    names: facts.names(),
    events: events.recent(),
  };
}

function listenerStatus({ sockets, totals }: Facts): readonly ListenerStatus[] {
  return sockets.listening.map(({ kind, at }) => ({
    kind,
    address: formatEndpoint(at.ip, at.port),
    connections: totals.openOf(kind),
    total: totals.ofKind(kind, "connections"),
  }));
}

function connectionStatus({ board, snapshot, logLinesLost }: Facts): ConnectionStatus {
  const of = (count: Count): number => countOf(board, count);
  return {
    open: of("open"),
    limit: snapshot.maxConnections,
    accepted: of("accepted"),
    unknownName: of("unknownName"),
    refused: of("refused"),
    malformed: of("malformed"),
    timedOut: of("timedOut"),
    clientGone: of("clientGone"),
    faults: of("faults"),
    logLinesDropped: of("logLinesDropped"),
    shortages: of("shortages"),
    byClientAddress: of("byClientAddress"),
    logLinesLost,
  };
}

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** What each cluster is by its nodes alone, whether it sleeps or not. */
export function standingsOf(facts: Facts, nowMs: number): (plan: ClusterPlan) => ClusterStanding {
  const endpoints = byCell(facts.health?.endpoints() ?? []);
  return (plan) => {
    const isChecked = facts.config.clusters.find(({ name }) => name === plan.name)?.check !== "off";
    return clusterStanding(
      poolsOf(plan, facts, endpoints, nowMs),
      healthOf(facts.board, plan.cell, nowMs),
      false,
      isChecked,
    );
  };
}

function poolsOf(plan: ClusterPlan, facts: Facts, endpoints: Endpoints, nowMs: number): readonly PoolStatus[] {
  return facts.snapshot.services.flatMap((service) => poolStatus(plan, service, facts, endpoints, nowMs) ?? []);
}

function clusterStatus(
  plan: ClusterPlan,
  facts: Facts,
  endpoints: Endpoints,
  config: ClusterConfig | undefined,
  health: ClusterHealth | undefined,
  nowMs: number,
): Omit<ClusterStatus, "rates" | "history"> {
  const certificates = (health?.certificates ?? []).map(({ group, notAfterMs }) => ({
    family: group.name,
    notAfter: new Date(notAfterMs).toISOString(),
  }));
  const [first] = certificates.map(({ notAfter }) => notAfter).sort();
  const pools = poolsOf(plan, facts, endpoints, nowMs).map((pool) => {
    const outages = health?.outages.get(pool.kind);
    return outages === undefined ? pool : { ...pool, outages };
  });
  const warnings = health?.warnings ?? [];
  const best = healthOf(facts.board, plan.cell, nowMs);
  const checked = config?.check !== "off";
  return {
    name: plan.name,
    domain: health?.domain ?? config?.domain ?? null,
    learnt: health?.learnt ?? false,
    layer: config?.layer ?? "flags",
    from: config?.where ?? "",
    expiresAt: timeText(facts.expiresAt(plan.name)),
    maxConnections: plan.maxConnections,
    ...withRest(clusterStanding(pools, best, warnings.length > 0, checked), facts.standby.restOf(plan.name), checked),
    ...trafficOf(facts, plan.cell),
    pools,
    certificate: first === undefined ? null : { notAfter: first },
    certificates,
    warnings,
  };
}

/** What the rate meter reads. */
export function countersOf({ snapshot, totals }: Facts): ReadonlyMap<string, Counters> {
  const counters = new Map<string, Counters>();
  const sum = { connections: 0, bytesUp: 0, bytesDown: 0 };
  for (const service of snapshot.services) {
    for (const name of ["connections", "bytesUp", "bytesDown"] as const) sum[name] += totals.ofKind(service.name, name);
  }
  counters.set(ALL, sum);
  for (const { name, cell } of snapshot.clusters) {
    counters.set(name, {
      connections: totals.of(cell, "connections"),
      bytesUp: totals.of(cell, "bytesUp"),
      bytesDown: totals.of(cell, "bytesDown"),
    });
  }
  return counters;
}

function roundedRates({ connections, bytesUp, bytesDown }: Rates): Rates {
  return { connections: rounded(connections), bytesUp: Math.round(bytesUp), bytesDown: Math.round(bytesDown) };
}
