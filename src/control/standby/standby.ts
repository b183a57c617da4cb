/** Clusters that sleep while nobody needs them: woken when a client asks, put to sleep when they were idle for long. */
import type { ClusterConfig, Config } from "../../config/model.ts";
import { durationText } from "../../config/values/values.ts";
import { hasUsable, mayBeAsleep } from "../../core/health/asleep.ts";
import type { ClusterStanding, Rest } from "../../core/health/cluster-state.ts";
import { activeOf, healthView, totalOf, type Board } from "../../seam/board.ts";
import type { ClusterPlan, Snapshot } from "../../seam/snapshot.ts";
import type { HealthMonitor } from "../health/monitor.ts";
import type { EventLog } from "../log/event-log.ts";
import { Hooks } from "./hooks.ts";
import type { HookEnd } from "./hook-run.ts";

/** What is served now. */
export interface Served {
  readonly config: Pick<Config, "clusters">;
  readonly snapshot: Pick<Snapshot, "clusters">;
  readonly board: Board;
  readonly health: Pick<HealthMonitor, "hurry"> | null;
}

export interface StandbyClock {
  nowMs(): number;
  wallMs(): number;
}

/** A cluster that has not come back by then is down. */
const WAKING_MOST_MS = 600_000;

/** From the first pool with a usable node to the last. */
const COMING_MS = 60_000;

const SYSTEM: StandbyClock = { nowMs: () => performance.now(), wallMs: () => Date.now() };

/** One cluster with `wake` or `sleep`. */
interface Sleeper {
  /** When somebody used it or asked for it last. */
  usedMs: number;
  connections: number;
  /** `sleep` ran in this idle period. */
  hasRun: boolean;
  /** It was put to sleep, and nobody used it since. */
  isPut: boolean;
  /** Since when its nodes are being woken; null: they are not. */
  wakingMs: number | null;
  /** Since when some of them are there again. */
  firstUpMs: number | null;
  /** The program failed, or nothing came of it: it does not just sleep. */
  hasFailed: boolean;
  /** What is shown of it. */
  rest: (Omit<Rest, "sinceSeconds"> & { readonly sinceMs: number }) | null;
}

/** What one process tells the next of those; times travel as ages. */
export interface StandbyFacts {
  readonly sleepers: readonly (Pick<Sleeper, "hasRun" | "isPut" | "hasFailed"> & {
    readonly cluster: string;
    readonly usedAgoMs: number;
    readonly wakingAgoMs: number | null;
    readonly rest: Pick<Rest, "state" | "reason"> | null;
    readonly restAgoMs: number;
  })[];
  readonly woken: ReturnType<Hooks["facts"]>;
}

export class Standby {
  private readonly served: Served;
  private readonly log: EventLog;
  private readonly clock: StandbyClock;
  private readonly hooks: Hooks;
  private readonly sleepers = new Map<string, Sleeper>();

  constructor(served: Served, log: EventLog, clock: StandbyClock = SYSTEM) {
    this.served = served;
    this.log = log;
    this.clock = clock;
    this.hooks = new Hooks({ log, nowMs: () => clock.nowMs() });
  }

  /** Nobody has `wake` or `sleep`: there is nothing to look at. */
  get isIdle(): boolean {
    return !this.served.config.clusters.some(sleeps);
  }

  /** A client that may asks for a name of it. @param cell the cluster's */
  asked(cell: number, name: string): void {
    const { config, snapshot, board } = this.served;
    const plan = snapshot.clusters.find((each) => each.cell === cell);
    const cluster = config.clusters.find((each) => each.name === plan?.name);
    // what the worker saw may be over
    if (plan === undefined || cluster === undefined || !mayBeAsleep(plan, healthView(board))) return;
    const sleeper = this.sleeperOf(cluster, plan);
    sleeper.usedMs = this.clock.nowMs();
    if (!this.hooks.run("wake", cluster, name, (end) => this.woken(cluster.name, sleeper, end))) return;
    sleeper.hasRun = false;
    sleeper.isPut = false;
    sleeper.hasFailed = false;
    sleeper.wakingMs = this.clock.nowMs();
    this.rest(cluster.name, sleeper, { state: "waking", reason: `${name} was asked for` });
    this.hurry(plan, true);
  }

