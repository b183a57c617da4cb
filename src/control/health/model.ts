/** What health keeps in mind: clusters, the nodes it looks at (targets) and the endpoints it speaks for (watches). */
import type { ClusterConfig, Config } from "../../config/model.ts";
import type { Identity, ShownCertificate } from "../../core/health/identity.ts";
import type { Rung } from "../../core/health/ladder.ts";
import type { Role } from "../../core/health/roles.ts";
import { unknownSince, type VerdictState } from "../../core/health/verdict.ts";
import type { Address, ClusterPlan, ListenerKind, Policy, Snapshot } from "../../seam/snapshot.ts";
import { LISTENER_KINDS } from "../../seam/snapshot.ts";
import { familyOf, type Family, type Looker } from "../probe/look.ts";

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
export interface Watch {
  readonly key: string;
  readonly cluster: ClusterWatch;
  readonly kind: ListenerKind;
  readonly at: Address;
  readonly node: string;
  /** On the board. */
  readonly cell: number;
  readonly policy: Policy;
  /** Known since the start: it needs no slow start for its first verdict. */
  readonly early: boolean;
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
export interface Target {
  readonly key: string;
  readonly cluster: ClusterWatch;
  readonly family: Family;
  readonly ip: string;
  watches: readonly Watch[];
  looker: Looker | null;
  /** What `looker` was made for. */
  lookerKey: string;
  round: number;
  busy: boolean;
  /** Something happened during a look: look again at once. */
  again: boolean;
  /** Something happened, and no look since has ended. */
  urged: boolean;
  gone: boolean;
  timer: Cancel | null;
  /** When traffic ports and certificate were last looked at. */
  thoroughMs: number;
  certificate: ShownCertificate | null;
  identity: Identity;
  /** Which set of names `identity` was judged by. */
  judgedBy: number;
}

export interface ClusterWatch {
  readonly name: string;
  plan: ClusterPlan;
  config: ClusterConfig;
  targets: readonly Target[];
  watches: readonly Watch[];
  /** The best rung that any node of a pool passed since the start. */
  readonly stuck: Map<ListenerKind, Rung>;
  /** Every member was found dead, and that was said. */
  dark: boolean;
}

/**
 * What is expected of an endpoint's own port. A router that wants a PROXY header first says nothing to a handshake, and probes
 * never carry one: its TLS port is judged as a plain one.
 */
export function askedAs({ kind, cluster }: Watch): ListenerKind {
  return kind === "https" && cluster.config.sendProxy !== 0 ? "http" : kind;
}

export interface World {
  readonly clusters: Map<string, ClusterWatch>;
  readonly targets: Map<string, Target>;
  readonly watches: Map<string, Watch>;
  readonly byCell: Map<number, Watch>;
}

export function emptyWorld(): World {
  return { clusters: new Map(), targets: new Map(), watches: new Map(), byCell: new Map() };
}

export interface WorldChange {
  readonly addedWatches: readonly Watch[];
  readonly goneTargets: readonly Target[];
}

/** Make the world agree with configuration and snapshot; what stays keeps its verdicts. */
export function reconcile(world: World, config: Config, snapshot: Snapshot, early: boolean, clock: Clock): WorldChange {
  const before = {
    watches: new Map(world.watches),
    targets: new Map(world.targets),
    clusters: new Map(world.clusters),
  };
  for (const part of [world.clusters, world.targets, world.watches, world.byCell]) part.clear();
  const addedWatches: Watch[] = [];
  const configs = new Map(config.clusters.map((cluster) => [cluster.name, cluster]));
  for (const plan of snapshot.clusters) {
    const settings = configs.get(plan.name);
    if (settings === undefined) continue;
    const cluster = before.clusters.get(plan.name) ?? newCluster(plan, settings);
    cluster.plan = plan;
    cluster.config = settings;
    world.clusters.set(plan.name, cluster);
    const watches = watchesOf(cluster, before.watches, early, clock);
    cluster.watches = watches.map(({ watch }) => watch);
    for (const { watch, isNew } of watches) {
      world.watches.set(watch.key, watch);
      world.byCell.set(watch.cell, watch);
      if (isNew) addedWatches.push(watch);
    }
    cluster.targets = targetsOf(cluster, before.targets);
    for (const target of cluster.targets) world.targets.set(target.key, target);
  }
  return {
    addedWatches,
    goneTargets: [...before.targets.values()].filter(({ key }) => !world.targets.has(key)),
  };
}

function newCluster(plan: ClusterPlan, config: ClusterConfig): ClusterWatch {
  return { name: plan.name, plan, config, targets: [], watches: [], stuck: new Map(), dark: false };
}

function watchesOf(
  cluster: ClusterWatch,
  known: ReadonlyMap<string, Watch>,
  early: boolean,
  clock: Clock,
): { watch: Watch; isNew: boolean }[] {
  const found: { watch: Watch; isNew: boolean }[] = [];
  for (const kind of LISTENER_KINDS) {
    const pool = cluster.plan.pools[kind];
    for (const { cell, at, node } of pool?.endpoints ?? []) {
      const key = `${cluster.name} ${kind} ${at.ip} ${at.port} ${cell}`;
      const old = known.get(key);
      const fixed = { key, cluster, kind, at, node, cell, policy: pool?.policy ?? "leastconn", early };
      const watch = old === undefined ? newWatch(fixed, clock) : Object.assign(old, { node, policy: fixed.policy });
      watch.role = isGiven(cluster.config, kind) ? "given" : watch.role === "given" ? "candidate" : watch.role;
      found.push({ watch, isNew: old === undefined });
    }
  }
  return found;
}

type FixedParts = Pick<Watch, "key" | "cluster" | "kind" | "at" | "node" | "cell" | "policy" | "early">;

function newWatch(fixed: FixedParts, clock: Clock): Watch {
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
function isGiven(config: ClusterConfig, kind: ListenerKind): boolean {
  if (config.check === "off") return true;
  return (familyOf(kind) === "ingress" ? config.ingress : config.api) !== null;
}

function targetsOf(cluster: ClusterWatch, known: ReadonlyMap<string, Target>): Target[] {
  const groups = new Map<string, { family: Family; ip: string; watches: Watch[] }>();
  for (const watch of cluster.watches) {
    const family = familyOf(watch.kind);
    const key = [cluster.name, family, watch.at.ip, cluster.config.ports.ready].join(" ");
    const group = groups.get(key) ?? { family, ip: watch.at.ip, watches: [] };
    group.watches.push(watch);
    groups.set(key, group);
  }
  return [...groups].map(([key, { family, ip, watches }]) => {
    const target = known.get(key) ?? newTarget(key, cluster, family, ip);
    target.watches = watches;
    return target;
  });
}

function newTarget(key: string, cluster: ClusterWatch, family: Family, ip: string): Target {
  return {
    key,
    cluster,
    family,
    ip,
    watches: [],
    looker: null,
    lookerKey: "",
    round: 0,
    busy: false,
    again: false,
    urged: false,
    gone: false,
    timer: null,
    thoroughMs: Number.NEGATIVE_INFINITY,
    certificate: null,
    identity: { kind: "unproven" },
    judgedBy: -1,
  };
}
