/** Reloads under load: nobody is refused, no tunnel of another cluster ends, one process stays, and its memory stays flat. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, controlAt } from "../../scripts/lab/control.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { childrenOf, descriptorsOf, residentMb } from "../../scripts/lab/processes.ts";
import { connectWithoutPause, holdTunnels } from "../../scripts/lab/reload-load.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

const BLOCK = "127.25.0";
const CLIENTS = 20;
const TUNNELS = 50;
const RELOADS = 100;
const CHANGES = 50;
/** What 20 clients and 150 changes may leave behind while the garbage collector has not looked. */
const GROWTH_MOST_MB = 60;

interface World {
  readonly edge: EdgeLb;
  readonly control: Control;
  readonly http: number;
  readonly keys: string;
  /** The file is this from now on; nobody is told. */
  write(clusters: readonly string[]): void;
  stop(): Promise<void>;
}

/** Cluster hub, whose nodes answer; `write` names those that come and go. */
async function startWorld(clusters: readonly string[], ...args: readonly string[]): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-reload-"));
  const [api = 0, https = 0, http = 0, ready = 0, edgeApi = 0, edgeHttps = 0, edgeHttp = 0] = await freePorts(7);
  const ports = { api, https, http, ready };
  const keys = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  const hub: ToyCluster = await startToyCluster({
    name: "hub",
    domain: "hub.lab",
    ips: [`${BLOCK}.20`, `${BLOCK}.21`],
    ports,
  });
  const file = join(folder, "lab.yaml");
  const head =
    `domain: lab\nlisten: { api: "127.0.0.1:${edgeApi}", https: "127.0.0.1:${edgeHttps}", http: "127.0.0.1:${edgeHttp}" }\n` +
    `clusters:\n  hub: "${BLOCK}.20-21,${keys}"\n`;
  const write = (more: readonly string[]): void =>
    writeFileSync(file, head + more.map((text) => `  ${text.replace("=", ': "')}"\n`).join(""));
  write(clusters);
  const edge = await startEdgeLb([
    "--config",
    file,
    "--control",
    join(folder, "c.sock"),
    "--access-log",
    "off",
    ...args,
  ]);
  return {
    edge,
    control: controlAt(join(folder, "c.sock")),
    http: edgeHttp,
    keys,
    write,
    async stop() {
      await edge.stop().finally(() => hub.stop());
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What the clusters beside hub are in turn `at`: one comes and goes, one changes its nodes, one its settings. */
function clustersOf(at: number, keys: string): readonly string[] {
  const one = `one=${BLOCK}.30,check=off,${keys}`;
  const two = `two=${BLOCK}.4${at % 3},check=off,${keys}`;
  const three = `three=${BLOCK}.50,check=off,all-down=${at % 2 === 0 ? "try" : "refuse"},${keys}`;
  return at % 2 === 0 ? [one, two, three] : [two, three];
}

describe(`${RELOADS} reloads and ${CHANGES} add and rm`, () => {
  test(`under ${CLIENTS} clients and ${TUNNELS} tunnels cost nobody anything`, async () => {
    const world = await startWorld([]);
    const { edge, control, http, keys } = world;
    await edge.logged(/hub: http up/);
    const tunnels = await holdTunnels(TUNNELS, http, "a.apps.hub.lab", 50);
    const clients = connectWithoutPause(CLIENTS, http, ["a.apps.hub.lab", "b.apps.hub.lab", "c.apps.hub.lab"]);
    try {
      let settledMb = 0;
      for (let at = 0; at < RELOADS; at++) {
        world.write(clustersOf(at, keys));
        await control.ask("POST", "reload");
        if (at % 2 === 1) {
          const name = `run${at}`;
          await control.ask("PUT", `clusters/${name}`, `${BLOCK}.60,check=off,${keys}`);
          expect((await control.status()).clusters.some((cluster) => cluster.name === name)).toBe(true);
          await control.ask("DELETE", `clusters/${name}${at % 4 === 1 ? "?now=1" : ""}`);
        }
        if (at === RELOADS / 2) settledMb = residentMb(edge.pid);
      }
      expect(clients.failures()).toEqual([]);
      expect(clients.done()).toBeGreaterThan(RELOADS);
      expect(tunnels.lost()).toEqual([]);
      const { clusters, reload, pid } = await control.status();
      expect(clusters.map(({ name }) => name)).toEqual(["hub", "two", "three"]);
      expect(reload).toMatchObject({ failed: 0, lastError: null });
      expect(pid).toBe(edge.pid);
      expect(childrenOf(edge.pid)).toEqual([]);
      expect(residentMb(edge.pid) - settledMb).toBeLessThan(GROWTH_MOST_MB);
      expect(descriptorsOf(edge.pid)).toBeLessThan(60 + 2 * TUNNELS + 4 * CLIENTS);
    } finally {
      await clients.stop();
      tunnels.close();
      await world.stop();
    }
  }, 120_000);
});

/** An open tunnel stands still for less than this. */
const STALL_MS = 20;

describe("a reload of 1,000 clusters", () => {
  const many = (settings: string): string[] =>
    Array.from(
      { length: 1_000 },
      (_, at) =>
        `c${at}=api=127.${100 + (at >> 8)}.${at & 255}.1-3,ingress=127.${100 + (at >> 8)}.${at & 255}.4-6,check=off${settings}`,
    );

  test("is served within seconds, and an open tunnel hardly notices", async () => {
    const world = await startWorld(many(""));
    const { edge, control, http } = world;
    const tunnels = await holdTunnels(4, http, "a.apps.hub.lab", 1);
    const stalls: number[] = [];
    const taken: number[] = [];
    try {
      // whatever else this machine does makes some of them longer; what edge-lb does is in all of them
      for (let turn = 0; turn < 24 && (turn < 4 || Math.min(...stalls) >= STALL_MS); turn++) {
        world.write(many(turn % 2 === 0 ? ",all-down=refuse" : ""));
        const said = edge.logs().length;
        const from = performance.now();
        tunnels.longestEcho();
        edge.signal("SIGHUP");
        await edge.logged(/cluster c999: all-down/, said);
        taken.push(performance.now() - from);
        stalls.push(tunnels.longestEcho());
      }
      expect(Math.min(...stalls)).toBeLessThan(STALL_MS);
      expect(Math.min(...taken)).toBeLessThan(10_000);
      expect(tunnels.lost()).toEqual([]);
      expect((await control.status()).reload).toMatchObject({ failed: 0, lastError: null });
    } finally {
      tunnels.close();
      await world.stop();
    }
  }, 300_000);
});
