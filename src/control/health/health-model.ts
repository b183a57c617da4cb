/** What health keeps in mind: clusters, the nodes it looks at (targets) and the endpoints it speaks for (watches). */
import type { ClusterConfig, Config } from "../../config/model.ts";
import type { Identity, ShownCertificate } from "../../core/health/identity.ts";
import type { Rung } from "../../core/health/ladder.ts";
import type { Role } from "../../core/health/roles.ts";
import { unknownSince, type VerdictState } from "../../core/health/verdict.ts";
import type { Address, ClusterPlan, Snapshot } from "../../seam/snapshot.ts";
import { type ServiceName, type Policy, SERVICE_NAMES } from "../../seam/services.ts";
import { familyOf, type Family, type NodeProbe } from "../probe/node-probe.ts";

/** A timer of the clock that health runs on. */
export interface Cancel {
  cancel(): void;
}
export interface Clock {
  /** Monotonic, ms. */
  nowMs(): number;
  /** Since 1970, ms. */
  wallMs(): number;
  timer(ms: number, fire: () => void): Cancel;
}

/** One endpoint. */
export interface TrackedEndpoint {
  readonly key: string;
  readonly cluster: TrackedCluster;
  readonly kind: ServiceName;
  readonly at: Address;
  readonly node: string;
  /** On the board. */
  readonly cell: number;
  readonly policy: Policy;
  /** Known since the start: it needs no slow start for its first verdict. */
  readonly sinceStart: boolean;
  state: VerdictState;
  /** When the verdict came, ms since 1970. */
  sinceWallMs: number;
  /** Was up at some time. */
  served: boolean;
  role: Role;
  drained: boolean;
  /** Slow start began; null: full share. */
  rampFromMs: number | null;
  /** Its tunnels are cut then unless it is ready again; null: nothing to cut. */
  cutDueMs: number | null;
}

/** A node of a cluster, as far as one look sees it. */
export interface ProbedNode {
  readonly key: string;
  readonly cluster: TrackedCluster;
  readonly family: Family;
  readonly ip: string;
  endpoints: readonly TrackedEndpoint[];
  nodeProbe: NodeProbe | null;
  /** What `looker` was made for. */
  nodeProbeKey: string;
  round: number;
  probing: boolean;
  /** Something happened during a look: look again at once. */
  probeAgain: boolean;
  /** Something happened, and no look since has ended. */
  prompted: boolean;
  removed: boolean;
  timer: Cancel | null;
  /** When traffic ports and certificate were last looked at. */
  lastThoroughMs: number;
  certificate: ShownCertificate | null;
  identity: Identity;
  /** Which set of names `identity` was judged by. */
  judgedByVersion: number;
}

export interface TrackedCluster {
  readonly name: string;
  plan: ClusterPlan;
  config: ClusterConfig;
  nodes: readonly ProbedNode[];
  endpoints: readonly TrackedEndpoint[];
  /** The best rung that any node of a pool passed since the start. */
  readonly rungs: Map<ServiceName, Rung>;
  /** Every member was found dead, and that was said. */
  reportedDown: boolean;
}

/**
 * What is expected of an endpoint's own port. A router that wants a PROXY header first says nothing to a handshake, and probes
 * never carry one: its TLS port is judged as a plain one.
 */
export function probedAs({ kind, cluster }: TrackedEndpoint): ServiceName {
  return kind === "https" && cluster.config.sendProxy !== 0 ? "http" : kind;
}

export interface HealthModel {
  readonly clusters: Map<string, TrackedCluster>;
  readonly nodes: Map<string, ProbedNode>;
  readonly endpoints: Map<string, TrackedEndpoint>;
  readonly byCell: Map<number, TrackedEndpoint>;
}

export function emptyModel(): HealthModel {
  return { clusters: new Map(), nodes: new Map(), endpoints: new Map(), byCell: new Map() };
}

export interface ModelChange {
  readonly addedEndpoints: readonly TrackedEndpoint[];
  readonly removedNodes: readonly ProbedNode[];
}

