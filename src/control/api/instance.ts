/** The running edge-lb as its API sees it. */
import manifest from "../../../package.json" with { type: "json" };
import { EdgeError } from "../../errors.ts";
import { activeOf, HEALTH } from "../../seam/board.ts";
import { ClusterChanges, type ChangeResult } from "./change-clusters.ts";
import type { Circumstances } from "./asked-name.ts";
import { explainLive, type Explanation } from "./explain-name.ts";
import type { RecentEvents } from "../log/recent-events.ts";
import type { CertificateHealth } from "../health/view.ts";
import type { LiveTail } from "../log/live-tail.ts";
import { systemClock } from "../health/system-clock.ts";
import type { Reload, ReloadResult } from "../serve/reloader.ts";
import { buildStatus, countersOf, standingsOf, type Status, type StatusOptions } from "../status/report.ts";
import { RateMeter } from "../status/rates.ts";
import { Start } from "../status/start.ts";
import type { Supervisor } from "../serve/supervisor.ts";
import type { Upgraded } from "../upgrade/upgraded.ts";

/** What a running edge-lb can be asked and told. */
export interface Instance {
  readonly release: string;
  readonly events: RecentEvents;
  /** Connections, live. */
  readonly tail: LiveTail;
  readonly stopping: boolean;
  /** Why no client should be sent here: null when every listener accepts in every worker and nothing ends. Clusters do not matter. */
  unready(): string | null;
  status(options?: StatusOptions): Status;
  /** What nodes showed last to probes. */
  certificates(): readonly CertificateHealth[];
  /** @throws EdgeError USAGE */
  explain(text: string, how: Circumstances): Explanation;
  /** @param allowEmpty Also a file that lost all that it said counts. */
  reload(why: string, allowEmpty: boolean): Promise<ReloadResult>;
  putCluster(name: string, spec: string, save: boolean): Promise<ChangeResult>;
  /** As file and flags have it, whatever was added or removed. */
  restoreCluster(name: string): Promise<ChangeResult>;
  /** @param now Its tunnels get no time. */
  deleteCluster(name: string, now: boolean, save: boolean): Promise<ChangeResult>;
  /** As the operator named them; null: there is no such cluster. */
  nodesOf(cluster: string): readonly string[] | null;
  /** @returns null when there is no such node */
  drain(cluster: string, node: string, on: boolean): DrainResult | null;
  /** @param to The executable that takes over; null: what stands at our own path. @throws EdgeError UPGRADE_FAILED */
  upgrade(to: string | null): Promise<Upgraded>;
}

export interface DrainResult {
  /** Pools it served: `api`, `https`. */
  readonly pools: readonly string[];
  readonly active: number;
  readonly cutSeconds: number;
  /** Pools of these in which no node takes clients now; earlier releases do not say. */
  readonly empty?: readonly string[];
}

export interface InstanceInput {
  readonly supervisor: Supervisor;
  readonly reload: Reload;
  readonly events: RecentEvents;
}

/** How soon a cluster leaves that has to, or falls asleep. */
const TICK_MS = 500;

export class RunningInstance implements Instance {
  readonly release = manifest.version;
  readonly events: RecentEvents;
  readonly tail: LiveTail;
  /** Set by whoever runs it. */
  upgrade: Instance["upgrade"] = () =>
    Promise.reject(new EdgeError("UPGRADE_FAILED", "Cannot upgrade: edge-lb is starting"));
  /** Set when a stop was asked for. */
  stopping = false;
  private readonly supervisor: Supervisor;
  private readonly reloads: Reload;
  private readonly changes: ClusterChanges;
  private readonly rates: RateMeter;
  readonly start = new Start();
  /** Clusters whose time is over are being removed. */
  private leaving = false;
  private readonly expiring: ReturnType<typeof setInterval>;

  constructor({ supervisor, reload, events }: InstanceInput) {
    this.supervisor = supervisor;
    this.reloads = reload;
    this.events = events;
    this.tail = supervisor.tail;
    this.changes = new ClusterChanges(supervisor, reload);
    this.rates = new RateMeter(() => countersOf(supervisor), systemClock);
    this.expiring = setInterval(() => this.tick(), TICK_MS);
  }

