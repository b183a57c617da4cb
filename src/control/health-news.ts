/** Health in the log: one line for what happened together, one for a cluster that goes as a whole. */
import { reasonText, type Reason } from "../core/health/reasons.ts";
import { changing } from "../core/health/verdict.ts";
import type { HealthWord } from "../seam/board.ts";
import type { ListenerKind } from "../seam/snapshot.ts";
import type { EventLog } from "./event-log.ts";
import { commonest, membersOf, shownReason, shownState } from "./health-board.ts";
import type { Clock, ClusterWatch, Watch } from "./health-model.ts";

export interface HealthNews {
  /** An endpoint is not any more what it was. */
  turned(watch: Watch, from: HealthWord): void;
  /** Say what is settled. */
  tick(): void;
}

/** Wait this long for the rest of a cluster that seems to go: two probes of 2 s, and a little. */
const WAIT_MS = 6_000;
/** More nodes than this are counted, not listed. */
const LISTED_MOST = 8;

interface Pending {
  readonly sinceMs: number;
  /** What each endpoint was when the news began. */
  readonly before: Map<Watch, HealthWord>;
}

export function createHealthNews(log: EventLog, clock: Clock): HealthNews {
  const pending = new Map<ClusterWatch, Pending>();
  return {
    turned(watch, from) {
      const news = pending.get(watch.cluster) ?? { sinceMs: clock.nowMs(), before: new Map<Watch, HealthWord>() };
      if (!news.before.has(watch)) news.before.set(watch, from);
      pending.set(watch.cluster, news);
    },
    tick() {
      for (const [cluster, news] of pending) {
        const settled = !cluster.watches.some((watch) => !watch.drained && changing(watch.state));
        if (!settled && clock.nowMs() - news.sinceMs < WAIT_MS) continue;
        pending.delete(cluster);
        tell(cluster, news, log);
      }
    },
  };
}

function tell(cluster: ClusterWatch, news: Pending, log: EventLog): void {
  // in the operator's order, not in the order of answers
  const turned = cluster.watches.filter((watch) => {
    const before = news.before.get(watch);
    return before !== undefined && before !== shownState(watch);
  });
  const members = membersOf(cluster.watches);
  const dark = members.every((watch) => shownState(watch) === "dead");
  if (dark) {
    if (!cluster.dark) log.warn("health", darkText(cluster, members), { cluster: cluster.name, state: "dead" });
    cluster.dark = true;
    return;
  }
  cluster.dark = false;
  // a worker that answers nothing on 6443 is not news: it has another role
  const worth = turned.filter((watch) => watch.role !== "absent" || watch.served);
  for (const group of grouped(worth)) tellGroup(cluster, group, log);
}

function darkText(cluster: ClusterWatch, members: readonly Watch[]): string {
  const nodes = new Set(members.map(({ at }) => at.ip)).size;
  const why = reasonText(commonest(members.map(shownReason)));
  return `${cluster.name}: ${nodes === 1 ? "its node is down" : `all ${nodes} nodes are down`}: ${why}`;
}

interface Group {
  readonly kind: ListenerKind;
  readonly state: HealthWord;
  readonly why: Reason;
  readonly watches: readonly Watch[];
}

function grouped(watches: readonly Watch[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const watch of watches) {
    const [state, why] = [shownState(watch), shownReason(watch)];
    const key = `${watch.kind} ${state} ${why}`;
    const others = groups.get(key)?.watches ?? [];
    groups.set(key, { kind: watch.kind, state, why, watches: [...others, watch] });
  }
  return [...groups.values()];
}

function tellGroup(cluster: ClusterWatch, { kind, state, why, watches }: Group, log: EventLog): void {
  const nodes = watches.map(({ node, at }) => (node === at.ip ? node : `${node} (${at.ip})`));
  const listed = nodes.length <= LISTED_MOST ? nodes.join(", ") : `${nodes.length} nodes`;
  const word = state === "dead" ? "down" : state;
  const text = `${cluster.name}: ${kind} ${word} on ${listed}: ${reasonText(why)}`;
  const fields = { cluster: cluster.name, pool: kind, state, reason: reasonText(why), nodes: nodes.join(",") };
  if (state === "up" || state === "drained") log.info("health", text, fields);
  else log.warn("health", text, fields);
}
