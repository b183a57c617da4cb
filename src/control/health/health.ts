/**
 * Health, put together: looks at every node, writes verdicts to the board, logs what changed and has tunnels cut.
 * Control's thread only; the workers read the board.
 */
import type { Config } from "../../config/model.ts";
import { faultReason, type Fault } from "../../core/health/ladder.ts";
import { observe, unknownSince, type Outcome } from "../../core/health/verdict.ts";
import type { Board } from "../../seam/board.ts";
import type { CutReason, DialError } from "../../seam/mail.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { EventLog } from "../log/event-log.ts";
import { createHealthBoard, shownState } from "./board-writer.ts";
import { systemClock } from "./clock.ts";
import { emptyWorld, reconcile, type Cancel, type Clock, type ClusterWatch, type Watch } from "./model.ts";
import { createHealthNews } from "./news.ts";
import { createRounds } from "./rounds.ts";
import { clusterView, endpointViews, type ClusterHealth, type EndpointHealth } from "./view.ts";
import { createIdentities } from "./identities.ts";
import { createLooker, type Looker, type LookPlan } from "../probe/look.ts";
import { outOfDescriptors } from "../probe/socket.ts";
import { updateRoles } from "./role-moves.ts";

export interface HealthInput {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly board: Board;
  readonly log: EventLog;
  /** End the tunnels on a cell after so many ms. */
  readonly cut: (cell: number, afterMs: number, reason: CutReason) => void;
  /** Domains were learnt: build a snapshot with these, by cluster, and call `update`. Never called before `startHealth` returned. */
  readonly onDomains?: (learnt: ReadonlyMap<string, string>) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly makeLooker?: (plan: LookPlan) => Looker;
}

export interface ProbeCounts {
  readonly passed: number;
  readonly failed: number;
}

export interface HealthService {
  /** Configuration or snapshot changed; endpoints that stay keep their verdicts. */
  update(config: Config, snapshot: Snapshot): void;
  /** A client's dial failed: it counts, and the node is looked at at once. */
  dialFailed(cell: number, error: DialError): void;
  /** A client met something odd there: it does not count, but the node is looked at at once. */
  suspect(cell: number): void;
  /**
   * Take a node out for new clients, or put it back; survives `update`. Its tunnels get the drain time.
   * @param node As the operator named it, or its address.
   * @returns How many endpoints that were.
   */
  drain(cluster: string, node: string, on: boolean): number;
  view(): readonly EndpointHealth[];
  /** Answers about endpoints since the start: a look at a node that serves two pools gives two. */
  probes(): ProbeCounts;
  clusters(): readonly ClusterHealth[];
  /** A cluster's domain, given or learnt; null: not known. */
  domainOf(cluster: string): string | null;
  stop(): void;
}

const TICK_MS = 1_000;
/** Between two looks at who left for good, which nobody notices by a change. */
const ROLES_TICKS = 60;