  private tick(): void {
    this.expire();
    const { supervisor } = this;
    if (!supervisor.standby.isIdle) supervisor.standby.look(standingsOf(supervisor, Date.now()));
  }

  private expire(): void {
    const { expiry, config, log } = this.supervisor;
    const due = expiry.look(config);
    if (due.size === 0 || this.leaving) return;
    this.leaving = true;
    void this.changes.expire(due, log).finally(() => (this.leaving = false));
  }

  unready(): string | null {
    if (this.stopping) return "stopping";
    const idle = this.supervisor.idleWorkers();
    return idle.length === 0 ? null : `${idle.length} of ${this.supervisor.workers} workers do not accept connections`;
  }

  status(options?: StatusOptions): Status {
    this.expire(); // what was added just now has its end from now on
    const { supervisor: facts, events, rates, stopping, reloads } = this;
    const nowMs = Date.now();
    const startedMs = this.start.onWall(nowMs);
    return buildStatus({ facts, events, rates, startedMs, reload: reloads.status, stopping, nowMs }, options);
  }

  certificates(): readonly CertificateHealth[] {
    return this.supervisor.health?.certificates() ?? [];
  }

  explain(text: string, how: Circumstances): Explanation {
    return explainLive(this.supervisor, text, Date.now(), how);
  }

  reload(why: string, allowEmpty: boolean): Promise<ReloadResult> {
    return this.reloads.reload(why, allowEmpty);
  }

  putCluster(name: string, spec: string, save: boolean): Promise<ChangeResult> {
    return this.changes.put(name, spec, save);
  }

  restoreCluster(name: string): Promise<ChangeResult> {
    return this.changes.restore(name);
  }

  deleteCluster(name: string, now: boolean, save: boolean): Promise<ChangeResult> {
    return this.changes.delete(name, now, save);
  }

  nodesOf(cluster: string): readonly string[] | null {
    const plan = this.supervisor.snapshot.clusters.find(({ name }) => name === cluster);
    if (plan === undefined) return null;
    return [...new Set(plan.pools.flatMap((pool) => (pool?.endpoints ?? []).map(({ node }) => node)))];
  }

  drain(cluster: string, node: string, on: boolean): DrainResult | null {
    return drain(this.supervisor, cluster, node, on);
  }

  end(): void {
    clearInterval(this.expiring);
    this.rates.stop();
  }
}

/** No client goes there. */
const OUT: ReadonlySet<number> = new Set([HEALTH.drained, HEALTH.dead, HEALTH.foreign]);

function drain(
  { health, snapshot, board, config, log }: Supervisor,
  name: string,
  node: string,
  on: boolean,
): DrainResult | null {
  if (health === null || health.drain(name, node, on) === 0) return null;
  const plan = snapshot.clusters.find((each) => each.name === name);
  const meant = (plan?.pools ?? []).flatMap((pool, index) =>
    (pool?.endpoints ?? [])
      .filter((each) => each.node === node || each.at.ip === node)
      .map(({ cell }) => ({ service: snapshot.services[index]?.name ?? "", cell })),
  );
  const pools = new Set(meant.map(({ service }) => service));
  const empty = snapshot.services.flatMap(({ name: service, index }) => {
    const endpoints = plan?.pools[index]?.endpoints ?? [];
    return pools.has(service) && endpoints.every(({ cell }) => OUT.has(board.health[cell] ?? 0)) ? [service] : [];
  });
  if (on && empty.length > 0) {
    log.warn("drain", `${name}: no node takes clients of ${empty.join(", ")} now, ${node} was the last`, {
      cluster: name,
    });
  }
  return {
    empty,
    pools: [...pools],
    active: meant.reduce((sum, { cell }) => sum + activeOf(board, cell), 0),
    cutSeconds: config.timeouts.drain / 1_000,
  };
}
