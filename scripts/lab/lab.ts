/** The article's three clusters on loopback, and edge-lb's flags for them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type CommandResult } from "./command.ts";
import { type EdgeLb, type EdgeLbOptions, startEdgeLb } from "./edge-lb.ts";
import { freePorts } from "./ports.ts";
import { startToyCluster, type ToyCluster } from "./toy/cluster.ts";

export const LISTENERS = ["api", "https", "http"] as const;
export type Listener = (typeof LISTENERS)[number];
export const CLUSTERS = ["hub", "managed1", "managed2"] as const;
export type ClusterName = (typeof CLUSTERS)[number];

/** Hub's name in DNS differs from its name on the command line, and its routers have nodes of their own. */
const DOMAINS = {
  hub: "hub-cluster.linuxera.lab",
  managed1: "managed1.linuxera.lab",
  managed2: "managed2.linuxera.lab",
} as const;

export interface LabOptions extends EdgeLbOptions {
  /** The first three bytes of every address, as `127.20.0`; one lab at a time on each. */
  readonly block: string;
  /** Nodes as processes, so that they can be killed. @default false */
  readonly processes?: boolean;
  /** More flags. */
  readonly args?: readonly string[];
}

export interface Lab {
  readonly edge: EdgeLb;
  readonly clusters: Readonly<Record<ClusterName, ToyCluster>>;
  /** Where edge-lb listens, on 127.0.0.1. */
  readonly ports: Readonly<Record<Listener, number>>;
  /** edge-lb's own flags, without those of `LabOptions`. */
  readonly args: readonly string[];
  /** A directory that goes away with the lab; `NAME.pem` in it is the authority of that cluster. */
  readonly folder: string;
  /** A name that the listener routes to the cluster. */
  host(cluster: ClusterName, listener: Listener): string;
  /** curl to a cluster through a listener: its authority is trusted, its name resolved to edge-lb. */
  curl(cluster: ClusterName, listener: Listener, path: string, ...more: readonly string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** Starts nine or more nodes and edge-lb before them; waits for the ready line. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const clusters = await startClusters(options);
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-lab-"));
  const stopClusters = async (): Promise<void> => {
    await Promise.all(CLUSTERS.map((name) => clusters[name].stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const name of CLUSTERS) writeFileSync(join(folder, `${name}.pem`), clusters[name].ca);
    const [api = 0, https = 0, http = 0] = await freePorts(3);
    const ports = { api, https, http };
    const args = flagsFor(options.block, clusters, ports);
    const edge = await startEdgeLb([...args, ...(options.args ?? [])], options);
    return {
      edge,
      clusters,
      ports,
      args,
      folder,
      host: hostFor,
      curl: (cluster, listener, path, ...more) => {
        const host = hostFor(cluster, listener);
        const url = `${listener === "http" ? "http" : "https"}://${host}:${ports[listener]}${path}`;
        const trust = ["--cacert", join(folder, `${cluster}.pem`), "--resolve", `${host}:${ports[listener]}:127.0.0.1`];
        return command(["curl", "--silent", "--show-error", "--max-time", "15", ...trust, ...more, url]);
      },
      stop: async () => {
        await edge.stop().finally(stopClusters);
      },
    };
  } catch (error) {
    await stopClusters();
    throw error;
  }
}

async function startClusters({ block, processes = false }: LabOptions): Promise<Record<ClusterName, ToyCluster>> {
  const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
  const start = (name: ClusterName, from: number, ingressFrom?: number): Promise<ToyCluster> =>
    startToyCluster({
      name,
      domain: DOMAINS[name],
      ips: three(block, from),
      ...(ingressFrom === undefined ? {} : { ingressIps: three(block, ingressFrom) }),
      ports: { api, https, http, ready },
      processes,
    });
  const [hub, managed1, managed2] = await Promise.all([
    start("hub", 20, 23),
    start("managed1", 30),
    start("managed2", 40),
  ]);
  return { hub, managed1, managed2 };
}

function three(block: string, from: number): string[] {
  return [0, 1, 2].map((step) => `${block}.${from + step}`);
}

function flagsFor(
  block: string,
  { hub }: Readonly<Record<ClusterName, ToyCluster>>,
  ports: Readonly<Record<Listener, number>>,
): readonly string[] {
  const { api, https, http, ready } = hub.ports;
  const nodePorts = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  const clusters = [
    `hub=${block}.20-22,ingress=${block}.23-25,domain=${DOMAINS.hub},${nodePorts}`,
    `managed1=${block}.30-32,${nodePorts}`,
    `managed2=${block}.40-42,${nodePorts}`,
  ];
  return [
    ...clusters.flatMap((cluster) => ["--cluster", cluster]),
    "--domain",
    "linuxera.lab",
    ...LISTENERS.flatMap((listener) => ["--listen", `${listener}=127.0.0.1:${ports[listener]}`]),
  ];
}

function hostFor(cluster: ClusterName, listener: Listener): string {
  return listener === "api" ? `api.${DOMAINS[cluster]}` : `console-openshift-console.apps.${DOMAINS[cluster]}`;
}
