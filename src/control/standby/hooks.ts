/** The programs of `wake` and `sleep`: one at a time for each cluster, at a bounded pace, and told in the log. */
import { accessSync, constants } from "node:fs";
import type { ClusterConfig } from "../../config/model.ts";
import { allNodes } from "../../config/clusters/service-settings.ts";
import type { EventLog } from "../log/event-log.ts";
import { HOOK_MOST_MS, HookRun, type HookEnd } from "./hook-run.ts";

export type HookKind = "wake" | "sleep";

export interface HooksInput {
  readonly log: EventLog;
  readonly nowMs: () => number;
  /** @default 60 s */
  readonly mostMs?: number;
}

/** A cluster is not woken again within this time, however many clients ask. */
export const WAKE_PAUSE_MS = 30_000;

export class Hooks {
  private readonly input: HooksInput;
  private readonly running = new Map<string, HookRun>();
  /** When each cluster was woken last. */
  private readonly wokenMs = new Map<string, number>();

  constructor(input: HooksInput) {
    this.input = input;
  }

  /** Says at once what would only show when somebody waits. */
  check(cluster: ClusterConfig): void {
    for (const kind of ["wake", "sleep"] as const) {
      const program = cluster[kind];
      if (program === null) continue;
      try {
        accessSync(program, constants.X_OK);
      } catch {
        const text = `${cluster.name}: ${kind}: ${program} is not there, or edge-lb may not execute it`;
        this.input.log.warn(kind, text, { cluster: cluster.name, hook: kind });
      }
    }
  }

  isRunning(cluster: string): boolean {
    return this.running.has(cluster);
  }

  /** @param name What a client asked for. @returns false: not now, or there is no such program */
  run(kind: HookKind, cluster: ClusterConfig, name: string, onEnd: (end: HookEnd) => void): boolean {
    const { log, nowMs, mostMs = HOOK_MOST_MS } = this.input;
    const program = cluster[kind];
    if (program === null || this.running.has(cluster.name)) return false;
    if (kind === "wake") {
      if (nowMs() - (this.wokenMs.get(cluster.name) ?? -Infinity) < WAKE_PAUSE_MS) return false;
      this.wokenMs.set(cluster.name, nowMs());
    }
    const fields = { cluster: cluster.name, hook: kind };
    const nodes = [...new Set(allNodes(cluster).map(({ host }) => host))];
    const end = (how: HookEnd): void => {
      this.running.delete(cluster.name);
      const text = `${cluster.name}: ${kind}: ${program} ${how.how} after ${(how.tookMs / 1_000).toFixed(1)} s`;
      if (how.ok) log.info(kind, text, fields);
      else log.warn(kind, text, fields);
      onEnd(how);
    };
    const line = (text: string): void => log.info(kind, `${cluster.name}: ${kind}: ${text}`, fields);
    this.running.set(cluster.name, new HookRun({ program, cluster: cluster.name, nodes, name }, { line, end }, mostMs));
    return true;
  }

  /** How long ago each cluster was woken, ms. */
  facts(): readonly (readonly [cluster: string, agoMs: number])[] {
    return [...this.wokenMs].map(([cluster, atMs]) => [cluster, this.input.nowMs() - atMs] as const);
  }

  carry(facts: ReturnType<Hooks["facts"]>): void {
    for (const [cluster, agoMs] of facts) this.wokenMs.set(cluster, this.input.nowMs() - agoMs);
  }

  /** edge-lb ends: nothing that it started stays. */
  stop(): void {
    for (const run of this.running.values()) run.kill();
  }
}
