import { describe, expect, test } from "bun:test";
import { NOT_READY_CUT_MS } from "../../../src/control/health/board-writer.ts";
import { reasonText } from "../../../src/core/health/reasons.ts";
import type { OwnListener } from "../../../src/config/clusters/own-listeners.ts";
import { HEALTH } from "../../../src/seam/board.ts";
import type { Address } from "../../../src/seam/snapshot.ts";
import {
  ALERTING,
  bench,
  clusterConfig,
  configOf,
  nodes,
  NOT_READY,
  REFUSING,
  SILENT,
  snapshotOf,
  WELL,
  type Bench,
} from "./bench.ts";
import { poolOf } from "../../support/built-in.ts";

const HUB = ["10.0.0.20", "10.0.0.21", "10.0.0.22"];
const hub = (change = {}): ReturnType<typeof configOf> =>
  configOf([clusterConfig("hub", { nodes: nodes(...HUB), ...change })]);
const wellHub = (change = {}): Bench =>
  bench(hub(change), Object.fromEntries(HUB.map((ip) => [ip, { ...WELL, names: ["*.apps.hub.lab", "api.hub.lab"] }])));

/** Seconds until it holds, asking ten times a second. */
async function secondsUntil(bench: Bench, holds: () => boolean, most = 120): Promise<number> {
  for (let tenths = 0; tenths <= most * 10; tenths++) {
    if (holds()) return tenths / 10;
    await bench.clock.pass(100);
  }
  throw new Error("it never held");
}

