/** Two clusters of one node each behind edge-lb with a control socket: enough where limits and logs are the subject. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, controlAt } from "./control.ts";
import type { Door } from "./crowd.ts";
import { type EdgeLb, type EdgeLbOptions, startEdgeLb } from "./edge-lb.ts";
import { LISTENERS, type Listener } from "./lab.ts";
import { freePorts } from "./ports.ts";
import { startToyCluster } from "./toy/cluster.ts";

export const SMALL_CLUSTERS = ["hub", "other"] as const;
export type SmallCluster = (typeof SMALL_CLUSTERS)[number];

export interface SmallLabOptions extends EdgeLbOptions {
  /** The first three bytes of the nodes' addresses. */
  readonly block: string;
  readonly args?: readonly string[];
  /** More items of a cluster: `max-connections=2`. */
  readonly items?: Readonly<Partial<Record<SmallCluster, string>>>;
}

export interface SmallLab {
  readonly edge: EdgeLb;
  readonly control: Control;
  readonly ports: Readonly<Record<Listener, number>>;
  /** edge-lb's own flags, without those of `SmallLabOptions`. */
  readonly args: readonly string[];
  /** Goes away with the lab. */
  readonly folder: string;
  /** The way to a cluster through a listener. */
  door(cluster: SmallCluster, listener: Listener): Door;
  stop(): Promise<void>;
}

/** Waits for the ready line. Domains are hub.lab and other.lab. */
export async function startSmallLab(options: SmallLabOptions): Promise<SmallLab> {
  const { block, items = {}, args: more = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-small-"));
  const [api = 0, https = 0, http = 0, ready = 0, ...own] = await freePorts(7);
  const nodePorts = { api, https, http, ready };
  const clusters = await Promise.all(
    SMALL_CLUSTERS.map((name, index) =>
      startToyCluster({ name, domain: `${name}.lab`, ips: [`${block}.${20 + index}`], ports: nodePorts }),
    ),
  );
  const end = async (): Promise<void> => {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  const ports = { api: own[0] ?? 0, https: own[1] ?? 0, http: own[2] ?? 0 };
  const path = join(folder, "control.sock");
  const listens = LISTENERS.flatMap((listener) => ["--listen", `${listener}=127.0.0.1:${ports[listener]}`]);
  const args = [...clusterFlags(block, nodePorts, items), "--domain", "lab", ...listens, "--control", path];
  try {
    const edge = await startEdgeLb([...args, ...more], options);
    const door = (cluster: SmallCluster, listener: Listener): Door => doorOf(cluster, listener, ports[listener]);
    const stop = async (): Promise<void> => void (await edge.stop().finally(end));
    return { edge, control: controlAt(path), ports, args, folder, door, stop };
  } catch (error) {
    await end();
    throw error;
  }
}

function clusterFlags(
  block: string,
  { api, https, http, ready }: Readonly<Record<Listener | "ready", number>>,
  items: NonNullable<SmallLabOptions["items"]>,
): readonly string[] {
  return SMALL_CLUSTERS.flatMap((name, index) => {
    const keys = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
    const extra = items[name] === undefined ? "" : `,${items[name]}`;
    return ["--cluster", `${name}=${block}.${20 + index},${keys}${extra}`];
  });
}

function doorOf(cluster: SmallCluster, listener: Listener, port: number): Door {
  return { listener, ip: "127.0.0.1", port, host: `${listener === "api" ? "api" : "a.apps"}.${cluster}.lab` };
}

/** Asks again until the answer is true, every 20 ms. @throws after `withinMs` */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const giveUp = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > giveUp) throw new Error(`${what}: not within ${withinMs} ms`);
    await Bun.sleep(20);
  }
}
