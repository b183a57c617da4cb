/**
 * The health monitor: probes every node, writes verdicts to the board, logs what changed and has tunnels cut.
 * Control's thread only; the workers read the board.
 */
import { WallJumps } from "./wall-jumps.ts";
import type { Config } from "../../config/model.ts";
import { faultReason, type Fault } from "../../core/health/ladder.ts";
import { CHANGING_MS, nextDelay, slotQuota } from "../../core/health/schedule.ts";
import { unknownSince } from "../../core/health/verdict.ts";
import type { Board } from "../../seam/board.ts";
import type { DialError } from "../../seam/mail.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { EventLog } from "../log/event-log.ts";
import { createNodeProbe, type NodeProbe, type ProbePlan } from "../probe/node-probe.ts";
import { outOfDescriptors } from "../probe/socket.ts";
import { HealthBoardWriter, type CutTunnels } from "./board-writer.ts";
import { carryHealth, healthFacts, type HealthFacts } from "./carried-health.ts";
import { EndpointStates, type OwnPort } from "./endpoint-states.ts";
import { HealthLog } from "./health-log.ts";
import { HealthModel } from "./health-model.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import { NodeIdentities } from "./node-identities.ts";
import { NodeProber, type NodeFindings } from "./node-prober.ts";
import { ProbeScheduler } from "./probe-scheduler.ts";
import { systemClock, type Cancel, type Clock } from "./system-clock.ts";
import type { ProbedNode } from "./tracked.ts";
import {
  certificateView,
  clusterView,
  endpointView,
  type ClusterHealth,
  type EndpointHealth,
  type CertificateHealth,
} from "./view.ts";

export interface HealthInput {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly board: Board;
  readonly log: EventLog;
  readonly cut: CutTunnels;
  /** Domains were learnt: build a snapshot with these, by cluster, and call `update`. Never called before `start` returned. */
  readonly onDomains?: (learnt: ReadonlyMap<string, string>) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly makeNodeProbe?: (plan: ProbePlan) => NodeProbe;
  /** Who signs the certificates of discovered clusters. */
  readonly trust?: IssuerTrust;
  /** Endpoints that are edge-lb itself are foreign, and never probed. */
  readonly own?: OwnPort;
  /** What a process before knew. */
  readonly before?: HealthFacts;
}

export interface ProbeCounts {
  readonly passed: number;
  readonly failed: number;
}

const TICK_MS = 1_000;
/** Roles are also updated every so many ticks: a node that left for good changes nothing else at that moment. */
const ROLES_TICKS = 60;
/** A probe that threw is a fault of ours; the next one comes after this. */
const FAULT_MS = 5_000;
/** Clusters with longer intervals than this do not slow the starts of probes down any further. */
const LONGEST_INTERVAL_MS = 30_000;

/** What a failed dial says of the endpoint. Null: probe, but do not count it; missing: not the node's fault. */
const DIAL_FAULTS: Readonly<Partial<Record<DialError, Fault | null>>> = {
  refused: "refused",
  timeout: "silent",
  unreachable: "unreachable",
  other: null,
};

export class HealthMonitor {
  private readonly input: HealthInput;
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly model: HealthModel;
  private readonly boardWriter: HealthBoardWriter;
  private readonly healthLog: HealthLog;
  private readonly identities: NodeIdentities;
  private readonly prober: NodeProber;
  private readonly scheduler: ProbeScheduler;
  private readonly states: EndpointStates;
  private readonly counts = { passed: 0, failed: 0 };
  private config: Config;
  /** How many probes may start in one slot. */
  private startQuota = 1;
  private ticks = 0;
  private ticking: Cancel | null = null;
  private readonly wallJumps: WallJumps;

