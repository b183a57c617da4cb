/** What health knows of each cluster, of each node it probes and of each endpoint it has a verdict on. */
import type { ClusterConfig } from "../../config/model.ts";
import type { Identity, ShownCertificate } from "../../core/health/identity.ts";
import type { Probed, Rung } from "../../core/health/ladder.ts";
import { reason, type Reason } from "../../core/health/reasons.ts";
import type { Role } from "../../core/health/roles.ts";
import { unknownSince, type VerdictLimits, type VerdictState } from "../../core/health/verdict.ts";
import type { HealthWord } from "../../seam/board.ts";
import type { Policy, ProbeGroup, Service, ServiceName } from "../../seam/services.ts";
import type { Address, ClusterPlan, Endpoint } from "../../seam/snapshot.ts";
import type { NodeProbe } from "../probe/node-probe.ts";
import { CheckTally } from "./check-tally.ts";
import type { Cancel, Clock } from "./system-clock.ts";

export class TrackedCluster {
  plan: ClusterPlan;
  config: ClusterConfig;
  nodes: readonly ProbedNode[] = [];
  endpoints: readonly TrackedEndpoint[] = [];
  /** The best rung that any node of a pool passed since the start: the pool is held to it. */
  readonly rungs = new Map<ServiceName, Rung>();
  /** When its pools had no usable member. */
  readonly outages = new Map<ServiceName, CheckTally>();
  /** The log has said that every member is dead. */
  reportedDown = false;
  /** It is being woken: the first good answer of a node counts. */
  awaited = false;

  constructor(plan: ClusterPlan, config: ClusterConfig) {
    this.plan = plan;
    this.config = config;
  }

  get name(): string {
    return this.plan.name;
  }

  get checksOff(): boolean {
    return this.config.check === "off";
  }

  /** A pool is in service while one of its members is, or may be. */
  countOutages(nowMs: number): void {
    for (const service of new Set(this.endpoints.map((endpoint) => endpoint.service))) {
      const tally = this.outages.get(service.name) ?? new CheckTally();
      this.outages.set(service.name, tally);
      const inService = this.pool(service).some(({ shownState }) => shownState === "up" || shownState === "unknown");
      tally.became(inService ? "up" : "dead", nowMs);
    }
  }

  get limits(): VerdictLimits {
    const { rise, fall } = this.config;
    return { rise: this.awaited ? 1 : rise, fall };
  }

  pool(service: Service): readonly TrackedEndpoint[] {
    return this.endpoints.filter((endpoint) => endpoint.service === service);
  }
}

/** An endpoint: one node and port in one pool. */
export class TrackedEndpoint {
  readonly cluster: TrackedCluster;
  readonly service: Service;
  readonly at: Address;
  /** On the board. */
  readonly cell: number;
  /** Known since the start: it needs no slow start for its first verdict. */
  readonly sinceStart: boolean;
  /** As the operator named it. */
  node = "";
  policy: Policy = "leastconn";
  state: VerdictState;
  /** When what is shown came, ms since 1970. */
  sinceWallMs: number;
  /** It was up at some time. */
  served = false;
  role: Role = "candidate";
  /** edge-lb itself listens there: no client and no probe goes there. */
  own = false;
  readonly checks = new CheckTally();
  /** The operator took it out. */
  drained = false;
  /** When slow start began; null: full share. */
  rampFromMs: number | null = null;
  /** When its tunnels are cut unless it is ready again; null: nothing to cut. */
  cutDueMs: number | null = null;

  constructor(cluster: TrackedCluster, service: Service, { at, cell }: Endpoint, sinceStart: boolean, clock: Clock) {
    this.cluster = cluster;
    this.service = service;
    this.at = at;
    this.cell = cell;
    this.sinceStart = sinceStart;
    this.state = unknownSince(clock.nowMs());
    this.sinceWallMs = clock.wallMs();
  }

  /** How the operator may call its node. */
  get calledBy(): readonly string[] {
    return [`${this.cluster.name}/${this.node}`, `${this.cluster.name}/${this.at.ip}`];
  }

  /** Tells it from all others, also from one of the same address that comes later. */
  get key(): string {
    return endpointKey(this.cluster.name, this.service.name, this);
  }

  /** What everyone sees: "drained" instead of the verdict while the operator has taken it out. */
  get shownState(): HealthWord {
    return this.drained ? "drained" : this.state.verdict;
  }

  get shownReason(): Reason {
    if (this.drained) return reason("taken out by the operator");
    return this.cluster.checksOff && !this.own ? reason("checks are off") : this.state.reason;
  }

  /** Up, and the last probe agreed. */
  get steadyUp(): boolean {
    return this.state.verdict === "up" && this.state.streak === 0;
  }

  /**
   * How its own port is judged. A router that expects a PROXY header does not answer a handshake without one,
   * and probes never send one: its TLS port is judged as a plain one.
   */
  get probedAs(): Probed {
    const { group, takesProxy } = this.service;
    return takesProxy && this.cluster.config.sendProxy !== 0 ? { group, routedBy: "host" } : this.service;
  }
}

export function endpointKey(
  cluster: string,
  service: ServiceName,
  { at, cell }: Pick<Endpoint, "at" | "cell">,
): string {
  return `${cluster} ${service} ${at.ip} ${at.port} ${cell}`;
}

/** A node of a cluster, as far as one probe can speak for it: its API, its router or its machine-config server. */
export class ProbedNode {
  readonly key: string;
  readonly cluster: TrackedCluster;
  readonly group: ProbeGroup;
  readonly ip: string;
  /** Those that its probe speaks for, and those that are edge-lb itself. */
  endpoints: readonly TrackedEndpoint[] = [];
  /** It left the configuration. */
  removed = false;

  /** The probe with its kept connection, and what it was made for. */
  probe: NodeProbe | null = null;
  probeKey = "";
  /** How many probes have begun. */
  round = 0;
  /** When traffic ports and certificate were last probed, ms. */
  lastThoroughMs = Number.NEGATIVE_INFINITY;
  /** When a probe last made a connection of its own, on the clock, ms. */
  lastReconnectMs = Number.NEGATIVE_INFINITY;

  /** The scheduler's: a probe is under way. */
  probing = false;
  /** Something happened during a probe: another one follows at once. */
  probeAgain = false;
  /** Something happened, and no probe since has ended. */
  prompted = false;
  /** For the next probe. */
  timer: Cancel | null = null;

  /** Shown last. */
  certificate: ShownCertificate | null = null;
  identity: Identity = { kind: "unproven" };
  /** The version of the clusters' names that `identity` was judged by. */
  judgedByVersion = -1;

  constructor(key: string, cluster: TrackedCluster, group: ProbeGroup, ip: string) {
    this.key = key;
    this.cluster = cluster;
    this.group = group;
    this.ip = ip;
  }

  /** What a probe may ask: never edge-lb itself. */
  get probed(): readonly TrackedEndpoint[] {
    return this.endpoints.filter(({ own }) => !own);
  }

  get isForeign(): boolean {
    return this.identity.kind === "foreign";
  }
}
