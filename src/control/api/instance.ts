/** The running edge-lb as its API sees it. */
import manifest from "../../../package.json" with { type: "json" };
import type { RuntimeLayer } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { activeOf } from "../../seam/board.ts";
import { clusterOperations, type ChangeResult } from "./change-clusters.ts";
import { explainLive, type Explanation } from "./explain-name.ts";
import type { RecentEvents } from "../log/recent-events.ts";
import { systemClock } from "../health/system-clock.ts";
import type { Reload, ReloadResult } from "../serve/reload.ts";
import { buildStatus, countersOf, type Status, type StatusOptions } from "../status/report.ts";
import { RateMeter } from "../status/rates.ts";
import type { Supervisor } from "../serve/supervisor.ts";

/** What a running edge-lb can be asked and told. */
export interface Instance {
  readonly release: string;
  readonly events: RecentEvents;
  readonly stopping: boolean;
  status(options?: StatusOptions): Status;
  /** @throws EdgeError USAGE */
  explain(text: string): Explanation;
  reload(why: string): Promise<ReloadResult>;
  putCluster(name: string, spec: string, save: boolean): Promise<ChangeResult>;
  /** @param now Its tunnels get no time. */
  deleteCluster(name: string, now: boolean, save: boolean): Promise<ChangeResult>;
  /** @returns null when there is no such node */
  drain(cluster: string, node: string, on: boolean): DrainResult | null;
}

export interface DrainResult {
  /** Pools it served: `api`, `https`. */
  readonly pools: readonly string[];
  readonly active: number;
  readonly cutSeconds: number;
}

export interface InstanceInput {
  readonly supervisor: Supervisor;
  readonly reload: Reload;
  readonly events: RecentEvents;
  load(runtime: RuntimeLayer): Config;
  isStopping(): boolean;
}

export function createInstance(input: InstanceInput): Instance & { end(): void } {
  const { supervisor, reload, events, isStopping } = input;
  const startedMs = Date.now();
  const rates = new RateMeter(() => countersOf(supervisor), systemClock);
  return {
    release: manifest.version,
    events,
    get stopping() {
      return isStopping();
    },
    status(options) {
      const { status } = reload;
      const stopping = isStopping();
      const nowMs = Date.now();
      return buildStatus({ facts: supervisor, events, rates, startedMs, reload: status, stopping, nowMs }, options);
    },
    explain: (text) => explainLive(supervisor, text, Date.now()),
    reload: (why) => reload.reload(why),
    ...clusterOperations({ facts: supervisor, reload, load: input.load }),
    drain: (cluster, node, on) => drain(supervisor, cluster, node, on),
    end: () => rates.stop(),
  };
}

function drain(
  { health, snapshot, board, config }: Supervisor,
  name: string,
  node: string,
  on: boolean,
): DrainResult | null {
  if (health === null || health.drain(name, node, on) === 0) return null;
  const plan = snapshot.clusters.find((each) => each.name === name);
  const meant = Object.entries(plan?.pools ?? {}).flatMap(([kind, { endpoints }]) =>
    endpoints.filter((each) => each.node === node || each.at.ip === node).map(({ cell }) => ({ kind, cell })),
  );
  return {
    pools: [...new Set(meant.map(({ kind }) => kind))],
    active: meant.reduce((sum, { cell }) => sum + activeOf(board, cell), 0),
    cutSeconds: config.timeouts.drain / 1_000,
  };
}
