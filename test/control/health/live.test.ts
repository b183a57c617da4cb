/** Health with real probes against real servers on loopback, at a brisk pace. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type * as net from "node:net";
import { HealthMonitor } from "../../../src/control/health/monitor.ts";
import { openBoard } from "../../../src/seam/board.ts";
import { clusterConfig, configOf, nodes, snapshotOf } from "./bench.ts";
import {
  alertOnly,
  certificateFor,
  serveHttp,
  serveHttps,
  serveRaw,
  serveTls,
  until,
  type Pair,
  type Served,
} from "../probe/servers.ts";

setDefaultTimeout(60_000);
const NODES = ["127.55.0.1", "127.55.0.2"] as const;
const INTERVAL_MS = 100;
const PROBE_MS = 1_000;
/** fall x (interval + timeout) and the switch between them are a second; the rest is for a busy machine. */
const OUT_MS = 15_000;
/** Every 9 s a probe makes a connection of its own. */
const NEW_CONNECTION_MS = 9_000;
const startedMs = performance.now();
const connectionsMost = (): number => 1 + Math.ceil((performance.now() - startedMs) / NEW_CONNECTION_MS);

interface Ports {
  readonly api: number;
  readonly https: number;
  readonly http: number;
  readonly ready: number;
}
/** One node's servers; each can be replaced while health is probing. */
interface Node {
  api: Served;
  https: Served;
  http: Served;
  ready: Served;
  /** What /readyz and /healthz/ready say. */
  status: { api: number; ready: number };
}

let own: Pair;
let other: Pair;
let ports: Ports;
const running = new Map<string, Node>();
let health: HealthMonitor;
const cuts: number[] = [];
const lines: string[] = [];

const serveApi = (pair: Pair, status: Node["status"], port: number, ip: string): Promise<Served> =>
  serveHttps(
    pair,
    (path, response) => response.writeHead(path === "/readyz" ? status.api : 404).end("words"),
    port,
    ip,
  );
const serveReady = (status: Node["status"], port: number, ip: string): Promise<Served> =>
  serveHttp((path, response) => response.writeHead(path === "/healthz/ready" ? status.ready : 404).end(), port, ip);

async function serveNode(ip: string, at: Ports): Promise<Node> {
  const status = { api: 200, ready: 200 };
  return {
    status,
    api: await serveApi(own, status, at.api, ip),
    https: await serveTls(own, at.https, ip),
    http: await serveRaw((socket) => socket.on("data", () => undefined).on("end", () => socket.end()), at.http, ip),
    ready: await serveReady(status, at.ready, ip),
  };
}

function node(ip: string): Node {
  const found = running.get(ip);
  if (found === undefined) throw new Error(`no node ${ip}`);
  return found;
}
const state = (kind: string, ip: string): string =>
  health.endpoints().find((each) => each.kind === kind && each.ip === ip)?.state ?? "missing";
const reason = (kind: string, ip: string): string =>
  health.endpoints().find((each) => each.kind === kind && each.ip === ip)?.reason ?? "missing";
const allUp = (): boolean => health.endpoints().every((each) => each.state === "up");

beforeAll(async () => {
  own = certificateFor("api.hub.lab", "*.apps.hub.lab");
  other = certificateFor("api.other.lab", "*.apps.other.lab");
  const first = await serveNode(NODES[0], { api: 0, https: 0, http: 0, ready: 0 });
  ports = { api: first.api.at.port, https: first.https.at.port, http: first.http.at.port, ready: first.ready.at.port };
  running.set(NODES[0], first);
  running.set(NODES[1], await serveNode(NODES[1], ports));
  const brisk = { intervalMs: INTERVAL_MS, ports: { ...ports, mcs: 22_623 } };
  const base = configOf([
    clusterConfig("hub", { nodes: nodes(...NODES), ...brisk }),
    clusterConfig("other", { domain: "other.lab", nodes: nodes("127.55.0.9"), ...brisk }),
  ]);
  const config = { ...base, timeouts: { ...base.timeouts, probe: PROBE_MS } };
  const say = (_event: string, message: string): void => void lines.push(message);
  const log = { info: say, warn: say, error: say };
  const only = snapshotOf(config);
  health = new HealthMonitor({
    config,
    snapshot: { ...only, clusters: only.clusters.slice(0, 1) },
    board: openBoard(1),
    log,
    cut: (cell) => void cuts.push(cell),
  });
  health.start();
});

afterAll(async () => {
  health.stop();
  for (const each of running.values()) {
    for (const served of [each.api, each.https, each.http, each.ready]) await served.stop();
  }
});