  constructor(input: HealthInput) {
    const { config, board, log, cut, clock = systemClock, random = Math.random } = input;
    this.input = input;
    this.config = config;
    this.clock = clock;
    this.wallJumps = new WallJumps(clock);
    this.random = random;
    this.model = new HealthModel(clock);
    this.boardWriter = new HealthBoardWriter(board, clock, cut);
    this.healthLog = new HealthLog(log, clock);
    this.identities = new NodeIdentities(log, () => clock.wallMs(), input.trust);
    if (input.before !== undefined) this.identities.carry(input.before);
    const { makeNodeProbe = createNodeProbe } = input;
    this.prober = new NodeProber({ clock, random, log, identities: this.identities, makeNodeProbe });
    this.scheduler = new ProbeScheduler({
      clock,
      quota: () => this.startQuota,
      probe: (node) => this.probe(node),
    });
    const { model, boardWriter, healthLog, scheduler } = this;
    const probeSoon = (node: ProbedNode): void => scheduler.probeSoon(node);
    const { own, before } = input;
    const drained = before?.drained ?? [];
    this.states = new EndpointStates({ clock, model, boardWriter, healthLog, cut, own, drained, probeSoon });
  }

  start(): void {
    this.apply(this.config, this.input.snapshot, true);
    if (this.input.before !== undefined) this.carry(this.input.before);
    this.ticking = this.clock.timer(TICK_MS, () => this.tick());
  }

  /** Configuration or snapshot changed; endpoints that stay keep their verdicts. */
  update(config: Config, snapshot: Snapshot): void {
    this.apply(config, snapshot, false);
  }

  stop(): void {
    this.ticking?.cancel();
    this.healthLog.stop();
    for (const node of this.model.nodes) this.remove(node);
  }

  /** A client's dial failed: it counts, and the node is probed at once. */
  dialFailed(cell: number, error: DialError): void {
    const endpoint = this.model.atCell(cell);
    if (endpoint === null || endpoint.cluster.checksOff || endpoint.own) return;
    const fault = DIAL_FAULTS[error];
    // our own trouble, not the node's; workers share this process's descriptors
    if (fault === undefined || outOfDescriptors()) return;
    if (fault !== null && endpoint.state.verdict !== "dead") {
      this.states.take(endpoint, { verdict: "dead", reason: faultReason(fault, this.config.timeouts.connect) });
    }
    this.probeSoon(cell);
  }

  /** A client met something odd there: it does not count, but the node is probed at once. */
  probeSoon(cell: number): void {
    const endpoint = this.model.atCell(cell);
    const node = endpoint === null ? null : this.model.nodeOf(endpoint);
    if (node !== null) this.scheduler.probeSoon(node);
  }

  /** Its nodes are awaited, or not any more: they are probed every second meanwhile. */
  hurry(name: string, on: boolean): void {
    const cluster = this.model.clusters.find((each) => each.name === name);
    if (cluster === undefined) return;
    cluster.awaited = on;
    if (on) for (const node of cluster.nodes) this.scheduler.probeSoon(node);
  }

  /**
   * Take a node out for new clients, or put it back; survives `update`. Its tunnels get the drain time.
   * @param node As the operator named it, or its address.
   * @returns How many endpoints that were.
   */
  drain(cluster: string, node: string, on: boolean): number {
    return this.states.drain(cluster, node, on, this.config.timeouts.drain);
  }

  endpoints(): readonly EndpointHealth[] {
    const nowMs = this.clock.nowMs();
    return this.model.endpoints.map((endpoint) => endpointView(endpoint, nowMs));
  }

  clusters(): readonly ClusterHealth[] {
    const nowMs = this.clock.nowMs();
    return this.model.clusters.map((cluster) => clusterView(cluster, this.identities, nowMs));
  }

  /** Cluster by cluster, what its nodes showed last. */
  certificates(): readonly CertificateHealth[] {
    return this.model.clusters.flatMap(({ nodes }) => nodes.flatMap((node) => certificateView(node) ?? []));
  }

  /** What another process needs to go on from here. */
  facts(): HealthFacts {
    const known = { ...this.identities.facts(), drained: this.states.drainedNames, counts: this.probeCounts() };
    return healthFacts(this.model, this.clock.nowMs(), known);
  }

