/** When each node is probed: in turn, at a pace that never bursts, and sooner when something happened. */
import { onGrid, takeStart, type StartPace } from "../../core/health/schedule.ts";
import type { Clock } from "./system-clock.ts";
import type { ProbedNode } from "./tracked.ts";

export interface SchedulerInput {
  readonly clock: Clock;
  /** How many probes may start in one slot now. */
  readonly quota: () => number;
  /** Probe a node. @returns when to probe it next, on the clock, ms; must not throw. */
  readonly probe: (node: ProbedNode) => Promise<number>;
}

export class ProbeScheduler {
  private readonly input: SchedulerInput;
  /** Nodes whose probe is due, in the order they became so. */
  private readonly due = new Set<ProbedNode>();
  private pace: StartPace = { slot: -1, used: 0 };
  /** Due nodes wait for the next slot. */
  private waiting = false;

  constructor(input: SchedulerInput) {
    this.input = input;
  }

  /** Probe this node from now on, first as soon as the pace allows; nothing if that goes on already. */
  start(node: ProbedNode): void {
    if (!node.cluster.checksOff && !node.probing && node.timer === null) this.enqueue(node);
  }

  /** Something happened: probe as soon as the pace allows, or again if a probe is under way. */
  probeSoon(node: ProbedNode): void {
    if (node.cluster.checksOff) return;
    node.prompted = true;
    if (node.probing) node.probeAgain = true;
    else this.enqueue(node);
  }

  stop(node: ProbedNode): void {
    node.removed = true;
    node.timer?.cancel();
    this.due.delete(node);
  }

  private enqueue(node: ProbedNode): void {
    node.timer?.cancel();
    node.timer = null;
    if (node.removed || this.due.has(node)) return;
    this.due.add(node);
    if (!this.waiting) this.startDue();
  }

  private startDue(): void {
    const { clock } = this.input;
    const quota = this.input.quota();
    this.waiting = false;
    for (const node of this.due) {
      const { pace, waitMs } = takeStart(this.pace, clock.nowMs(), quota);
      this.pace = pace;
      if (waitMs > 0) {
        this.waiting = true;
        clock.timer(waitMs, () => this.startDue());
        return;
      }
      this.due.delete(node);
      void this.run(node);
    }
  }

  private async run(node: ProbedNode): Promise<void> {
    if (node.removed || node.probing) return;
    if (node.cluster.checksOff) {
      node.prompted = false;
      return;
    }
    node.probing = true;
    node.probeAgain = false;
    const nextMs = await this.input.probe(node);
    node.probing = false;
    node.prompted = node.probeAgain;
    if (node.probeAgain) this.enqueue(node);
    else this.enqueueAt(node, nextMs);
  }

  private enqueueAt(node: ProbedNode, atMs: number): void {
    if (node.removed) return;
    const { clock } = this.input;
    node.timer?.cancel();
    node.timer = clock.timer(Math.max(0, onGrid(atMs) - clock.nowMs()), () => this.enqueue(node));
  }
}
