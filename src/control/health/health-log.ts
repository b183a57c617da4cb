/** Health in the log: what happened together in one line, a cluster that goes as a whole in one, and who left for good. */
import { reasonText, type Reason } from "../../core/health/reasons.ts";
import { LEFT_AFTER_MS } from "../../core/health/roles.ts";
import { changing } from "../../core/health/verdict.ts";
import type { HealthWord } from "../../seam/board.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { EventLog } from "../log/event-log.ts";
import { commonest, membersOf, shownReason, shownState } from "./board-writer.ts";
import type { Cancel, Clock, TrackedCluster, TrackedEndpoint } from "./health-model.ts";
import type { RoleChange } from "./pool-roles.ts";

export interface HealthLog {
  /** An endpoint is not any more what it was. */
  verdictChanged(watch: TrackedEndpoint, from: HealthWord): void;
  /** Endpoints have other roles. */
  rolesChanged(changes: readonly RoleChange[]): void;
  stop(): void;
}

/** One node's ports change within this, and what is said together is read together. */
const GATHER_MS = 100;
/** Wait this long for the rest of a cluster that seems to go: two probes of 2 s, and a little. */
const WAIT_MS = 6_000;
/** More nodes than this are counted, not listed. */
const LISTED_MOST = 8;

interface Pending {
  readonly sinceMs: number;
  /** What each endpoint was when the news began. */
  readonly before: Map<TrackedEndpoint, HealthWord>;
  timer: Cancel;
}

export function createHealthLog(log: EventLog, clock: Clock): HealthLog {
  const pending = new Map<TrackedCluster, Pending>();
  const gather = (cluster: TrackedCluster): Cancel =>
    clock.timer(GATHER_MS, () => {
      const news = pending.get(cluster);
      if (news === undefined) return;
      if (isOpen(cluster, news.before) && clock.nowMs() - news.sinceMs < WAIT_MS) news.timer = gather(cluster);
      else {
        pending.delete(cluster);
        tell(cluster, news.before, log);
      }
    });
  return {
    verdictChanged(watch, from) {
      const { cluster } = watch;
      const before = pending.get(cluster)?.before ?? new Map<TrackedEndpoint, HealthWord>();
      if (!before.has(watch)) before.set(watch, from);
      if (!pending.has(cluster)) pending.set(cluster, { sinceMs: clock.nowMs(), before, timer: gather(cluster) });
    },
    rolesChanged(changes) {
      const left = changes.filter(({ watch, from, to }) => to === "absent" && from === "sensed" && watch.served);
      for (const { watch } of left) {
        const { cluster, kind, node } = watch;
        const why = `${reasonText(shownReason(watch))} for ${LEFT_AFTER_MS / 60_000} minutes`;
        const text = `${cluster.name}: ${node} has left the ${kind} pool: ${why}`;
        log.info("roles", text, { cluster: cluster.name, pool: kind, node });
      }
    },
    stop() {
      for (const { timer } of pending.values()) timer.cancel();
      pending.clear();
    },
  };
}

/**
 * More may belong to this news. One node's change is told at once; but others that are changing too, or were just asked
 * because of it, may make it the news of a whole cluster. Where every node lost something, so may the rest of them.
 */
function isOpen(cluster: TrackedCluster, before: ReadonlyMap<TrackedEndpoint, HealthWord>): boolean {
  const told = new Set([...before.keys()].map(({ at }) => at.ip));
  const rest = cluster.endpoints.filter(({ at, drained }) => !drained && !told.has(at.ip));
  const watches = rest.length > 0 ? rest : cluster.endpoints;
  const ips = new Set(watches.map(({ at }) => at.ip));
  return (
    watches.some((watch) => !watch.drained && changing(watch.state)) ||
    cluster.nodes.some(({ prompted, ip }) => prompted && ips.has(ip))
  );
}

function tell(cluster: TrackedCluster, before: ReadonlyMap<TrackedEndpoint, HealthWord>, log: EventLog): void {
  // in the operator's order, not in the order of answers
  const turned = cluster.endpoints.filter((watch) => {
    const was = before.get(watch);
    return was !== undefined && was !== shownState(watch);
  });
  const members = membersOf(cluster.endpoints);
  const dark = members.every((watch) => shownState(watch) === "dead");
  if (dark) {
    if (!cluster.reportedDown) log.warn("health", darkText(cluster, members), { cluster: cluster.name, state: "dead" });
    cluster.reportedDown = true;
    return;
  }
  cluster.reportedDown = false;
  // a worker that answers nothing on 6443 is not news: it has another role
  const worth = turned.filter((watch) => watch.role !== "absent" || watch.served);
  for (const group of grouped(worth)) tellGroup(cluster, group, log);
}

function darkText(cluster: TrackedCluster, members: readonly TrackedEndpoint[]): string {
  const nodes = new Set(members.map(({ at }) => at.ip)).size;
  const why = reasonText(commonest(members.map(shownReason)));
  return `${cluster.name}: ${nodes === 1 ? "its node is down" : `all ${nodes} nodes are down`}: ${why}`;
}

interface Group {
  readonly kind: ServiceName;
  readonly state: HealthWord;
  readonly why: Reason;
  readonly watches: readonly TrackedEndpoint[];
}

function grouped(watches: readonly TrackedEndpoint[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const watch of watches) {
    const [state, why] = [shownState(watch), shownReason(watch)];
    const key = `${watch.kind} ${state} ${why}`;
    const others = groups.get(key)?.watches ?? [];
    groups.set(key, { kind: watch.kind, state, why, watches: [...others, watch] });
  }
  return [...groups.values()];
}

function tellGroup(cluster: TrackedCluster, { kind, state, why, watches }: Group, log: EventLog): void {
  const nodes = watches.map(({ node, at }) => (node === at.ip ? node : `${node} (${at.ip})`));
  const listed = nodes.length <= LISTED_MOST ? nodes.join(", ") : `${nodes.length} nodes`;
  const word = state === "dead" ? "down" : state;
  const text = `${cluster.name}: ${kind} ${word} on ${listed}: ${reasonText(why)}`;
  const fields = { cluster: cluster.name, pool: kind, state, reason: reasonText(why), nodes: nodes.join(",") };
  if (state === "up" || state === "drained") log.info("health", text, fields);
  else log.warn("health", text, fields);
}