  private carry(facts: HealthFacts): void {
    carryHealth(this.model, facts, this.clock.nowMs(), (node) => {
      const { key, group, certificate, identity } = node;
      if (certificate !== null)
        this.identities.remember({ key, cluster: node.cluster.name, group, certificate }, identity);
    });
    Object.assign(this.counts, facts.counts);
    this.apply(this.config, this.input.snapshot, true);
  }

  /** Outcomes of endpoints since the start: a probe of a node that serves two pools gives two. */
  probeCounts(): ProbeCounts {
    return { ...this.counts };
  }

  /** A cluster's domain, given or learnt; null: not known. */
  domainOf(cluster: string): string | null {
    return this.identities.domainOf(cluster);
  }

  private apply(config: Config, snapshot: Snapshot, sinceStart: boolean): void {
    this.config = config;
    this.identities.setClusters(config.clusters);
    const { addedEndpoints, removedNodes } = this.model.update(config, snapshot, sinceStart);
    for (const node of removedNodes) this.remove(node);
    for (const endpoint of addedEndpoints) this.states.added(endpoint);
    for (const cluster of this.model.clusters) {
      for (const endpoint of cluster.endpoints) {
        // what was found before the checks were turned off must not hold for ever
        if (cluster.checksOff && !endpoint.own) endpoint.state = unknownSince(this.clock.nowMs());
        this.boardWriter.update(endpoint);
      }
      this.states.refresh(cluster);
    }
    this.states.markOwn();
    this.startQuota = this.quotaNow();
    for (const node of this.model.nodes) this.scheduler.start(node);
  }

  private remove(node: ProbedNode): void {
    this.scheduler.stop(node);
    this.prober.forget(node);
  }

  private tick(): void {
    if (this.input.own?.look() === true) this.states.markOwn();
    const jumpMs = this.wallJumps.take();
    if (jumpMs !== 0) this.boardWriter.shift(this.model.clusters, jumpMs);
    this.boardWriter.tick(this.model.endpoints);
    if (this.identities.learnDomains()) this.input.onDomains?.(this.identities.learntDomains);
    this.identities.checkWarnings();
    this.ticks += 1;
    if (this.ticks % ROLES_TICKS === 0) for (const cluster of this.model.clusters) this.states.refresh(cluster);
    this.ticking = this.clock.timer(TICK_MS, () => this.tick());
  }

  private quotaNow(): number {
    const shortest = this.model.clusters.reduce(
      (ms, { config }) => Math.min(ms, config.intervalMs),
      LONGEST_INTERVAL_MS,
    );
    return slotQuota(this.model.nodeCount, shortest);
  }

  /** One probe round. @returns when the next is due, on the clock, ms */
  private async probe(node: ProbedNode): Promise<number> {
    const startedMs = this.clock.nowMs();
    try {
      const findings = await this.prober.probe(node, this.config.timeouts.probe);
      if (!node.removed) this.takeFindings(node, findings, this.clock.nowMs() - startedMs);
      const states = node.endpoints.map(({ state }) => state);
      const delayMs = nextDelay(states, node.cluster.config.intervalMs, this.random());
      return startedMs + (node.cluster.awaited ? Math.min(delayMs, CHANGING_MS) : delayMs);
    } catch (error) {
      this.input.log.error("health", `Cannot probe ${node.ip} of ${node.cluster.name}: ${String(error)}`);
      return startedMs + FAULT_MS;
    }
  }

  private takeFindings(node: ProbedNode, findings: NodeFindings, tookMs: number): void {
    const { outcomes, rungRaised, becameForeign } = findings;
    for (const { endpoint, outcome } of outcomes) {
      const passed = outcome.verdict === "up";
      this.counts[passed ? "passed" : "failed"] += 1;
      endpoint.checks.probed(passed, tookMs);
      this.states.take(endpoint, outcome);
    }
    const others = node.cluster.nodes.filter((other) => other !== node);
    for (const other of others) {
      // those that passed a lower rung may not be ready after all
      if (rungRaised && other.group.name === node.group.name) this.scheduler.probeSoon(other);
    }
    for (const other of others) {
      // an address that another cluster's node got is another cluster's on every port
      if (becameForeign && other.ip === node.ip) this.scheduler.probeSoon(other);
    }
  }
}
