/**
 * Three toy clusters on 127.77.0.0/16 and the compiled edge-lb before them: one request to each cluster through each
 * listener, as a table; then it stays up until Ctrl-C. Two clusters are given by flags, the third one edge-lb finds by itself.
 * `--once` gives all three and ends after the table. Exit 1 when a row is wrong.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type ToyCluster, startToyCluster } from "./lab/toy/cluster.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const BLOCK = "127.77.0";
/** edge-lb listens on 127.77.0.1, every node on an address of its own; so the ports may be the same. */
const EDGE = `${BLOCK}.1`;
const PORTS = { api: 16_443, https: 10_443, http: 10_080 } as const;
const NODE_PORTS = { ...PORTS, ready: 11_936 } as const;
const LISTENERS = ["api", "https", "http"] as const;
type Listener = (typeof LISTENERS)[number];

const CLUSTERS = [
  { name: "hub", domain: "hub-cluster.linuxera.lab", nodes: [20, 21, 22] },
  { name: "managed1", domain: "managed1.linuxera.lab", nodes: [30, 31, 32] },
  { name: "managed2", domain: "managed2.linuxera.lab", nodes: [40, 41, 42] },
] as const;

/** A file that curl trusts; it stays after the demo, and is written anew by the next. */
const caFile = (name: string): string => `.cache/demo/${name}.pem`;

async function startClusters(): Promise<readonly ToyCluster[]> {
  mkdirSync(`${ROOT}.cache/demo`, { recursive: true });
  const clusters: ToyCluster[] = [];
  for (const { name, domain, nodes } of CLUSTERS) {
    const ips = nodes.map((last) => `${BLOCK}.${last}`);
    const cluster = await startToyCluster({ name, domain, ips, ports: NODE_PORTS });
    writeFileSync(ROOT + caFile(name), cluster.ca);
    clusters.push(cluster);
  }
  return clusters;
}

/** Where the third cluster is found: `.40` to `.47`. */
const FOUND = { name: "managed2", network: `${BLOCK}.40/29` } as const;
const ADMIN = `${EDGE}:15000`;
const CONTROL = ".cache/demo/edge-lb.sock";

function edgeLbArgs(once: boolean): readonly string[] {
  const { api, https, http, ready } = NODE_PORTS;
  const nodePorts = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  return [
    ...CLUSTERS.filter(({ name }) => once || name !== FOUND.name).flatMap(({ name, domain, nodes }) => {
      const range = `${BLOCK}.${nodes[0]}-${nodes.at(-1)}`;
      return ["--cluster", `${name}=${range},domain=${domain},${nodePorts}`];
    }),
    ...LISTENERS.flatMap((listener) => ["--listen", `${listener}=${EDGE}:${PORTS[listener]}`]),
    ...(once
      ? ["--admin", "off", "--control", "off"]
      : ["--discover", `net:${FOUND.network},${nodePorts}`, "--admin", ADMIN, "--control", `${ROOT}${CONTROL}`]),
  ];
}

/** The compiled binary, once its ready line has come. */
async function startEdgeLb(once: boolean): Promise<{ ready: string; exited: Promise<number>; stop(): Promise<void> }> {
  const log = Bun.file(`${ROOT}.cache/demo/edge-lb.log`);
  const child = Bun.spawn([`${ROOT}dist/edge-lb`, ...edgeLbArgs(once)], { stdio: ["ignore", "pipe", log] });
  const ready = await firstLine(child.stdout);
  if (!ready.startsWith("edge-lb ready")) throw new Error(`edge-lb did not start:\n${await log.text()}`);
  return {
    ready,
    exited: child.exited,
    async stop() {
      child.kill("SIGTERM");
      child.kill("SIGINT"); // the second one: whatever is still open is cut
      await child.exited;
    },
  };
}

/** What comes before the first line end; all of it when the stream ends first. */
async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (!done) text += decoder.decode(value, { stream: true });
    if (done || text.includes("\n")) return text.trim();
  }
}

interface Row {
  readonly listener: Listener;
  readonly cluster: string;
  readonly host: string;
  readonly answer: string;
  readonly node: string;
  readonly ok: boolean;
}

function hostOf({ domain }: { readonly domain: string }, listener: Listener): string {
  return listener === "api" ? `api.${domain}` : `console-openshift-console.apps.${domain}`;
}

