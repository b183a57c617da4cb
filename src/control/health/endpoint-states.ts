/** An endpoint's state changes here alone, by what was found there, by a drain, or because it is edge-lb itself; board, log and tunnels follow. */
import type { OwnListener } from "../../config/clusters/own-listeners.ts";
import { reason } from "../../core/health/reasons.ts";
import { observe, unknownSince, type Outcome } from "../../core/health/verdict.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { HealthBoardWriter, CutTunnels } from "./board-writer.ts";
import type { HealthLog } from "./health-log.ts";
import type { HealthModel } from "./health-model.ts";
import { updateRoles } from "./pool-roles.ts";
import type { Clock } from "./system-clock.ts";
import type { ProbedNode, TrackedCluster, TrackedEndpoint } from "./tracked.ts";

/** Where edge-lb itself listens. */
export interface OwnPort {
  /** Look at this machine's addresses again. @returns whether they changed */
  look(): boolean;
  /** @returns null where somebody else listens, or nobody */
  reachedAt(at: Address): OwnListener | null;
}

export interface EndpointStatesInput {
  readonly clock: Clock;
  readonly model: HealthModel;
  readonly boardWriter: HealthBoardWriter;
  readonly healthLog: HealthLog;
  readonly cut: CutTunnels;
  readonly own: OwnPort | undefined;
  /** `cluster/node` that were drained before. */
  readonly drained: readonly string[];
  readonly probeSoon: (node: ProbedNode) => void;
}

const OWN: Outcome = { verdict: "foreign", reason: reason("edge-lb itself listens there") };

export class EndpointStates {
  private readonly input: EndpointStatesInput;
  /** `cluster/node` as the operator said it. */
  private readonly drained: Set<string>;

  constructor(input: EndpointStatesInput) {
    this.input = input;
    this.drained = new Set(input.drained);
  }

  get drainedNames(): readonly string[] {
    return [...this.drained];
  }

  /** An endpoint that is new. */
  added(endpoint: TrackedEndpoint): void {
    endpoint.drained = endpoint.calledBy.some((name) => this.drained.has(name));
    this.input.boardWriter.add(endpoint);
  }

  /** Something was found there. */
  take(endpoint: TrackedEndpoint, outcome: Outcome): void {
    const { clock, boardWriter, healthLog, probeSoon } = this.input;
    const { cluster } = endpoint;
    const before = endpoint.shownState;
    const wasUp = endpoint.state.verdict === "up";
    const { state, flipped } = observe(endpoint.state, outcome, cluster.limits, clock.nowMs());
    endpoint.state = state;
    if (!flipped) return boardWriter.update(endpoint);
    endpoint.checks.became(state.verdict, clock.nowMs());
    if (!endpoint.drained) endpoint.sinceWallMs = clock.wallMs();
    if (state.verdict === "up") endpoint.served = true;
    boardWriter.verdictChanged(endpoint, before);
    if (before !== endpoint.shownState) healthLog.stateChanged(endpoint, before);
    this.refresh(cluster);
    if (!wasUp || state.verdict !== "dead") return;
    // often the rest of the cluster goes as well: probed at once, that becomes one event
    for (const node of cluster.nodes) if (node.endpoints.some(({ steadyUp }) => steadyUp)) probeSoon(node);
  }

  /**
   * Its tunnels get the drain time.
   * @param node As the operator named it, or its address.
   * @returns How many endpoints that were.
   */
  drain(cluster: string, node: string, on: boolean, drainMs: number): number {
    const meant = this.input.model.endpoints.filter(
      (endpoint) => endpoint.cluster.name === cluster && (endpoint.node === node || endpoint.at.ip === node),
    );
    if (on && meant.length > 0) this.drained.add(`${cluster}/${node}`);
    for (const endpoint of meant) {
      if (!on) for (const name of endpoint.calledBy) this.drained.delete(name);
      this.setDrained(endpoint, on, drainMs);
    }
    return meant.length;
  }

  /** Never to oneself: what became edge-lb's own address gets nothing from now on, what is its no more starts anew. */
  markOwn(): void {
    for (const endpoint of this.input.model.endpoints) {
      const own = (this.input.own?.reachedAt(endpoint.at) ?? null) !== null;
      if (own === endpoint.own) continue;
      endpoint.own = own;
      if (own) this.take(endpoint, OWN);
      else this.startAnew(endpoint);
    }
  }

  /** Roles and summaries of a cluster, after something in it changed. */
  refresh(cluster: TrackedCluster): void {
    const { clock, boardWriter, healthLog } = this.input;
    healthLog.rolesChanged(updateRoles(cluster, clock.nowMs()));
    boardWriter.summarize(cluster);
    cluster.countOutages(clock.nowMs());
  }

  private startAnew(endpoint: TrackedEndpoint): void {
    const { clock, model, probeSoon } = this.input;
    const before = endpoint.shownState;
    endpoint.state = unknownSince(clock.nowMs());
    this.changed(endpoint, before);
    const node = model.nodeOf(endpoint);
    if (node !== null) probeSoon(node);
  }

  private setDrained(endpoint: TrackedEndpoint, on: boolean, drainMs: number): void {
    if (endpoint.drained === on) return;
    const before = endpoint.shownState;
    endpoint.drained = on;
    this.changed(endpoint, before);
    if (on) this.input.cut(endpoint.cell, drainMs, "drain");
  }

  private changed(endpoint: TrackedEndpoint, before: TrackedEndpoint["shownState"]): void {
    const { clock, boardWriter, healthLog } = this.input;
    endpoint.sinceWallMs = clock.wallMs();
    boardWriter.update(endpoint);
    if (before !== endpoint.shownState) healthLog.stateChanged(endpoint, before);
    this.refresh(endpoint.cluster);
  }
}
