/**
 * What a reload costs those who are connected: 100 reloads under 20 clients that connect without pause and 50 open tunnels, on
 * edge-lb and on HAProxy (master-worker, SIGUSR2), and one reload of 1,000 clusters on edge-lb. Prints figures, judges nothing.
 * Usage: bun scripts/compare-reload.ts [edge-lb|haproxy|many]... ; needs `npm run build`, and haproxy for its part.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlAt } from "./lab/control.ts";
import { startEdgeLb } from "./lab/edge-lb.ts";
import { freePorts } from "./lab/ports.ts";
import { childrenOf, residentMb } from "./lab/processes.ts";
import { connectWithoutPause, holdTunnels, type Tunnels } from "./lab/reload-load.ts";
import { startToyCluster, type ToyCluster } from "./lab/toy/cluster.ts";

const BLOCK = "127.26.0";
const HOST = "a.apps.hub.lab";
const CLIENTS = 20;
const TUNNELS = 50;
const RELOADS = 100;
/** Between two reloads: HAProxy's new worker needs some of it to take over. */
const PAUSE_MS = 150;

interface Subject {
  readonly name: string;
  /** Of the process that was started. */
  readonly pid: number;
  readonly port: number;
  /** Serve another configuration; resolves when that was asked for. */
  reload(turn: number): Promise<void>;
  stop(): Promise<void>;
}

async function measure(subject: Subject): Promise<void> {
  const held: Tunnels[] = [await holdTunnels(TUNNELS / 2, subject.port, HOST, 50)];
  const clients = connectWithoutPause(CLIENTS, subject.port, [HOST]);
  const before = processes(subject.pid);
  for (let turn = 0; turn < RELOADS; turn++) {
    await subject.reload(turn);
    await Bun.sleep(PAUSE_MS);
    // people open tunnels at any time: each HAProxy that was replaced stays as long as its own
    if (turn % (RELOADS / (TUNNELS / 2)) === 0) held.push(await holdTunnels(1, subject.port, HOST, 50));
  }
  const after = processes(subject.pid);
  const echo = Math.max(...held.map((tunnels) => tunnels.longestEcho()));
  const lost = held.flatMap((tunnels) => tunnels.lost());
  await clients.stop();
  const failures = clients.failures();
  console.log(
    `${subject.name}: ${RELOADS} reloads; connects ${clients.done()}, failed ${failures.length}; ` +
      `tunnels lost ${lost.length} of ${TUNNELS}; longest echo ${echo.toFixed(0)} ms; ` +
      `processes ${before.count} -> ${after.count}; memory ${before.mb.toFixed(0)} -> ${after.mb.toFixed(0)} MB`,
  );
  for (const failure of new Set(failures)) console.log(`  ${failure}`);
  for (const tunnels of held) tunnels.close();
}

/** The process and its children, with the memory of all of them. */
function processes(pid: number): { count: number; mb: number } {
  const all = [pid, ...childrenOf(pid)];
  return { count: all.length, mb: all.reduce((sum, each) => sum + residentMb(each), 0) };
}

interface World {
  readonly folder: string;
  readonly hub: ToyCluster;
  /** Ports for a load balancer: api, https, http. */
  readonly ports: readonly [number, number, number];
}

async function edgeLb(
  { folder, hub, ports: [api, https, http] }: World,
  more: readonly string[] = [],
): Promise<Subject> {
  const { ports } = hub;
  const keys = `api-port=${ports.api},https-port=${ports.https},http-port=${ports.http},ready-port=${ports.ready}`;
  const file = join(folder, "lab.yaml");
  const write = (clusters: readonly string[]): void => {
    const lines = [`hub: "${BLOCK}.20-21,${keys}"`, ...clusters].map((line) => `  ${line}\n`);
    writeFileSync(
      file,
      `domain: lab\nlisten: { api: "127.0.0.1:${api}", https: "127.0.0.1:${https}", http: "127.0.0.1:${http}" }\nclusters:\n${lines.join("")}`,
    );
  };
  write(more);
  const control = controlAt(join(folder, "edge-lb.sock"));
  const edge = await startEdgeLb(["--config", file, "--control", control.path, "--access-log", "off"], {
    program: "binary",
  });
  await edge.logged(/hub: http up/);
  return {
    name: "edge-lb",
    pid: edge.pid,
    port: http,
    async reload(turn) {
      write([
        `one: "${BLOCK}.3${turn % 3},check=off,${keys}"`,
        ...(turn % 2 === 0 ? [`two: "${BLOCK}.40,check=off,${keys}"`] : []),
        ...more,
      ]);
      await control.ask("POST", "reload");
    },
    stop: () => edge.stop(),
  };
}

