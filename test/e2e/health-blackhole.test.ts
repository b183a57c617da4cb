/** A node that loses its power: what is sent to it is lost without a word. Clients wait for one connect timeout at most. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { visit } from "../../scripts/lab/crowd.ts";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { failures, type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import { type HeldTunnel, holdTunnel } from "../../scripts/lab/held-tunnel.ts";
import { LISTENERS } from "../../scripts/lab/lab.ts";
import { type FarNetwork, openFarNetwork, whyNoNetwork } from "../../scripts/lab/netns.ts";

const CONNECT_MS = 1_000;
/** Design: the whole of connecting to an endpoint may take this much more than the timeout. */
const OVER_MS = 100;
/** Clients, nodes and edge-lb share two cores with whatever else runs there. */
const SLACK_MS = 500;
const OUT_MS = 10_000;

const why = whyNoNetwork();
if (why !== null) console.error(`health-blackhole: skipped, ${why}`);

describe.skipIf(why !== null)("a node that vanishes", () => {
  let net: FarNetwork;
  let lab: HealthLab;
  const tunnels: HeldTunnel[] = [];
  beforeAll(async () => {
    net = openFarNetwork([20, 21, 22]);
    const timeouts = ["--timeout", `connect=${CONNECT_MS}ms`, "--timeout", "probe=1s", "--interval", "1s"];
    const argv = [...net.prefix, ...edgeLbArgv()];
    lab = await startHealthLab({ block: net.block, at: net.edge, argv, args: timeouts });
    await lab.settled();
  });
  afterAll(async () => {
    for (const tunnel of tunnels) tunnel.close();
    await lab?.stop();
    net?.close();
  });

  test("keeps no client waiting, is out within 10 s with its tunnels, and comes back", async () => {
    const { node: victim } = await visit(lab.door("https"));
    const node = lab.hub.nodes.find(({ name }) => name === victim);
    const ip = node?.ip ?? "";
    while (!tunnels.some((tunnel) => tunnel.node === victim)) tunnels.push(await holdTunnel(lab.door("api")));

    const crowd = lab.crowd(100);
    const badMs = Date.now();
    net.vanish(ip);
    const outs = await Promise.all(LISTENERS.map((pool) => lab.turned(ip, pool, /^dead$/, badMs)));
    for (const { reason } of outs) expect(reason).toMatch(/no answer|unreachable/);
    const outMs = Math.max(...outs.map(({ atMs }) => atMs)) - badMs;
    await Bun.sleep(SLACK_MS);
    for (const tunnel of tunnels) {
      if (tunnel.node === victim) expect(tunnel.endedMs() ?? Infinity).toBeLessThan(badMs + outMs + SLACK_MS);
      else expect(tunnel.endedMs()).toBeNull();
    }
    const backMs = Date.now();
    net.comeBack(ip);
    const ins = await Promise.all(LISTENERS.map((pool) => lab.turned(ip, pool, /^up$/, backMs)));
    const inMs = Math.max(...ins.map(({ atMs }) => atMs)) - backMs;
    const visits = (await crowd.stop()).filter(({ atMs }) => atMs >= badMs);

    const slowest = Math.max(...visits.map(({ ms }) => ms));
    const dials = lab.hub.nodes.flatMap((each) => lab.access(each.ip, badMs)).map(({ dialMs }) => dialMs ?? 0);
    if (process.env["HEALTH_TABLE"] !== undefined) {
      console.error(
        `black hole: out ${outMs} ms, in ${inMs} ms, ${failures(visits).length} of ${visits.length} failed, slowest dial ${Math.max(...dials)} ms, visit ${Math.round(slowest)} ms`,
      );
    }
    expect(failures(visits)).toEqual([]);
    expect(outMs).toBeLessThanOrEqual(OUT_MS);
    expect(Math.max(...dials)).toBeLessThanOrEqual(CONNECT_MS + OVER_MS);
    expect(Math.max(...dials)).toBeGreaterThanOrEqual(CONNECT_MS - OVER_MS); // it was met
    expect(slowest).toBeLessThanOrEqual(CONNECT_MS + OVER_MS + SLACK_MS);
  }, 60_000);

  test("with its whole cluster is one event", async () => {
    const ips = lab.hub.nodes.map(({ ip }) => ip);
    const badMs = Date.now();
    for (const ip of ips) net.vanish(ip);
    await lab.edge.logged(/"hub: all 3 nodes are down: (no answer within 1s|unreachable)"/);
    await Bun.sleep(1_000);
    expect(lab.events(badMs).filter(({ event }) => event === "health")).toHaveLength(1);
    const backMs = Date.now();
    for (const ip of ips) net.comeBack(ip);
    for (const ip of ips) for (const pool of LISTENERS) await lab.turned(ip, pool, /^up$/, backMs);
    expect((await visit(lab.door("api"))).error).toBeNull();
  }, 60_000);
});
