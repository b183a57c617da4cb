/** Health on the board: the verdicts workers pick by, slow start, and which tunnels are cut when. Control is the only writer. */
import { NOT_CHECKED, type Reason } from "../../core/health/reasons.ts";
import { rampWeight } from "../../core/health/slow-start.ts";
import { FULL_WEIGHT, HEALTH, type Board, type HealthWord } from "../../seam/board.ts";
import type { CutReason } from "../../seam/mail.ts";
import { poolReason, membersOf } from "./pool-roles.ts";
import type { Clock } from "./system-clock.ts";
import type { TrackedCluster, TrackedEndpoint } from "./tracked.ts";

/** A node that says "not ready" keeps its tunnels this long: an API server that stops finishes requests for up to 60 s. */
export const NOT_READY_CUT_MS = 60_000;

/** From best to worst: what a pool is as a whole. */
const RANKS: readonly HealthWord[] = ["up", "unknown", "not-ready", "drained", "foreign", "dead"];

/** Ends the tunnels on a cell after so many ms. */
export type CutTunnels = (cell: number, afterMs: number, reason: CutReason) => void;

export class HealthBoardWriter {
  private readonly board: Board;
  private readonly clock: Clock;
  private readonly cut: CutTunnels;

  constructor(board: Board, clock: Clock, cut: CutTunnels) {
    this.board = board;
    this.clock = clock;
    this.cut = cut;
  }

  /** A new endpoint: nothing known, full share. */
  add(endpoint: TrackedEndpoint): void {
    this.write(endpoint.cell, endpoint.shownState, NOT_CHECKED, endpoint.sinceWallMs);
    this.writeWeight(endpoint);
  }

  /** Write what is known now. */
  update(endpoint: TrackedEndpoint): void {
    this.write(endpoint.cell, endpoint.shownState, endpoint.shownReason, endpoint.sinceWallMs);
    this.writeWeight(endpoint);
  }

  /** The verdict changed: write it, begin or end slow start, and cut tunnels now or later. @param from What was shown before. */
  verdictChanged(endpoint: TrackedEndpoint, from: HealthWord): void {
    const { verdict } = endpoint.state;
    const nowMs = this.clock.nowMs();
    endpoint.cutDueMs = verdict === "not-ready" ? nowMs + NOT_READY_CUT_MS : null;
    endpoint.rampFromMs = verdict === "up" && ramps(endpoint, from) ? nowMs : null;
    this.update(endpoint);
    if (verdict === "dead" || verdict === "foreign") this.cut(endpoint.cell, 0, "node down");
  }

  /** Summaries of a cluster and its pools, on their own cells. */
  summarize(cluster: TrackedCluster): void {
    for (const service of new Set(cluster.endpoints.map((endpoint) => endpoint.service))) {
      const cell = cluster.plan.pools[service.index]?.cell;
      if (cell === undefined) continue;
      const members = membersOf(cluster.pool(service));
      Atomics.store(this.board.members, cell, members.length);
      this.writeSummary(members, cell);
    }
    this.writeSummary(membersOf(cluster.endpoints), cluster.plan.cell);
  }

  /** The wall clock was set: everything stays as long ago as it was. */
  shift(clusters: readonly TrackedCluster[], byMs: number): void {
    for (const cluster of clusters) {
      for (const endpoint of cluster.endpoints) {
        endpoint.sinceWallMs += byMs;
        this.update(endpoint);
      }
      this.summarize(cluster);
    }
  }

  /** Once a second: shares grow, cuts fall due. */
  tick(endpoints: readonly TrackedEndpoint[]): void {
    for (const endpoint of endpoints) {
      if (endpoint.rampFromMs !== null) this.writeWeight(endpoint);
      if (endpoint.cutDueMs === null || endpoint.cutDueMs > this.clock.nowMs() || !othersUp(endpoint)) continue;
      endpoint.cutDueMs = null;
      this.cut(endpoint.cell, 0, "node down");
    }
  }

  private write(cell: number, state: HealthWord, why: Reason, sinceWallMs: number): void {
    this.board.since[cell] = sinceWallMs;
    Atomics.store(this.board.reason, cell, why);
    Atomics.store(this.board.health, cell, HEALTH[state]);
  }

  private writeWeight(endpoint: TrackedEndpoint): void {
    const { rampFromMs, cell } = endpoint;
    const weight = rampFromMs === null ? FULL_WEIGHT : rampWeight(this.clock.nowMs() - rampFromMs);
    Atomics.store(this.board.weight, cell, weight);
    if (weight === FULL_WEIGHT) endpoint.rampFromMs = null;
  }

  /** The best state of the members, the reason most of those share, and since when it is at least so good. */
  private writeSummary(members: readonly TrackedEndpoint[], cell: number): void {
    const best = RANKS.find((rank) => members.some(({ shownState }) => shownState === rank));
    if (best === undefined) return;
    const such = members.filter(({ shownState }) => shownState === best);
    const since = such.map(({ sinceWallMs }) => sinceWallMs);
    // a pool is up since its first member is, and down since its last one is
    const sinceWallMs = best === "up" ? Math.min(...since) : Math.max(...since);
    this.write(cell, best, poolReason(such), sinceWallMs);
  }
}

/** A hashed pool uses a node at once: a growing share would move clients about. Alone, or at the start, there is nobody to spare. */
function ramps(endpoint: TrackedEndpoint, from: HealthWord): boolean {
  if (endpoint.policy !== "leastconn" && endpoint.policy !== "roundrobin") return false;
  if (from === "unknown" && endpoint.sinceStart) return false;
  return othersUp(endpoint);
}

/** The last usable endpoint's tunnels are never cut because it says "not ready". */
function othersUp(endpoint: TrackedEndpoint): boolean {
  return endpoint.cluster.endpoints.some(
    (other) => other !== endpoint && other.service === endpoint.service && other.shownState === "up",
  );
}
