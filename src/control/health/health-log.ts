/** Health in the log: what happened together in one line, a cluster that goes as a whole in one, and nodes that left for good. */
import { reasonText, type Reason } from "../../core/health/reasons.ts";
import { LEFT_AFTER_MS } from "../../core/health/roles.ts";
import { changing } from "../../core/health/verdict.ts";
import type { HealthWord } from "../../seam/board.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { EventLog } from "../log/event-log.ts";
import { membersOf, poolReason, type RoleChange } from "./pool-roles.ts";
import type { Cancel, Clock } from "./system-clock.ts";
import type { TrackedCluster, TrackedEndpoint } from "./tracked.ts";

/** One node's ports change within this time, and are told in one go. */
const GATHER_MS = 100;
/** Wait this long for the rest of a cluster that seems to go: two probes of 2 s, and a little. */
const WAIT_MS = 6_000;
/** More nodes than this are counted, not listed. */
const LISTED_MOST = 8;

/** Changes of one cluster that are not logged yet. */
interface Pending {
  readonly sinceMs: number;
  /** What each endpoint was before its first change. */
  readonly before: Map<TrackedEndpoint, HealthWord>;
  timer: Cancel;
}

export class HealthLog {
  private readonly log: EventLog;
  private readonly clock: Clock;
  private readonly pending = new Map<TrackedCluster, Pending>();

  constructor(log: EventLog, clock: Clock) {
    this.log = log;
    this.clock = clock;
  }

  /** What is shown of an endpoint changed. */
  stateChanged(endpoint: TrackedEndpoint, from: HealthWord): void {
    const { cluster } = endpoint;
    const pending = this.pending.get(cluster) ?? this.begin(cluster);
    if (!pending.before.has(endpoint)) pending.before.set(endpoint, from);
  }

  /** Endpoints have other roles: those that served their pool and do not any more are told. */
  rolesChanged(changes: readonly RoleChange[]): void {
    const left = changes.filter(({ endpoint, from, to }) => to === "absent" && from === "sensed" && endpoint.served);
    for (const { endpoint } of left) {
      const { cluster, service, node, shownReason } = endpoint;
      const why = `${reasonText(shownReason)} for ${LEFT_AFTER_MS / 60_000} minutes`;
      const text = `${cluster.name}: ${node} has left the ${service.name} pool: ${why}`;
      this.log.info("roles", text, { cluster: cluster.name, pool: service.name, node });
    }
  }

  stop(): void {
    for (const { timer } of this.pending.values()) timer.cancel();
    this.pending.clear();
  }

  private begin(cluster: TrackedCluster): Pending {
    const pending = { sinceMs: this.clock.nowMs(), before: new Map(), timer: this.gather(cluster) };
    this.pending.set(cluster, pending);
    return pending;
  }

  private gather(cluster: TrackedCluster): Cancel {
    return this.clock.timer(GATHER_MS, () => this.gathered(cluster));
  }

  private gathered(cluster: TrackedCluster): void {
    const pending = this.pending.get(cluster);
    if (pending === undefined) return;
    if (moreMayCome(cluster, pending.before) && this.clock.nowMs() - pending.sinceMs < WAIT_MS) {
      pending.timer = this.gather(cluster);
      return;
    }
    this.pending.delete(cluster);
    logChanges(cluster, pending.before, this.log);
  }
}

/**
 * More changes may belong to these. One node's change is told at once; but others that are changing too, or are being probed
 * because of it, may make it the end of a whole cluster. Where every node lost something, so may the rest of their endpoints.
 */
function moreMayCome(cluster: TrackedCluster, before: ReadonlyMap<TrackedEndpoint, HealthWord>): boolean {
  if (cluster.checksOff) return false; // nothing is being found out
  const changed = new Set([...before.keys()].map(({ at }) => at.ip));
  const rest = cluster.endpoints.filter(({ at, drained }) => !drained && !changed.has(at.ip));
  const endpoints = rest.length > 0 ? rest : cluster.endpoints;
  const ips = new Set(endpoints.map(({ at }) => at.ip));
  return (
    endpoints.some(({ drained, state }) => !drained && changing(state)) ||
    cluster.nodes.some(({ prompted, ip }) => prompted && ips.has(ip))
  );
}

function logChanges(cluster: TrackedCluster, before: ReadonlyMap<TrackedEndpoint, HealthWord>, log: EventLog): void {
  const members = membersOf(cluster.endpoints);
  const down = members.every(({ shownState }) => shownState === "dead");
  if (down) {
    if (!cluster.reportedDown) log.warn("health", downText(cluster, members), { cluster: cluster.name, state: "dead" });
    cluster.reportedDown = true;
    return;
  }
  cluster.reportedDown = false;
  // in the operator's order, not in the order of answers
  const changed = cluster.endpoints.filter((endpoint) => {
    const was = before.get(endpoint);
    return was !== undefined && was !== endpoint.shownState;
  });
  // a worker node that answers nothing on 6443 has another role: nobody needs to know
  const worthTelling = changed.filter(({ role, served }) => role !== "absent" || served);
  for (const group of grouped(worthTelling)) logGroup(cluster, group, log);
}

function downText(cluster: TrackedCluster, members: readonly TrackedEndpoint[]): string {
  const nodes = new Set(members.map(({ at }) => at.ip)).size;
  const why = reasonText(poolReason(members));
  return `${cluster.name}: ${nodes === 1 ? "its node is down" : `all ${nodes} nodes are down`}: ${why}`;
}

/** Endpoints that one line tells of. */
interface Group {
  readonly service: ServiceName;
  readonly state: HealthWord;
  readonly why: Reason;
  readonly endpoints: readonly TrackedEndpoint[];
}

function grouped(endpoints: readonly TrackedEndpoint[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const endpoint of endpoints) {
    const { service, shownState: state, shownReason: why } = endpoint;
    const key = `${service.name} ${state} ${why}`;
    const others = groups.get(key)?.endpoints ?? [];
    groups.set(key, { service: service.name, state, why, endpoints: [...others, endpoint] });
  }
  return [...groups.values()];
}

function logGroup(cluster: TrackedCluster, { service, state, why, endpoints }: Group, log: EventLog): void {
  const nodes = endpoints.map(({ node, at }) => (node === at.ip ? node : `${node} (${at.ip})`));
  const listed = nodes.length <= LISTED_MOST ? nodes.join(", ") : `${nodes.length} nodes`;
  const word = state === "dead" ? "down" : state;
  const text = `${cluster.name}: ${service} ${word} on ${listed}: ${reasonText(why)}`;
  const fields = { cluster: cluster.name, pool: service, state, reason: reasonText(why), nodes: nodes.join(",") };
  if (state === "up" || state === "drained") log.info("health", text, fields);
  else log.warn("health", text, fields);
}