async function haproxy({ folder, hub, ports: [, , http] }: World): Promise<Subject> {
  const file = join(folder, "haproxy.cfg");
  const servers = hub.nodes.map(({ name, ip }) => `  server ${name} ${ip}:${hub.ports.http} check`).join("\n");
  const write = (turn: number): void => {
    const two = turn % 2 === 0 ? `backend two\n  server a ${BLOCK}.40:${hub.ports.http}\n` : "";
    const use = turn % 2 === 0 ? "  use_backend two if { hdr_end(host) -i .apps.two.lab }\n" : "";
    writeFileSync(
      file,
      `global\n  nbthread 2\ndefaults\n  mode http\n  timeout connect 3s\n  timeout client 1h\n  timeout server 1h\n  timeout tunnel 24h\n` +
        `frontend http\n  bind 127.0.0.1:${http}\n${use}  use_backend one if { hdr_end(host) -i .apps.one.lab }\n  default_backend hub\n` +
        `backend hub\n${servers}\nbackend one\n  server a ${BLOCK}.3${turn % 3}:${hub.ports.http}\n${two}`,
    );
  };
  write(0);
  const child = Bun.spawn(["haproxy", "-W", "-f", file], { stdio: ["ignore", "ignore", "ignore"] });
  await Bun.sleep(1_500);
  return {
    name: "haproxy",
    pid: child.pid,
    port: http,
    reload(turn) {
      write(turn);
      child.kill("SIGUSR2");
      return Promise.resolve();
    },
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** One reload of 1,000 clusters while four tunnels echo without pause. */
async function many(world: World): Promise<void> {
  const clusters = (settings: string): string[] =>
    Array.from({ length: 1_000 }, (_, at) => {
      const block = `127.${100 + (at >> 8)}.${at & 255}`;
      return `c${at}: "api=${block}.1-3,ingress=${block}.4-6,check=off${settings}"`;
    });
  const { folder } = world;
  const subject = await edgeLb(world, clusters(""));
  const control = controlAt(join(folder, "edge-lb.sock"));
  try {
    const tunnels = await holdTunnels(4, subject.port, HOST, 1);
    const times: number[] = [];
    const stalls: number[] = [];
    const usual: number[] = [];
    for (let turn = 0; turn < 10; turn++) {
      tunnels.longestEcho();
      await Bun.sleep(700);
      usual.push(tunnels.longestEcho());
      await subject.reload(turn);
      stalls.push(tunnels.longestEcho());
      times.push((await control.status()).reload.lastMs ?? 0);
    }
    const text = (all: readonly number[]): string => all.map((each) => each.toFixed(0)).join(" ");
    console.log(
      `edge-lb, 1,000 clusters: reloads took ${text(times)} ms; longest echo meanwhile ${text(stalls)} ms, without a reload ${text(usual)} ms`,
    );
    tunnels.close();
  } finally {
    await subject.stop();
  }
}

async function main(parts: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-compare-"));
  const [api = 0, https = 0, http = 0, ready = 0, ...rest] = await freePorts(7);
  const ips = [`${BLOCK}.20`, `${BLOCK}.21`];
  const hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips, ports: { api, https, http, ready } });
  const world: World = { folder, hub, ports: [rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0] };
  const wants = (part: string): boolean => parts.length === 0 || parts.includes(part);
  try {
    for (const start of [...(wants("edge-lb") ? [edgeLb] : []), ...(wants("haproxy") ? [haproxy] : [])]) {
      const subject = await start(world);
      await measure(subject).finally(() => subject.stop());
    }
    if (wants("many")) await many(world);
  } finally {
    await hub.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
process.exit(0);
