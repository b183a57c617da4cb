/** Nodes given without a role: edge-lb finds out who serves what, and which domain the cluster has. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";
import type { BehaviourName } from "../../scripts/lab/toy/node.ts";

const BLOCK = "127.73.0";
const DOMAIN = "hub-cluster.linuxera.lab";
const ROUTERS = [3, 4, 5];
const LATE = 5;

let hub: ToyCluster;
let edge: EdgeLb;
let doors: { api: Door; https: Door; http: Door };

beforeAll(async () => {
  const [api = 0, https = 0, http = 0, ready = 0, ...listens] = await freePorts(7);
  const at = (last: number): string => `${BLOCK}.${last}`;
  const ports = { api, https, http, ready };
  hub = await startToyCluster({
    name: "hub",
    domain: DOMAIN,
    ips: [20, 21, 22].map(at),
    ingressIps: [23, 24, 25].map(at),
    ports,
  });
  await hub.nodes[LATE]?.behave("refused");
  const flags = [
    `--cluster hub=${BLOCK}.20-25,api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`,
    ...(["api", "https", "http"] as const).map((kind, index) => `--listen ${kind}=127.0.0.1:${listens[index]}`),
    "--interval 200ms",
  ].flatMap((text) => text.split(" "));
  edge = await startEdgeLb(flags);
  const door = (listener: Door["listener"], index: number, host: string): Door => ({
    listener,
    ip: "127.0.0.1",
    port: listens[index] ?? 0,
    host: `${host}.${DOMAIN}`,
  });
  doors = { api: door("api", 0, "api"), https: door("https", 1, "a.apps"), http: door("http", 2, "b.apps") };
});
afterAll(async () => {
  await edge?.stop();
  await hub?.stop();
});

const routers = async (behaviour: BehaviourName): Promise<void> => {
  for (const index of ROUTERS) await hub.nodes[index]?.behave(behaviour);
};

describe("a cluster of six nodes without roles", () => {
  test("is told apart: who serves the API and who the ingress", async () => {
    await edge.logged(/hub: api up on 127\.73\.0\.20, 127\.73\.0\.21, 127\.73\.0\.22: \/readyz 200/);
    await edge.logged(/hub: https up on 127\.73\.0\.23, 127\.73\.0\.24: \/healthz\/ready 200/);
    await edge.logged(/hub: http up on 127\.73\.0\.23, 127\.73\.0\.24: \/healthz\/ready 200/);
    expect(edge.logs()).not.toMatch(/hub: \w+ (down|not-ready)/);
  }, 30_000);

  test("has the domain that its ingress shows", async () => {
    await edge.logged(new RegExp(`hub: domain ${DOMAIN}, learnt from the certificate its ingress shows`));
    // the workers are told at the same moment as the log
    const giveUp = performance.now() + 5_000;
    while ((await visit(doors.api)).error !== null && performance.now() < giveUp) await Bun.sleep(10);
    for (const door of Object.values(doors)) expect(await visit(door)).toMatchObject({ cluster: "hub", error: null });
  }, 30_000);

  test("takes a worker that appears later", async () => {
    await hub.nodes[LATE]?.behave("healthy");
    await edge.logged(/hub: https up on 127\.73\.0\.25: \/healthz\/ready 200/);
    await edge.logged(/hub: http up on 127\.73\.0\.25: \/healthz\/ready 200/);
  }, 40_000);

  test("misses its routers alone when they are gone", async () => {
    const from = edge.logs().length;
    await routers("refused");
    for (const last of [23, 24, 25]) await edge.logged(new RegExp(`hub: http down on .*127\\.73\\.0\\.${last}`), from);
    const { port, host } = doors.http;
    const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { host } });
    expect(page.status).toBe(503);
    expect(await page.text()).toMatch(
      /Cluster hub is down for HTTP since .* UTC: all 3 nodes dead, connection refused/,
    );
    expect(await visit(doors.api)).toMatchObject({ error: null });
    await routers("healthy");
    await edge.logged(/hub: http up on /, from);
  }, 40_000);
});