  /** Once a second or so. @param standingOf what the cluster is by its nodes alone */
  look(standingOf: (plan: ClusterPlan) => ClusterStanding): void {
    const { config, snapshot } = this.served;
    const plans = new Map(snapshot.clusters.map((plan) => [plan.name, plan]));
    const clusters = config.clusters.filter(sleeps);
    const names = new Set(clusters.map(({ name }) => name));
    for (const name of this.sleepers.keys()) if (!names.has(name)) this.sleepers.delete(name);
    for (const cluster of clusters) {
      const plan = plans.get(cluster.name);
      if (plan === undefined) continue;
      const sleeper = this.sleeperOf(cluster, plan);
      const served = this.count(cluster, plan, sleeper);
      if (cluster.check === "off") {
        this.lookUnchecked(cluster, plan, sleeper, served);
        continue;
      }
      const { state } = standingOf(plan);
      // before every node was probed twice, some count as usable that are not
      const seems = state === "degraded" && mayBeAsleep(plan, healthView(this.served.board));
      if (state === "down" || seems) this.lookDown(cluster, plan, sleeper);
      else if (state !== "unknown") this.lookUp(cluster, plan, sleeper);
    }
  }

  /** What a cluster does whose nodes take no clients; null: it is down. */
  restOf(name: string): Rest | null {
    const rest = this.sleepers.get(name)?.rest ?? null;
    if (rest === null) return null;
    const { state, reason, sinceMs } = rest;
    return { state, reason, sinceSeconds: Math.max(0, Math.round((this.clock.nowMs() - sinceMs) / 1_000)) };
  }

  stop(): void {
    this.hooks.stop();
  }

  facts(): StandbyFacts {
    const nowMs = this.clock.nowMs();
    const sleepers = [...this.sleepers].map(([cluster, { hasRun, isPut, hasFailed, usedMs, wakingMs, rest }]) => ({
      cluster,
      hasRun,
      isPut,
      hasFailed,
      usedAgoMs: nowMs - usedMs,
      wakingAgoMs: wakingMs === null ? null : nowMs - wakingMs,
      rest: rest === null ? null : { state: rest.state, reason: rest.reason },
      restAgoMs: rest === null ? 0 : nowMs - rest.sinceMs,
    }));
    return { sleepers, woken: this.hooks.facts() };
  }

  /** To be called once the board has the counts of the process before: what it adds later are clients. */
  carry({ sleepers, woken }: StandbyFacts): void {
    const nowMs = this.clock.nowMs();
    this.hooks.carry(woken);
    for (const { cluster, usedAgoMs, wakingAgoMs, rest, restAgoMs, ...state } of sleepers) {
      const plan = this.served.snapshot.clusters.find(({ name }) => name === cluster);
      if (plan === undefined) continue;
      this.sleepers.set(cluster, {
        ...state,
        usedMs: nowMs - usedAgoMs,
        connections: totalOf(this.served.board, plan.cell, "connections"),
        wakingMs: wakingAgoMs === null ? null : nowMs - wakingAgoMs,
        firstUpMs: null,
        rest: rest === null ? null : { ...rest, sinceMs: nowMs - restAgoMs },
      });
      if (wakingAgoMs !== null) this.hurry(plan, true);
    }
  }

  private sleeperOf(cluster: ClusterConfig, { cell }: ClusterPlan): Sleeper {
    const known = this.sleepers.get(cluster.name);
    if (known !== undefined) return known;
    const fresh: Sleeper = {
      usedMs: this.clock.nowMs(),
      connections: totalOf(this.served.board, cell, "connections"),
      hasRun: false,
      isPut: false,
      wakingMs: null,
      firstUpMs: null,
      hasFailed: false,
      rest: null,
    };
    this.sleepers.set(cluster.name, fresh);
    this.hooks.check(cluster);
    return fresh;
  }

  /** @returns whether a client got a node since the last look */
  private count({ check }: ClusterConfig, { cell }: ClusterPlan, sleeper: Sleeper): boolean {
    const { board } = this.served;
    const connections = totalOf(board, cell, "connections");
    const served = connections !== sleeper.connections;
    if (!served && activeOf(board, cell) === 0) return false;
    sleeper.connections = connections;
    sleeper.usedMs = this.clock.nowMs();
    sleeper.hasRun = false;
    // where nobody probes, a client that tries in vain is no sign that it is awake
    if (served || check !== "off") sleeper.isPut = false;
    return served;
  }