describe("HealthMonitor", () => {
  test("what is shown stays as long ago as it was when the wall clock is set (13 B5)", async () => {
    const lab = wellHub();
    await lab.clock.pass(60_000);
    const ago = (): readonly number[] => {
      const cells = lab.health.endpoints().map(({ cell }) => cell);
      const shown = lab.health.endpoints().map(({ sinceMs }) => sinceMs);
      return [...shown, ...cells.map((cell) => lab.board.since[cell] ?? 0)].map((since) => lab.clock.wallMs() - since);
    };
    const before = ago();
    for (const jumpMs of [-86_400_000, 3_600_000]) {
      lab.clock.setWall(jumpMs);
      await lab.clock.pass(1_000);
    }
    expect(ago()).toEqual(before.map((ms) => ms + 2_000));
    lab.health.stop();
  });

  test("a pool is out of service while none of its members is up, and that is counted (13 C5)", async () => {
    const lab = wellHub();
    const outages = (): unknown => lab.health.clusters()[0]?.outages.get("api");
    await lab.clock.pass(20_000);
    lab.net.set("api 10.0.0.20", NOT_READY);
    await lab.clock.pass(30_000);
    expect(outages()).toMatchObject({ downs: 0, downSeconds: 0 });
    for (const ip of HUB) lab.net.set(`api ${ip}`, NOT_READY);
    await secondsUntil(lab, () => lab.states("api").every((state) => state === "not-ready"));
    await lab.clock.pass(10_000);
    expect(outages()).toMatchObject({ downs: 1, downSeconds: 10 });
    expect(lab.health.clusters()[0]?.outages.get("https")).toMatchObject({ downs: 0, downSeconds: 0 });
    lab.health.stop();
  });

  test("a small lab is known within a moment, and the board has it", async () => {
    const lab = wellHub();
    expect(lab.states("api")).toEqual(["unknown", "unknown", "unknown"]);
    await lab.clock.pass(100);
    expect(lab.states("api")).toEqual(["up", "up", "up"]);
    expect(lab.states("http")).toEqual(["up", "up", "up"]);
    const api = lab.view("api", "10.0.0.20");
    expect(api).toMatchObject({ reason: "/readyz 200", rung: "readyz", role: "sensed", identity: "proven" });
    expect(lab.board.health[api.cell]).toBe(HEALTH.up);
    expect(reasonText(lab.board.reason[api.cell] ?? 0)).toBe("/readyz 200");
    expect(lab.board.since[api.cell]).toBe(api.sinceMs);
    expect(lab.board.weight[api.cell]).toBe(256);
    expect(lab.view("https", "10.0.0.20")).toMatchObject({ reason: "/healthz/ready 200", rung: "ready1936" });
    lab.health.stop();
  });

  test("one probe round per node speaks for https and http", async () => {
    const lab = wellHub();
    await lab.clock.pass(60_000);
    const families = new Map<string, number>();
    for (const { family } of lab.probes) families.set(family, (families.get(family) ?? 0) + 1);
    expect([...families.keys()].sort()).toEqual(["api", "ingress"]);
    for (const count of families.values()) expect(count).toBeWithin(36, 43); // 3 nodes, every 5 s, and the first
    expect(lab.probes.find(({ family }) => family === "api")?.servername).toBe("api.hub.lab");
    expect(lab.probes.find(({ family }) => family === "ingress")?.servername).toEndWith(".apps.hub.lab");
    lab.health.stop();
  });

  test("a node that is well is asked only for its readiness, every other time on a new connection; its ports are tried now and then", async () => {
    const lab = wellHub();
    await lab.clock.pass(200);
    lab.probes.length = 0;
    await lab.clock.pass(400_000);
    expect(lab.probes.some(({ request }) => request.thorough)).toBe(false);
    const fresh = lab.probes.filter(({ request }) => request.reconnect).length;
    expect(fresh / lab.probes.length).toBeWithin(0.4, 0.55);
    await lab.clock.pass(500_000);
    expect(lab.probes.filter(({ request }) => request.thorough)).toHaveLength(6);
    lab.health.stop();
  });

  test("/readyz 500: out within fall x interval + timeout, in again after rise, tunnels stay for 60 s", async () => {
    const lab = wellHub();
    await lab.clock.pass(20_000);
    lab.net.set("api 10.0.0.20", NOT_READY);
    const api = (): string => lab.view("api", "10.0.0.20").state;
    expect(await secondsUntil(lab, () => api() === "not-ready")).toBeLessThanOrEqual(12);
    const outAtMs = lab.clock.nowMs();
    expect(lab.view("https", "10.0.0.20").state).toBe("up");
    expect(lab.view("api", "10.0.0.20").reason).toBe("/readyz 500");
    expect(lab.cuts).toEqual([]);
    await lab.clock.pass(NOT_READY_CUT_MS + 2_000);
    const { cell } = lab.view("api", "10.0.0.20");
    expect(lab.cuts).toMatchObject([{ cell, afterMs: 0, reason: "node down" }]);
    expect((lab.cuts[0]?.atMs ?? 0) - outAtMs).toBeGreaterThanOrEqual(NOT_READY_CUT_MS - 1_000);
    lab.net.set("api 10.0.0.20", WELL);
    expect(await secondsUntil(lab, () => api() === "up")).toBeLessThanOrEqual(8);
    lab.health.stop();
  });

  test("a node that is ready again before 60 s keeps its tunnels", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    lab.net.set("api 10.0.0.20", NOT_READY);
    await lab.clock.pass(40_000);
    lab.net.set("api 10.0.0.20", WELL);
    await lab.clock.pass(60_000);
    expect(lab.cuts).toEqual([]);
    lab.health.stop();
  });

  test("the last usable endpoint's tunnels are never cut because it is not ready", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    for (const ip of HUB) lab.net.set(`api ${ip}`, NOT_READY);
    await lab.clock.pass(300_000);
    expect(lab.states("api")).toEqual(["not-ready", "not-ready", "not-ready"]);
    expect(lab.cuts).toEqual([]);
    lab.net.set(`api ${HUB[0]}`, WELL);
    await lab.clock.pass(20_000);
    expect(lab.cuts.map(({ cell }) => cell).sort()).toEqual(
      [lab.view("api", HUB[1] ?? "").cell, lab.view("api", HUB[2] ?? "").cell].sort(),
    );
    lab.health.stop();
  });

  test("a dead node: out within 10 s, tunnels cut at once, asked ever less, back within half a minute", async () => {
    const lab = wellHub();
    await lab.clock.pass(20_000);
    lab.net.set("10.0.0.21", SILENT);
    const dead = (): boolean =>
      (["api", "https", "http"] as const).every((kind) => lab.view(kind, "10.0.0.21").state === "dead");
    expect(await secondsUntil(lab, dead)).toBeLessThanOrEqual(10);
    expect(lab.view("api", "10.0.0.21").reason).toBe("no answer within 2s");
    expect(lab.cuts.map(({ afterMs, reason }) => [afterMs, reason])).toEqual([
      [0, "node down"],
      [0, "node down"],
      [0, "node down"],
    ]);
    await lab.clock.pass(120_000);
    lab.probes.length = 0;
    await lab.clock.pass(90_000);
    expect(lab.probes.filter(({ ip, family }) => ip === "10.0.0.21" && family === "api")).toHaveLength(3);
    lab.net.set("10.0.0.21", WELL);
    expect(await secondsUntil(lab, () => lab.view("api", "10.0.0.21").state === "up")).toBeLessThanOrEqual(33);
    lab.health.stop();
  });

  test("slow start: an API server that comes back gets a growing share, a hashed pool all of it", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    lab.net.set("10.0.0.20", REFUSING);
    await lab.clock.pass(15_000);
    lab.net.set("10.0.0.20", WELL);
    await secondsUntil(lab, () => lab.view("api", "10.0.0.20").state === "up");
    const weight = (): number => lab.board.weight[lab.view("api", "10.0.0.20").cell] ?? 0;
    expect(weight()).toBeLessThan(8);
    expect(lab.board.weight[lab.view("https", "10.0.0.20").cell]).toBe(256);
    await lab.clock.pass(30_000);
    expect(weight()).toBeWithin(120, 140);
    await lab.clock.pass(32_000);
    expect(weight()).toBe(256);
    lab.health.stop();
  });

  test("slow start also for a node that was added", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    const next = hub({ nodes: nodes(...HUB, "10.0.0.23") });
    lab.net.set("10.0.0.23", WELL);
    lab.health.update(next, snapshotOf(next));
    await lab.clock.pass(100);
    const added = lab.view("api", "10.0.0.23");
    expect(added).toMatchObject({ state: "up", role: "sensed" });
    expect(lab.board.weight[added.cell]).toBeLessThan(8);
    expect(lab.view("api", "10.0.0.20").state).toBe("up");
    lab.health.stop();
  });

  test("a failed dial counts for its endpoint only and probes its node at once", async () => {
    const lab = wellHub();
    await lab.clock.pass(12_000);
    const { cell } = lab.view("https", "10.0.0.20");
    const before = lab.probes.length;
    lab.health.dialFailed(cell, "refused");
    await lab.clock.pass(10);
    expect(lab.probes.length).toBe(before + 1);
    expect(lab.probes.at(-1)).toMatchObject({ ip: "10.0.0.20", family: "ingress", request: { thorough: true } });
    expect(lab.states("https")).toEqual(["up", "up", "up"]); // the probe found it well
    lab.net.set("10.0.0.20", REFUSING);
    lab.health.dialFailed(cell, "refused");
    await lab.clock.pass(10);
    expect(lab.view("https", "10.0.0.20")).toMatchObject({ state: "dead", reason: "connection refused" });
    lab.health.stop();
  });

  test("our own shortage is not the node's fault", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    const { cell } = lab.view("api", "10.0.0.20");
    for (let n = 0; n < 10; n++) lab.health.dialFailed(cell, "no-descriptors");
    lab.health.dialFailed(999_999, "refused");
    expect(lab.states("api")).toEqual(["up", "up", "up"]);
    lab.health.stop();
  });

  test("alert-only nodes are out once any node of the pool showed more", async () => {
    const lab = bench(hub(), { "10.0.0.20": ALERTING, "10.0.0.21": WELL, "10.0.0.22": WELL });
    await lab.clock.pass(5_000);
    expect(lab.states("api")).toEqual(["not-ready", "up", "up"]);
    expect(lab.view("api", "10.0.0.20").reason).toBe("TLS handshake refused");
    lab.health.stop();
  });

  test("with check=off nobody is asked and everybody is used", async () => {
    const lab = bench(hub({ check: "off" }), {});
    await lab.clock.pass(60_000);
    expect(lab.probes).toEqual([]);
    expect(lab.view("api", "10.0.0.20")).toMatchObject({ state: "unknown", reason: "checks are off", role: "given" });
    const next = hub();
    lab.health.update(next, snapshotOf(next));
    await lab.clock.pass(5_000);
    expect(lab.states("api")).toEqual(["dead", "dead", "dead"]);
    lab.health.update(hub({ check: "off" }), snapshotOf(next));
    await lab.clock.pass(60_000);
    expect(lab.states("api")).toEqual(["unknown", "unknown", "unknown"]);
    lab.health.stop();
  });

  test("drain takes a node out of new traffic, gives its tunnels time, and survives an update", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    expect(lab.health.drain("hub", "10.0.0.20", true)).toBe(3);
    expect(lab.health.drain("hub", "nobody", true)).toBe(0);
    const api = lab.view("api", "10.0.0.20");
    expect(api).toMatchObject({ state: "drained", reason: "taken out by the operator" });
    expect(lab.board.health[api.cell]).toBe(HEALTH.drained);
    expect(lab.cuts).toHaveLength(3);
    for (const cut of lab.cuts) expect(cut).toMatchObject({ afterMs: 30_000, reason: "drain" });
    lab.health.update(hub(), snapshotOf(hub()));
    await lab.clock.pass(10_000);
    expect(lab.view("api", "10.0.0.20").state).toBe("drained");
    lab.health.drain("hub", "10.0.0.20", false);
    expect(lab.view("api", "10.0.0.20").state).toBe("up");
    lab.health.stop();
  });

  test("a node that leaves the configuration is not asked any more", async () => {
    const lab = wellHub();
    await lab.clock.pass(10_000);
    const next = hub({ nodes: nodes(...HUB.slice(1)) });
    lab.health.update(next, snapshotOf(next));
    lab.probes.length = 0;
    await lab.clock.pass(60_000);
    expect(lab.probes.some(({ ip }) => ip === HUB[0])).toBe(false);
    expect(lab.health.endpoints()).toHaveLength(6);
    lab.health.stop();
  });

  test("1,000 nodes never burst", async () => {
    const many = Array.from({ length: 100 }, (_, at) =>
      clusterConfig(`c${at}`, { nodes: nodes(...Array.from({ length: 10 }, (_, node) => `10.1.${at}.${node}`)) }),
    );
    const net = Object.fromEntries(many.flatMap(({ nodes }) => nodes.map(({ host }) => [host, WELL])));
    const lab = bench(configOf(many), net);
    await lab.clock.pass(12_000);
    const perTenth = new Map<number, number>();
    for (const { atMs } of lab.probes) {
      const tenth = Math.floor(atMs / 100);
      perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
    }
    expect(Math.max(...perTenth.values())).toBeLessThanOrEqual(85); // 2,000 probes in 5 s are 40 in a tenth of a second
    expect(lab.health.endpoints().every(({ state }) => state === "up")).toBe(true);
    lab.health.stop();
  });

  test("a pool's and a cluster's own cells sum up for the page", async () => {
    const lab = wellHub();
    await lab.clock.pass(20_000);
    const plan = snapshotOf(hub()).clusters[0];
    const poolRow = poolOf(plan, "api")?.cell ?? -1;
    expect(lab.board.health[poolRow]).toBe(HEALTH.up);
    for (const ip of HUB) lab.net.set(ip, SILENT);
    await lab.clock.pass(30_000);
    expect(lab.board.health[poolRow]).toBe(HEALTH.dead);
    expect(lab.board.health[plan?.cell ?? -1]).toBe(HEALTH.dead);
    expect(reasonText(lab.board.reason[poolRow] ?? 0)).toBe("no answer within 2s");
    expect(lab.board.since[poolRow] ?? 0).toBeGreaterThan(1.7e12);
    lab.health.stop();
  });
});