/** One request over a connection of its own, as curl would make it: through edge-lb, certificate and name checked. */
async function ask(cluster: ToyCluster, listener: Listener): Promise<Row> {
  const host = hostOf(cluster, listener);
  const row = { listener, cluster: cluster.name, host };
  try {
    const scheme = listener === "http" ? "http" : "https";
    const response = await fetch(`${scheme}://${EDGE}:${PORTS[listener]}/version`, {
      headers: { host },
      keepalive: false,
      signal: AbortSignal.timeout(10_000),
      ...(scheme === "https" ? { tls: { ca: cluster.ca, serverName: host } } : {}),
    });
    const body: unknown = await response.json();
    const { cluster: from, node } = whoAnswered(body);
    const ok = response.status === 200 && from === cluster.name && cluster.nodes.some(({ name }) => name === node);
    return { ...row, node, answer: `${response.status} from ${from}`, ok };
  } catch (error) {
    return { ...row, node: "-", answer: error instanceof Error ? error.message : String(error), ok: false };
  }
}

function whoAnswered(body: unknown): { cluster: string; node: string } {
  if (typeof body !== "object" || body === null || !("cluster" in body) || !("node" in body)) throw new Error("no toy");
  return { cluster: String(body.cluster), node: String(body.node) };
}

function printTable(rows: readonly Row[]): void {
  const table = [
    ["LISTENER", "NAME", "CLUSTER", "NODE", "ANSWER"],
    ...rows.map(({ listener, host, cluster, node, answer, ok }) => [
      listener,
      host,
      cluster,
      node,
      ok ? answer : `WRONG: ${answer}`,
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

/** The found cluster serves once its nodes were asked: seconds. */
async function askAll(clusters: readonly ToyCluster[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const cluster of clusters) {
    for (const listener of LISTENERS) rows.push(await askUntilFound(cluster, listener));
  }
  return rows;
}

const FOUND_WITHIN_MS = 20_000;

async function askUntilFound(cluster: ToyCluster, listener: Listener): Promise<Row> {
  const end = performance.now() + FOUND_WITHIN_MS;
  for (;;) {
    const row = await ask(cluster, listener);
    if (row.ok || cluster.name !== FOUND.name || performance.now() > end) return row;
    await Bun.sleep(200);
  }
}

/** A line with a node's last byte turns it off, or on again. */
function switchNodes(clusters: readonly ToyCluster[]): void {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  const off = new Set<string>();
  process.stdin.on("data", (chunk) => {
    for (const word of String(chunk).split(/\s+/)) {
      const node = nodes.find(({ ip }) => word !== "" && ip.endsWith(`.${word}`));
      if (node === undefined) continue;
      const isOff = off.delete(node.ip);
      if (!isOff) off.add(node.ip);
      void node.behave(isOff ? "healthy" : "refused");
      console.log(`${node.ip} is ${isOff ? "on again" : "off"}`);
    }
  });
}

function printInsight(): void {
  console.log(`\n${FOUND.name} was given by nobody: edge-lb found it in ${FOUND.network} by its certificates.`);
  console.log(`Status page: http://${ADMIN}/   In a terminal: dist/edge-lb status --watch --control "$PWD/${CONTROL}"`);
  console.log("Type 20 and Enter to turn the node .20 of hub off, and watch it leave; once more turns it on.");
}

function printCurlLines(): void {
  console.log("\nTry it from another terminal, in this directory:");
  for (const { name, domain } of CLUSTERS) {
    for (const listener of LISTENERS) {
      const host = hostOf({ domain }, listener);
      const port = PORTS[listener];
      const trust = listener === "http" ? "" : ` --cacert ${caFile(name)}`;
      const scheme = listener === "http" ? "http" : "https";
      const path = listener === "api" ? "/readyz" : "/";
      console.log(`  curl${trust} --resolve ${host}:${port}:${EDGE} ${scheme}://${host}:${port}${path}`);
    }
  }
  console.log("Access log: .cache/demo/edge-lb.log. Ctrl-C ends the demo.");
}

/** Resolves with the first of Ctrl-C and a hang-up. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
}

async function main(once: boolean): Promise<number> {
  const build = Bun.spawnSync([process.execPath, "scripts/build.ts"], {
    cwd: ROOT,
    stdout: "ignore",
    stderr: "inherit",
  });
  if (build.exitCode !== 0) return 1;
  const end = interrupted();
  const clusters = await startClusters();
  try {
    const edgeLb = await startEdgeLb(once);
    try {
      console.log(`${edgeLb.ready}\n`);
      const rows = await askAll(clusters);
      printTable(rows);
      if (!once) {
        printInsight();
        printCurlLines();
        switchNodes(clusters);
        await Promise.race([end, edgeLb.exited]);
      }
      return rows.every(({ ok }) => ok) ? 0 : 1;
    } finally {
      await edgeLb.stop();
    }
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  }
}

try {
  const { values } = parseArgs({ options: { once: { type: "boolean", default: false } } });
  process.exit(await main(values.once));
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