  /** Nobody probes it: it does what it was told to do, until a client gets a node. */
  private lookUnchecked(cluster: ClusterConfig, plan: ClusterPlan, sleeper: Sleeper, served: boolean): void {
    const { wakingMs, isPut } = sleeper;
    const isWaking = wakingMs !== null && this.clock.nowMs() - wakingMs < COMING_MS;
    if (!served && (isWaking || this.hooks.isRunning(cluster.name))) return;
    if (!served && isPut) this.rest(cluster.name, sleeper, { state: "asleep", reason: idleText(cluster) });
    else this.lookUp(cluster, plan, sleeper);
  }

  private lookDown(cluster: ClusterConfig, plan: ClusterPlan, sleeper: Sleeper): void {
    const { wakingMs } = sleeper;
    sleeper.usedMs = this.clock.nowMs(); // idle is who could be used
    if (wakingMs !== null) {
      if (this.clock.nowMs() - wakingMs >= WAKING_MOST_MS) this.fail(cluster.name, plan, sleeper, "no node came back");
    } else if (sleeper.isPut) this.rest(cluster.name, sleeper, { state: "asleep", reason: idleText(cluster) });
    else if (cluster.wake !== null && !sleeper.hasFailed) {
      this.rest(cluster.name, sleeper, { state: "asleep", reason: "the next client that asks wakes it" });
    }
  }

  private lookUp(cluster: ClusterConfig, plan: ClusterPlan, sleeper: Sleeper): void {
    if (this.isComing(plan, sleeper)) return;
    sleeper.hasFailed = false;
    sleeper.wakingMs = null;
    sleeper.firstUpMs = null;
    if (sleeper.rest !== null) {
      const seconds = Math.round((this.clock.nowMs() - sleeper.rest.sinceMs) / 1_000);
      const text = `${cluster.name} is awake, it was ${sleeper.rest.state} for ${seconds} s`;
      this.log.info("cluster awake", text, { cluster: cluster.name });
      sleeper.rest = null;
    }
    if (this.served.board.waking[plan.cell] === 1) this.hurry(plan, false);
    if (sleeper.hasRun || this.clock.nowMs() - sleeper.usedMs < cluster.sleepAfterMs) return;
    sleeper.hasRun = this.hooks.run("sleep", cluster, "", ({ ok }) => (sleeper.isPut = ok && sleeper.hasRun));
  }

  /** Its nodes do not serve all pools at the same moment: clients of the later ones still wait. */
  private isComing({ pools, allDown }: ClusterPlan, sleeper: Sleeper): boolean {
    if (sleeper.wakingMs === null) return false;
    sleeper.firstUpMs ??= this.clock.nowMs();
    if (this.clock.nowMs() - sleeper.firstUpMs >= COMING_MS) return false;
    const health = healthView(this.served.board);
    return pools.some((pool) => pool !== null && pool.endpoints.length > 0 && !hasUsable(pool, health, allDown));
  }

  private woken(name: string, sleeper: Sleeper, { ok, how }: HookEnd): void {
    const plan = this.served.snapshot.clusters.find((each) => each.name === name);
    if (!ok && plan !== undefined && sleeper.wakingMs !== null) this.fail(name, plan, sleeper, how);
  }

  /** It is down until somebody asks again. */
  private fail(name: string, plan: ClusterPlan, sleeper: Sleeper, why: string): void {
    sleeper.wakingMs = null;
    sleeper.hasFailed = true;
    sleeper.rest = null;
    this.hurry(plan, false);
    this.log.warn("cluster not woken", `${name} could not be woken: ${why}`, { cluster: name });
  }

  private rest(name: string, sleeper: Sleeper, { state, reason }: Pick<Rest, "state" | "reason">): void {
    if (sleeper.rest?.state === state) return;
    sleeper.rest = { state, reason, sinceMs: this.clock.nowMs() };
    this.log.info(`cluster ${state}`, `${name} is ${state}: ${reason}`, { cluster: name, state });
  }

  /** While it wakes, workers wait for it and its nodes are probed every second. */
  private hurry({ name, cell }: ClusterPlan, on: boolean): void {
    Atomics.store(this.served.board.waking, cell, on ? 1 : 0);
    this.served.health?.hurry(name, on);
  }
}

function sleeps({ wake, sleep }: ClusterConfig): boolean {
  return wake !== null || sleep !== null;
}

function idleText({ sleepAfterMs }: ClusterConfig): string {
  return `nobody was connected for ${durationText(sleepAfterMs)}`;
}
