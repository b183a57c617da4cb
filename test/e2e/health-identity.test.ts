/** Whose node is it? An address that shows another cluster's certificate gets no byte of a client. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failures, type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import { LISTENERS } from "../../scripts/lab/lab.ts";
import { TOY_PORTS } from "../../scripts/lab/toy/node.ts";

const INTERVAL_MS = 500;
const SLACK_MS = 1_500;

let lab: HealthLab;
beforeAll(async () => {
  lab = await startHealthLab({ block: "127.66.0", args: ["--interval", `${INTERVAL_MS}ms`] });
  await lab.settled();
});
afterAll(() => lab?.stop());

describe("probes", () => {
  test("finish every handshake, on kept connections where they ask for readiness", async () => {
    const quiet = await Promise.all(lab.hub.nodes.map((node) => node.counters()));
    await Bun.sleep(3_000);
    const now = await Promise.all(lab.hub.nodes.map((node) => node.counters()));
    for (const [index, counters] of now.entries()) {
      const before = quiet[index] ?? counters;
      for (const port of TOY_PORTS) expect(counters[port].handshakeErrors).toBe(0);
      for (const port of ["api", "ready"] as const) {
        expect(counters[port].connections - before[port].connections).toBe(0);
        expect(counters[port].requests - before[port].requests).toBeGreaterThanOrEqual(4);
      }
    }
  }, 20_000);
});

describe("an address", () => {
  test("that shows another cluster's certificate gets no byte of a client after the first probe", async () => {
    const node = lab.node(1);
    const crowd = lab.crowd(50);
    await Bun.sleep(200);
    const badMs = Date.now();
    await node.present(lab.other.certificates);
    const turned = await Promise.all(LISTENERS.map((pool) => lab.turned(node.ip, pool, /^foreign$/, badMs)));
    const outMs = Math.max(...turned.map(({ atMs }) => atMs));
    const before = await node.counters();
    await Bun.sleep(2_000);
    const after = await node.counters();
    const wellMs = Date.now();
    await node.present(lab.hub.certificates);
    const back = await Promise.all(LISTENERS.map((pool) => lab.turned(node.ip, pool, /^up$/, wellMs)));
    const inMs = Math.max(...back.map(({ atMs }) => atMs)) - wellMs;
    const visits = await crowd.stop();
    if (process.env["HEALTH_TABLE"] !== undefined) {
      const [failed, all] = [failures(visits).length, visits.length];
      console.error(`foreign: out ${outMs - badMs} ms, in ${inMs} ms, ${failed} of ${all} failed`);
    }
    expect(outMs - badMs).toBeLessThanOrEqual(INTERVAL_MS * 1.1 + SLACK_MS);
    expect(lab.access(node.ip, outMs).filter(({ atMs }) => atMs < wellMs)).toEqual([]);
    // probes ask nothing but the API's readiness, and finish what they begin
    expect(after.https.requests - before.https.requests).toBe(0);
    expect(after.http.requests - before.http.requests).toBe(0);
    expect(after.api.requests - before.api.requests).toBeLessThanOrEqual(2_000 / (INTERVAL_MS * 0.9) + 1);
    expect(failures(visits.filter(({ atMs }) => atMs > outMs))).toEqual([]);
    expect(lab.events(badMs).filter(({ event }) => event === "identity")).toHaveLength(1);
  }, 40_000);

  test("whose certificate ends soon is a warning", async () => {
    const sinceMs = Date.now();
    const certificate = await lab.hub.authority.issue({ names: ["api.hub.lab"], days: 3 });
    await lab.node(2).present({ api: certificate });
    await lab.edge.logged(/"the API certificate expires on|hub: the API certificate expires on \d{4}-\d\d-\d\d"/);
    expect(lab.events(sinceMs).filter(({ event }) => event === "certificate")).toHaveLength(1);
  }, 40_000);
});