/** Make the world agree with configuration and snapshot; what stays keeps its verdicts. */
export function reconcile(
  world: HealthModel,
  config: Config,
  snapshot: Snapshot,
  sinceStart: boolean,
  clock: Clock,
): ModelChange {
  const before = {
    watches: new Map(world.endpoints),
    targets: new Map(world.nodes),
    clusters: new Map(world.clusters),
  };
  for (const part of [world.clusters, world.nodes, world.endpoints, world.byCell]) part.clear();
  const addedEndpoints: TrackedEndpoint[] = [];
  const configs = new Map(config.clusters.map((cluster) => [cluster.name, cluster]));
  for (const plan of snapshot.clusters) {
    const settings = configs.get(plan.name);
    if (settings === undefined) continue;
    const cluster = before.clusters.get(plan.name) ?? newCluster(plan, settings);
    cluster.plan = plan;
    cluster.config = settings;
    world.clusters.set(plan.name, cluster);
    const watches = watchesOf(cluster, before.watches, sinceStart, clock);
    cluster.endpoints = watches.map(({ watch }) => watch);
    for (const { watch, isNew } of watches) {
      world.endpoints.set(watch.key, watch);
      world.byCell.set(watch.cell, watch);
      if (isNew) addedEndpoints.push(watch);
    }
    cluster.nodes = targetsOf(cluster, before.targets);
    for (const target of cluster.nodes) world.nodes.set(target.key, target);
  }
  return {
    addedEndpoints,
    removedNodes: [...before.targets.values()].filter(({ key }) => !world.nodes.has(key)),
  };
}

function newCluster(plan: ClusterPlan, config: ClusterConfig): TrackedCluster {
  return { name: plan.name, plan, config, nodes: [], endpoints: [], rungs: new Map(), reportedDown: false };
}

function watchesOf(
  cluster: TrackedCluster,
  known: ReadonlyMap<string, TrackedEndpoint>,
  sinceStart: boolean,
  clock: Clock,
): { watch: TrackedEndpoint; isNew: boolean }[] {
  const found: { watch: TrackedEndpoint; isNew: boolean }[] = [];
  for (const kind of SERVICE_NAMES) {
    const pool = cluster.plan.pools[kind];
    for (const { cell, at, node } of pool?.endpoints ?? []) {
      const key = `${cluster.name} ${kind} ${at.ip} ${at.port} ${cell}`;
      const old = known.get(key);
      const fixed = { key, cluster, kind, at, node, cell, policy: pool?.policy ?? "leastconn", sinceStart };
      const watch = old === undefined ? newWatch(fixed, clock) : Object.assign(old, { node, policy: fixed.policy });
      watch.role = isGiven(cluster.config, kind) ? "given" : watch.role === "given" ? "candidate" : watch.role;
      found.push({ watch, isNew: old === undefined });
    }
  }
  return found;
}

type FixedParts = Pick<TrackedEndpoint, "key" | "cluster" | "kind" | "at" | "node" | "cell" | "policy" | "sinceStart">;

function newWatch(fixed: FixedParts, clock: Clock): TrackedEndpoint {
  return {
    ...fixed,
    state: unknownSince(clock.nowMs()),
    sinceWallMs: clock.wallMs(),
    served: false,
    role: "candidate",
    drained: false,
    rampFromMs: null,
    cutDueMs: null,
  };
}

/** The operator said who serves this kind, or wants no checks: nothing is left to find out. */
function isGiven(config: ClusterConfig, kind: ServiceName): boolean {
  if (config.check === "off") return true;
  return (familyOf(kind) === "ingress" ? config.ingress : config.api) !== null;
}

function targetsOf(cluster: TrackedCluster, known: ReadonlyMap<string, ProbedNode>): ProbedNode[] {
  const groups = new Map<string, { family: Family; ip: string; watches: TrackedEndpoint[] }>();
  for (const watch of cluster.endpoints) {
    const family = familyOf(watch.kind);
    const key = [cluster.name, family, watch.at.ip, cluster.config.ports.ready].join(" ");
    const group = groups.get(key) ?? { family, ip: watch.at.ip, watches: [] };
    group.watches.push(watch);
    groups.set(key, group);
  }
  return [...groups].map(([key, { family, ip, watches }]) => {
    const target = known.get(key) ?? newTarget(key, cluster, family, ip);
    target.endpoints = watches;
    return target;
  });
}

function newTarget(key: string, cluster: TrackedCluster, family: Family, ip: string): ProbedNode {
  return {
    key,
    cluster,
    family,
    ip,
    endpoints: [],
    nodeProbe: null,
    nodeProbeKey: "",
    round: 0,
    probing: false,
    probeAgain: false,
    prompted: false,
    removed: false,
    timer: null,
    lastThoroughMs: Number.NEGATIVE_INFINITY,
    certificate: null,
    identity: { kind: "unproven" },
    judgedByVersion: -1,
  };
}