export function startHealth(input: HealthInput): HealthService {
  const { board, log, cut, clock = systemClock, random = Math.random } = input;
  let { config } = input;
  const world = emptyWorld();
  const drained = new Set<string>();
  const probes = { passed: 0, failed: 0 };
  const onBoard = createHealthBoard(board, clock, cut);
  const news = createHealthNews(log, clock);
  const identities = createIdentities({
    log,
    wallMs: () => clock.wallMs(),
    onDomains: (learnt) => input.onDomains?.(learnt),
  });

  const refresh = (cluster: ClusterWatch): void => {
    news.moved(updateRoles(cluster, clock.nowMs()));
    onBoard.summarize(cluster);
  };
  /** The rest of a cluster goes along often: ask at once, so that it is one event. */
  const urgeOthers = (watch: Watch): void => {
    for (const target of watch.cluster.targets) {
      if (target.watches.some(({ state }) => state.verdict === "up" && state.streak === 0)) rounds.urge(target);
    }
  };
  const take = (watch: Watch, outcome: Outcome): void => {
    const before = shownState(watch);
    const wasUp = watch.state.verdict === "up";
    const { state, flipped } = observe(watch.state, outcome, watch.cluster.config, clock.nowMs());
    watch.state = state;
    if (!flipped) return onBoard.show(watch, null);
    if (!watch.drained) watch.sinceWallMs = clock.wallMs();
    if (state.verdict === "up") watch.served = true;
    onBoard.show(watch, before);
    if (before !== shownState(watch)) news.turned(watch, before);
    refresh(watch.cluster);
    if (wasUp && state.verdict === "dead") urgeOthers(watch);
  };
  const rounds = createRounds({
    world,
    clock,
    random,
    log,
    identities,
    timeoutMs: () => config.timeouts.probe,
    makeLooker: input.makeLooker ?? createLooker,
    observe(watch, outcome) {
      probes[outcome.look === "up" ? "passed" : "failed"] += 1;
      take(watch, outcome);
    },
  });

  const apply = (next: Config, snapshot: Snapshot, early: boolean): void => {
    config = next;
    identities.setClusters(next.clusters);
    const { addedWatches, goneTargets } = reconcile(world, next, snapshot, early, clock);
    for (const target of goneTargets) rounds.end(target);
    for (const watch of addedWatches) {
      watch.drained = isDrained(watch);
      onBoard.open(watch);
    }
    for (const cluster of world.clusters.values()) {
      for (const watch of cluster.watches) {
        // what was found before the checks were turned off must not hold for ever
        if (cluster.config.check === "off") watch.state = unknownSince(clock.nowMs());
        onBoard.show(watch, null);
      }
      refresh(cluster);
    }
    for (const target of world.targets.values()) rounds.begin(target);
  };
  const isDrained = ({ cluster, node, at }: Watch): boolean =>
    drained.has(`${cluster.name}/${node}`) || drained.has(`${cluster.name}/${at.ip}`);

  let ticking: Cancel = { cancel: () => undefined };
  let ticks = 0;
  const tick = (): void => {
    onBoard.tick(world.watches.values());
    identities.tick();
    // who left did so some time ago
    if (++ticks % ROLES_TICKS === 0) for (const cluster of world.clusters.values()) refresh(cluster);
    ticking = clock.timer(TICK_MS, tick);
  };

  apply(config, input.snapshot, true);
  ticking = clock.timer(TICK_MS, tick);

  const urge = (watch: Watch): void => {
    const target = watch.cluster.targets.find(({ watches }) => watches.includes(watch));
    if (target !== undefined) rounds.urge(target);
  };

  return {
    update: (next, snapshot) => apply(next, snapshot, false),
    dialFailed(cell, error) {
      const watch = world.byCell.get(cell);
      if (watch === undefined || watch.cluster.config.check === "off") return;
      const fault = DIAL_FAULTS[error];
      // our own trouble, not the node's; workers share this process's descriptors
      if (fault === undefined || outOfDescriptors()) return;
      if (fault !== null && watch.state.verdict !== "dead") {
        take(watch, { look: "dead", reason: faultReason(fault, config.timeouts.connect) });
      }
      urge(watch);
    },
    suspect(cell) {
      const watch = world.byCell.get(cell);
      if (watch !== undefined) urge(watch);
    },
    drain(cluster, node, on) {
      const meant = [...world.watches.values()].filter(
        (watch) => watch.cluster.name === cluster && (watch.node === node || watch.at.ip === node),
      );
      if (on && meant.length > 0) drained.add(`${cluster}/${node}`);
      if (!on) for (const { at, node } of meant) for (const each of [at.ip, node]) drained.delete(`${cluster}/${each}`);
      for (const watch of meant) setDrained(watch, on);
      return meant.length;
    },
    view: () => endpointViews(world),
    probes: () => ({ ...probes }),
    clusters: () => [...world.clusters.values()].map((cluster) => clusterView(cluster, identities)),
    domainOf: (cluster) => identities.domainOf(cluster),
    stop() {
      ticking.cancel();
      news.stop();
      for (const target of world.targets.values()) rounds.end(target);
    },
  };

  function setDrained(watch: Watch, on: boolean): void {
    if (watch.drained === on) return;
    const before = shownState(watch);
    watch.drained = on;
    watch.sinceWallMs = clock.wallMs();
    onBoard.show(watch, null);
    news.turned(watch, before);
    refresh(watch.cluster);
    if (on) cut(watch.cell, config.timeouts.drain, "drain");
  }
}

/** Null: look, but do not count it; missing: not the node's fault. */
const DIAL_FAULTS: Readonly<Partial<Record<DialError, Fault | null>>> = {
  refused: "refused",
  timeout: "silent",
  unreachable: "unreachable",
  other: null,
};
