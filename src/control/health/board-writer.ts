/** Health on the board: the verdicts workers pick by, slow start, and which tunnels are cut when. Control is the only writer. */
import { NOT_CHECKED, reason, type Reason } from "../../core/health/reasons.ts";
import { rampWeight } from "../../core/health/slow-start.ts";
import { FULL_WEIGHT, HEALTH, type Board, type HealthWord } from "../../seam/board.ts";
import type { CutReason } from "../../seam/mail.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { Clock, TrackedCluster, TrackedEndpoint } from "./health-model.ts";

/** A node that says "not ready" keeps its tunnels this long: an API server that stops finishes requests for up to 60 s. */
export const NOT_READY_CUT_MS = 60_000;

export interface HealthBoard {
  /** A new endpoint: nothing known, full share. */
  open(watch: TrackedEndpoint): void;
  /** Show what is known now; `turned`: the verdict changed from this. */
  show(watch: TrackedEndpoint, turned: HealthWord | null): void;
  /** Summaries of a cluster and its pools, on their own cells. */
  summarize(cluster: TrackedCluster): void;
  /** Once a second: ramps grow, cuts fall due. */
  tick(watches: Iterable<TrackedEndpoint>): void;
}

/** The verdict as everyone sees it: the operator's word lies over what looking found. */
export function shownState(watch: TrackedEndpoint): HealthWord {
  return watch.drained ? "drained" : watch.state.verdict;
}

export function shownReason(watch: TrackedEndpoint): Reason {
  if (watch.drained) return reason("taken out by the operator");
  if (watch.cluster.config.check === "off") return reason("checks are off");
  return watch.state.reason;
}

export function createHealthBoard(
  board: Board,
  clock: Clock,
  onCut: (cell: number, afterMs: number, reason: CutReason) => void,
): HealthBoard {
  const write = (cell: number, state: HealthWord, why: Reason, sinceWallMs: number): void => {
    board.since[cell] = sinceWallMs;
    Atomics.store(board.reason, cell, why);
    Atomics.store(board.health, cell, HEALTH[state]);
  };
  const weigh = (watch: TrackedEndpoint): void => {
    const { rampFromMs, cell } = watch;
    const weight = rampFromMs === null ? FULL_WEIGHT : rampWeight(clock.nowMs() - rampFromMs);
    Atomics.store(board.weight, cell, weight);
    if (weight === FULL_WEIGHT) watch.rampFromMs = null;
  };
  return {
    open(watch) {
      write(watch.cell, shownState(watch), NOT_CHECKED, watch.sinceWallMs);
      weigh(watch);
    },
    show(watch, turned) {
      if (turned !== null) turn(watch, turned, clock.nowMs());
      write(watch.cell, shownState(watch), shownReason(watch), watch.sinceWallMs);
      weigh(watch);
      const lost = turned !== null && (watch.state.verdict === "dead" || watch.state.verdict === "foreign");
      if (lost) onCut(watch.cell, 0, "node down");
    },
    summarize(cluster) {
      for (const kind of kindsOf(cluster)) {
        const cell = cluster.plan.pools[kind]?.cell;
        if (cell === undefined) continue;
        const watches = membersOf(cluster.endpoints.filter((watch) => watch.kind === kind));
        Atomics.store(board.members, cell, watches.length);
        summary(watches, cell, write);
      }
      summary(membersOf(cluster.endpoints), cluster.plan.cell, write);
    },
    tick(watches) {
      for (const watch of watches) {
        if (watch.rampFromMs !== null) weigh(watch);
        if (watch.cutDueMs === null || watch.cutDueMs > clock.nowMs() || !othersUp(watch)) continue;
        watch.cutDueMs = null;
        onCut(watch.cell, 0, "node down");
      }
    },
  };
}

/** What a change of verdict sets off later. */
function turn(watch: TrackedEndpoint, from: HealthWord, nowMs: number): void {
  const { verdict } = watch.state;
  watch.cutDueMs = verdict === "not-ready" ? nowMs + NOT_READY_CUT_MS : null;
  watch.rampFromMs = verdict === "up" && ramps(watch, from) ? nowMs : null;
}

/** Hashed pools use a node at once: a share that grows would move clients about. Alone, or at the start, there is nobody to spare. */
function ramps(watch: TrackedEndpoint, from: HealthWord): boolean {
  if (watch.policy !== "leastconn" && watch.policy !== "roundrobin") return false;
  if (from === "unknown" && watch.sinceStart) return false;
  return othersUp(watch);
}

/** The last usable endpoint's tunnels are never cut because it says "not ready". */
function othersUp(watch: TrackedEndpoint): boolean {
  return watch.cluster.endpoints.some(
    (other) => other !== watch && other.kind === watch.kind && shownState(other) === "up",
  );
}

function kindsOf(cluster: TrackedCluster): ReadonlySet<ServiceName> {
  return new Set(cluster.endpoints.map(({ kind }) => kind));
}

/** From best to worst: what a pool is as a whole. */
const RANKS: readonly HealthWord[] = ["up", "unknown", "not-ready", "drained", "foreign", "dead"];

/** The best state of the members, the reason most of those share, and since when it is so good at best. */
function summary(
  members: readonly TrackedEndpoint[],
  cell: number,
  write: (cell: number, state: HealthWord, why: Reason, sinceWallMs: number) => void,
): void {
  const best = RANKS.find((rank) => members.some((watch) => shownState(watch) === rank));
  if (best === undefined) return;
  const such = members.filter((watch) => shownState(watch) === best);
  const since = such.map(({ sinceWallMs }) => sinceWallMs);
  // a pool is up since its first member is, and down since its last one is
  const sinceWallMs = best === "up" ? Math.min(...since) : Math.max(...since);
  write(cell, best, commonest(such.map(shownReason)), sinceWallMs);
}

/** Endpoints that serve their pool, or may; all of them where none does. */
export function membersOf(watches: readonly TrackedEndpoint[]): readonly TrackedEndpoint[] {
  const members = watches.filter(({ role }) => role !== "absent");
  return members.length > 0 ? members : watches;
}

export function commonest(reasons: readonly Reason[]): Reason {
  const counts = new Map<Reason, number>();
  for (const each of reasons) counts.set(each, (counts.get(each) ?? 0) + 1);
  let best: Reason = NOT_CHECKED;
  for (const [each, count] of counts) if (count > (counts.get(best) ?? 0)) best = each;
  return best;
}