describe("A1: an endpoint that is edge-lb itself", () => {
  function movingLab(change = {}): { lab: Bench; own: Set<string> } {
    const own = new Set(["10.0.0.20"]);
    let known = own.size;
    const look = (): boolean => known !== (known = own.size);
    const reachedAt = ({ ip, port }: Address): OwnListener | null =>
      own.has(ip) ? { label: "api", at: { ip: "", port } } : null;
    const well = { ...WELL, names: ["*.apps.hub.lab", "api.hub.lab"] };
    const lab = bench(hub(change), Object.fromEntries(HUB.map((ip) => [ip, well])), { own: { look, reachedAt } });
    return { lab, own };
  }

  for (const check of ["auto", "off"] as const) {
    test(`check=${check}: is foreign from the first moment, told, and never probed`, async () => {
      const { lab } = movingLab({ check });
      const found = lab.view("api", "10.0.0.20");
      expect(found).toMatchObject({ state: "foreign", reason: "edge-lb itself listens there" });
      expect(lab.board.health[found.cell]).toBe(HEALTH.foreign);
      await lab.clock.pass(60_000);
      lab.health.dialFailed(found.cell, "refused");
      lab.health.update(hub({ check }), snapshotOf(hub({ check })));
      await lab.clock.pass(60_000);
      expect(lab.view("api", "10.0.0.20")).toMatchObject({ state: "foreign", reason: "edge-lb itself listens there" });
      expect(lab.probes.filter(({ ip }) => ip === "10.0.0.20")).toEqual([]);
      expect(lab.lines.filter((line) => line.includes("edge-lb itself"))).toEqual(
        ["api", "https", "http"].map((pool) => `hub: ${pool} foreign on 10.0.0.20: edge-lb itself listens there`),
      );
      const warning = "10.0.0.20: edge-lb itself listens there (port 6443, 443, 80), so it gets no client";
      expect(lab.health.clusters()[0]?.warnings).toContain(warning);
      lab.health.stop();
    });
  }

  test("by an address that comes: its tunnels are cut; by one that goes: it is probed again", async () => {
    const { lab, own } = movingLab();
    await lab.clock.pass(10_000);
    own.add("10.0.0.21");
    await lab.clock.pass(1_100);
    const { cell, state } = lab.view("api", "10.0.0.21");
    expect(state).toBe("foreign");
    expect(lab.cuts.filter((cut) => cut.cell === cell)).toMatchObject([{ afterMs: 0, reason: "node down" }]);
    own.clear();
    await lab.clock.pass(3_000);
    expect(lab.states("api")).toEqual(["up", "up", "up"]);
    expect(lab.health.clusters()[0]?.warnings).toEqual([]);
    lab.health.stop();
  });
});
