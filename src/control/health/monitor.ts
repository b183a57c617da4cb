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
import { systemClock } from "./system-clock.ts";
import {
  emptyModel,
  reconcile,
  type Cancel,
  type Clock,
  type TrackedCluster,
  type TrackedEndpoint,
} from "./health-model.ts";
import { createHealthLog } from "./health-log.ts";
import { createRounds } from "./rounds.ts";
import { clusterView, endpointViews, type ClusterHealth, type EndpointHealth } from "./view.ts";
import { createNodeIdentities } from "./node-identities.ts";
import { createNodeProbe, type NodeProbe, type ProbePlan } from "../probe/node-probe.ts";
import { outOfDescriptors } from "../probe/socket.ts";
import { updateRoles } from "./pool-roles.ts";

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
  readonly makeNodeProbe?: (plan: ProbePlan) => NodeProbe;
}

export interface ProbeCounts {
  readonly passed: number;
  readonly failed: number;
}

export interface HealthMonitor {
  /** Configuration or snapshot changed; endpoints that stay keep their verdicts. */
  update(config: Config, snapshot: Snapshot): void;
  /** A client's dial failed: it counts, and the node is looked at at once. */
  dialFailed(cell: number, error: DialError): void;
  /** A client met something odd there: it does not count, but the node is looked at at once. */
  probeSoon(cell: number): void;
  /**
   * Take a node out for new clients, or put it back; survives `update`. Its tunnels get the drain time.
   * @param node As the operator named it, or its address.
   * @returns How many endpoints that were.
   */
  drain(cluster: string, node: string, on: boolean): number;
  endpoints(): readonly EndpointHealth[];
  /** Answers about endpoints since the start: a look at a node that serves two pools gives two. */
  probeCounts(): ProbeCounts;
  clusters(): readonly ClusterHealth[];
  /** A cluster's domain, given or learnt; null: not known. */
  domainOf(cluster: string): string | null;
  stop(): void;
}

const TICK_MS = 1_000;
/** Between two looks at who left for good, which nobody notices by a change. */
const ROLES_TICKS = 60;

export function startHealth(input: HealthInput): HealthMonitor {
  const { board, log, cut, clock = systemClock, random = Math.random } = input;
  let { config } = input;
  const world = emptyModel();
  const drained = new Set<string>();
  const probes = { passed: 0, failed: 0 };
  const onBoard = createHealthBoard(board, clock, cut);
  const news = createHealthLog(log, clock);
  const identities = createNodeIdentities({
    log,
    wallMs: () => clock.wallMs(),
    onDomains: (learnt) => input.onDomains?.(learnt),
  });

  const refresh = (cluster: TrackedCluster): void => {
    news.rolesChanged(updateRoles(cluster, clock.nowMs()));
    onBoard.summarize(cluster);
  };
  /** The rest of a cluster goes along often: ask at once, so that it is one event. */
  const probeOthersSoon = (watch: TrackedEndpoint): void => {
    for (const target of watch.cluster.nodes) {
      if (target.endpoints.some(({ state }) => state.verdict === "up" && state.streak === 0)) rounds.probeSoon(target);
    }
  };
  const take = (watch: TrackedEndpoint, outcome: Outcome): void => {
    const before = shownState(watch);
    const wasUp = watch.state.verdict === "up";
    const { state, flipped } = observe(watch.state, outcome, watch.cluster.config, clock.nowMs());
    watch.state = state;
    if (!flipped) return onBoard.show(watch, null);
    if (!watch.drained) watch.sinceWallMs = clock.wallMs();
    if (state.verdict === "up") watch.served = true;
    onBoard.show(watch, before);
    if (before !== shownState(watch)) news.verdictChanged(watch, before);
    refresh(watch.cluster);
    if (wasUp && state.verdict === "dead") probeOthersSoon(watch);
  };
  const rounds = createRounds({
    world,
    clock,
    random,
    log,
    identities,
    timeoutMs: () => config.timeouts.probe,
    makeNodeProbe: input.makeNodeProbe ?? createNodeProbe,
    observe(watch, outcome) {
      probes[outcome.verdict === "up" ? "passed" : "failed"] += 1;
      take(watch, outcome);
    },
  });

  const apply = (next: Config, snapshot: Snapshot, early: boolean): void => {
    config = next;
    identities.setClusters(next.clusters);
    const { addedEndpoints, removedNodes } = reconcile(world, next, snapshot, early, clock);
    for (const target of removedNodes) rounds.end(target);
    for (const watch of addedEndpoints) {
      watch.drained = isDrained(watch);
      onBoard.open(watch);
    }
    for (const cluster of world.clusters.values()) {
      for (const watch of cluster.endpoints) {
        // what was found before the checks were turned off must not hold for ever
        if (cluster.config.check === "off") watch.state = unknownSince(clock.nowMs());
        onBoard.show(watch, null);
      }
      refresh(cluster);
    }
    for (const target of world.nodes.values()) rounds.begin(target);
  };
  const isDrained = ({ cluster, node, at }: TrackedEndpoint): boolean =>
    drained.has(`${cluster.name}/${node}`) || drained.has(`${cluster.name}/${at.ip}`);

  let ticking: Cancel = { cancel: () => undefined };
  let ticks = 0;
  const tick = (): void => {
    onBoard.tick(world.endpoints.values());
    identities.tick();
    // who left did so some time ago
    if (++ticks % ROLES_TICKS === 0) for (const cluster of world.clusters.values()) refresh(cluster);
    ticking = clock.timer(TICK_MS, tick);
  };

  apply(config, input.snapshot, true);
  ticking = clock.timer(TICK_MS, tick);

  const probeSoon = (watch: TrackedEndpoint): void => {
    const target = watch.cluster.nodes.find(({ endpoints }) => endpoints.includes(watch));
    if (target !== undefined) rounds.probeSoon(target);
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
        take(watch, { verdict: "dead", reason: faultReason(fault, config.timeouts.connect) });
      }
      probeSoon(watch);
    },
    probeSoon(cell) {
      const watch = world.byCell.get(cell);
      if (watch !== undefined) probeSoon(watch);
    },
    drain(cluster, node, on) {
      const meant = [...world.endpoints.values()].filter(
        (watch) => watch.cluster.name === cluster && (watch.node === node || watch.at.ip === node),
      );
      if (on && meant.length > 0) drained.add(`${cluster}/${node}`);
      if (!on) for (const { at, node } of meant) for (const each of [at.ip, node]) drained.delete(`${cluster}/${each}`);
      for (const watch of meant) setDrained(watch, on);
      return meant.length;
    },
    endpoints: () => endpointViews(world),
    probeCounts: () => ({ ...probes }),
    clusters: () => [...world.clusters.values()].map((cluster) => clusterView(cluster, identities)),
    domainOf: (cluster) => identities.domainOf(cluster),
    stop() {
      ticking.cancel();
      news.stop();
      for (const target of world.nodes.values()) rounds.end(target);
    },
  };

  function setDrained(watch: TrackedEndpoint, on: boolean): void {
    if (watch.drained === on) return;
    const before = shownState(watch);
    watch.drained = on;
    watch.sinceWallMs = clock.wallMs();
    onBoard.show(watch, null);
    news.verdictChanged(watch, before);
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