describe("HealthMonitor on real nodes", () => {
  test("finds everything up on kept connections, without a handshake error", async () => {
    await until(allUp, OUT_MS);
    expect(reason("api", NODES[0])).toBe("/readyz 200");
    expect(reason("https", NODES[0])).toBe("/healthz/ready 200");
    const before = node(NODES[0]).api.seen.requests;
    await until(() => node(NODES[0]).api.seen.requests >= before + 15, OUT_MS);
    for (const ip of NODES) {
      expect(node(ip).api.seen.handshakeErrors).toEqual([]);
      expect(node(ip).api.seen.connections).toBeLessThanOrEqual(connectionsMost());
      expect(node(ip).ready.seen.connections).toBeLessThanOrEqual(connectionsMost());
      expect(node(ip).https.seen).toMatchObject({ handshakes: 1, handshakeErrors: [] });
      expect(node(ip).https.seen.servernames).toEqual(["console-openshift-console.apps.hub.lab"]);
    }
  });

  test("an API server that says 500 is not ready and keeps its connection, then comes back", async () => {
    const ip = NODES[1];
    node(ip).status.api = 500;
    await until(() => state("api", ip) === "not-ready", OUT_MS);
    expect(reason("api", ip)).toBe("/readyz 500");
    expect(state("https", ip)).toBe("up");
    node(ip).status.api = 200;
    await until(() => state("api", ip) === "up", OUT_MS);
    expect(node(ip).api.seen.handshakeErrors).toEqual([]);
    expect(node(ip).api.seen.connections).toBeLessThanOrEqual(connectionsMost());
  });

  test("401 counts as alive", async () => {
    const ip = NODES[1];
    node(ip).status.api = 401;
    await until(() => reason("api", ip).includes("401"), OUT_MS);
    expect(state("api", ip)).toBe("up");
    node(ip).status.api = 200;
    await until(() => reason("api", ip) === "/readyz 200", OUT_MS);
  });

  test("a router that is not ready leaves both pools and nothing else", async () => {
    const ip = NODES[0];
    node(ip).status.ready = 500;
    await until(() => state("https", ip) === "not-ready" && state("http", ip) === "not-ready", OUT_MS);
    expect(state("api", ip)).toBe("up");
    node(ip).status.ready = 200;
    await until(allUp, OUT_MS);
  });

  const replaced: readonly { name: string; behave: (socket: net.Socket) => void; want: string; words: string }[] = [
    { name: "only alerts", behave: alertOnly, want: "not-ready", words: "TLS handshake refused" },
    { name: "accepts and hangs", behave: () => undefined, want: "dead", words: "no answer within 1s" },
    {
      name: "resets",
      behave: (socket) => socket.once("data", () => socket.resetAndDestroy()),
      want: "dead",
      words: "connection reset",
    },
  ];
  test.each(replaced)(
    "an API server that $name is out, and in again when it is well",
    async ({ behave, want, words }) => {
      const ip = NODES[0];
      await node(ip).api.stop();
      const bad = await serveRaw(behave, ports.api, ip);
      await until(() => state("api", ip) === want, OUT_MS);
      await until(() => reason("api", ip) === words, OUT_MS);
      await bad.stop();
      node(ip).api = await serveApi(own, node(ip).status, ports.api, ip);
      // dead nodes are asked less and less, here up to 30 s: a client's dial brings the probe forward
      const { cell } = health.endpoints().find((each) => each.kind === "api" && each.ip === ip) ?? { cell: -1 };
      await until(() => {
        health.dialFailed(cell, "other");
        return state("api", ip) === "up";
      }, OUT_MS);
      expect(node(ip).api.seen.handshakeErrors).toEqual([]);
    },
  );

  test("a refused port is dead at once when a client noticed, and its tunnels are cut", async () => {
    const ip = NODES[1];
    cuts.length = 0;
    await node(ip).https.stop();
    const { cell } = health.endpoints().find((each) => each.kind === "https" && each.ip === ip) ?? { cell: -1 };
    health.dialFailed(cell, "refused");
    await until(() => state("https", ip) === "dead", OUT_MS);
    expect(cuts).toContain(cell);
    expect(state("http", ip)).toBe("up");
    node(ip).https = await serveTls(own, ports.https, ip);
    await until(() => state("https", ip) === "up", OUT_MS);
  });

  test("another cluster's certificate makes a node foreign", async () => {
    const ip = NODES[0];
    await node(ip).api.stop();
    node(ip).api = await serveApi(other, node(ip).status, ports.api, ip);
    await until(() => state("api", ip) === "foreign", OUT_MS);
    expect(lines.some((line) => line.includes("shows the certificate of other"))).toBe(true);
    expect(node(ip).api.seen.handshakeErrors).toEqual([]);
    await node(ip).api.stop();
    node(ip).api = await serveApi(own, node(ip).status, ports.api, ip);
    await until(() => state("api", ip) === "up", OUT_MS);
  });
});
