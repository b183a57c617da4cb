/**
 * What health costs: 1,000 nodes in 100 clusters behind one edge-lb with its default interval, readiness asked over TLS on kept
 * connections and on the routers' health port. No client comes. Prints a Markdown table of the process' CPU, per window.
 * Usage: bun scripts/bench-health.ts [windows of 60 s, default 1]; EDGE_LB_PROGRAM=binary after `npm run build` for the real thing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EdgeLb, startEdgeLb } from "./lab/edge-lb.ts";
import { freePorts } from "./lab/ports.ts";
import type { ManyNodesCount, ManyNodesSpec } from "./health/many-nodes.ts";

const CLUSTERS = 100;
const NODES = 10;
const WINDOW_MS = 60_000;
/** First looks, learning and the log of who serves what. */
const WARM_UP_MS = 30_000;
/** USER_HZ of every Linux that Bun runs on. */
const TICKS_A_SECOND = 100;

interface Nodes {
  count(): Promise<ManyNodesCount>;
  stop(): Promise<void>;
}

async function startNodes(spec: ManyNodesSpec): Promise<Nodes> {
  let heard: (count: ManyNodesCount) => void = () => undefined;
  const child = Bun.spawn([process.execPath, new URL("health/many-nodes.ts", import.meta.url).pathname], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (count: ManyNodesCount) => heard(count),
  });
  const call = (what: ManyNodesSpec | "count"): Promise<ManyNodesCount> =>
    new Promise((resolve) => {
      heard = resolve;
      child.send(what);
    });
  await call(spec);
  return {
    count: () => call("count"),
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

async function specOf(): Promise<ManyNodesSpec> {
  const ports = await freePorts(4 * CLUSTERS);
  const clusters = Array.from({ length: CLUSTERS }, (_, at) => {
    const [api = 0, https = 0, http = 0, ready = 0] = ports.slice(4 * at, 4 * at + 4);
    return { name: `c${at}`, ports: { api, https, http, ready } };
  });
  return { clusters };
}

function configOf({ clusters }: ManyNodesSpec): string {
  const rows = clusters.map(({ name, ports }, at) => {
    const keys = `api-port: ${ports.api}, https-port: ${ports.https}, http-port: ${ports.http}, ready-port: ${ports.ready}`;
    return `  ${name}: { nodes: 127.80.${at}.1-${NODES}, ${keys} }`;
  });
  return `domain: lab\nclusters:\n${rows.join("\n")}\n`;
}

/** Seconds of CPU that the process has had, all threads. */
function cpuSeconds(pid: number): number {
  // after the name, which may hold anything, come state and 10 more fields, then utime and stime
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

async function measure(edge: EdgeLb, nodes: Nodes, windows: number): Promise<void> {
  process.stdout.write(
    "| window | CPU of one core | questions/s | new connections | handshakes | handshake errors |\n",
  );
  process.stdout.write("|---|---|---|---|---|---|\n");
  for (let window = 1; window <= windows; window++) {
    const [cpu, before, startMs] = [cpuSeconds(edge.pid), await nodes.count(), performance.now()];
    await Bun.sleep(WINDOW_MS);
    const [used, after, tookS] = [
      cpuSeconds(edge.pid) - cpu,
      await nodes.count(),
      (performance.now() - startMs) / 1_000,
    ];
    const share = `${((100 * used) / tookS).toFixed(2)} %`;
    const rate = ((after.questions - before.questions) / tookS).toFixed(0);
    const grown = (["connections", "handshakes", "handshakeErrors"] as const).map((key) => after[key] - before[key]);
    process.stdout.write(`| ${window} | ${share} | ${rate} | ${grown.join(" | ")} |\n`);
  }
}

const spec = await specOf();
const folder = mkdtempSync(join(tmpdir(), "edge-lb-bench-health-"));
const file = join(folder, "many.yaml");
writeFileSync(file, configOf(spec));
const nodes = await startNodes(spec);
try {
  const [api = 0, https = 0, http = 0] = await freePorts(3);
  const listen = Object.entries({ api, https, http }).flatMap(([kind, port]) => [
    "--listen",
    `${kind}=127.0.0.1:${port}`,
  ]);
  const edge = await startEdgeLb(["--config", file, ...listen]);
  try {
    await Bun.sleep(WARM_UP_MS);
    await measure(edge, nodes, Number(process.argv[2] ?? 1));
  } finally {
    await edge.stop();
  }
} finally {
  await nodes.stop();
  rmSync(folder, { recursive: true, force: true });
}
