/** Services beyond the built-in ones: agents of RKE2 by name, nodes of Talos by where they are. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { type EdgeLb, runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

let clusters: readonly ToyCluster[] = [];
let edge: EdgeLb;
let [node = 0, rke2 = 0, talos = 0, http = 0, admin = 0] = [0];
const CONTROL = `/tmp/edge-lb-services-${process.pid}.sock`;

beforeAll(async () => {
  [node = 0, rke2 = 0, talos = 0, http = 0, admin = 0] = await freePorts(5);
  const start = (name: string, ips: readonly string[]): Promise<ToyCluster> =>
    startToyCluster({ name, domain: `${name}.lab`, ips, ports: { api: node } });
  clusters = await Promise.all([start("hub", ["127.72.0.20", "127.72.0.21"]), start("m1", ["127.72.1.20"])]);
  const ports = `api-port=${node},rke2-port=${node},talos-port=${node}`;
  edge = await startEdgeLb(
    [
      `--cluster hub=api=127.72.0.20-21,http=127.72.0.20,http-port=${node},${ports},rke2-names=*.join.lab,clients=127.72.8.0/24`,
      `--cluster m1=api=127.72.1.20,talos=127.72.1.20,${ports}`,
      `--domain lab --listen api=off --listen https=off --listen http=127.0.0.1:${http}`,
      `--listen rke2=127.0.0.1:${rke2} --listen talos=127.0.0.1:${talos}`,
      `--interval 200ms --admin 127.0.0.1:${admin} --control ${CONTROL}`,
    ].flatMap((text) => text.split(" ")),
  );
  await edge.logged(/m1: .*talos up on 127\.72\.1\.20/);
  await edge.logged(/hub: .*rke2 up on 127\.72\.0\.20, 127\.72\.0\.21/);
});
afterAll(async () => {
  await edge?.stop();
  await Promise.all(clusters.map((cluster) => cluster.stop()));
});

/** @param from The client's address. */
function curl(name: string, port: number, from = "127.0.0.1"): Promise<CommandResult> {
  return command([
    ["curl", "--silent", "--show-error", "--insecure", "--interface", from],
    ["--resolve", `${name}:${port}:127.0.0.1`, `https://${name}:${port}/version`],
  ]);
}

async function clusterOf(name: string, port: number, from?: string): Promise<string> {
  const { out, err } = await curl(name, port, from);
  return out === "" ? err : JSON.parse(out).cluster;
}

describe("an agent of RKE2", () => {
  test.each([
    ["api.hub.lab", "hub"],
    ["api-int.m1.lab", "m1"],
    ["server.join.lab", "hub"],
  ])("that joins at %s reaches %s", async (name, want) => {
    expect(await clusterOf(name, rke2)).toBe(want);
  });

  test("that asks for no cluster's name gets the alert", async () => {
    expect(await clusterOf("api.none.lab", rke2)).toContain("unrecognized name");
    expect(await clusterOf("server.join.lab", talos)).toContain("unrecognized name");
  });
});

describe("a node of Talos", () => {
  test.each([
    ["127.72.0.21", "hub"],
    ["127.72.1.20", "m1"],
    ["127.72.8.77", "hub"],
  ])("at %s that asks for localhost lands at home: %s", async (from, want) => {
    const before = edge.logs().length;
    expect(await clusterOf("localhost", talos, from)).toBe(want);
    await edge.logged(new RegExp(`talos localhost ${from}:\\d+ > ${want} .*\\(by client address\\)`), before);
  });

  test("that is a stranger gets the alert", async () => {
    expect(await clusterOf("localhost", talos, "127.72.9.9")).toContain("unrecognized name");
  });

  test("is routed by its address on port 80 where HTTP/1.0 has no Host", async () => {
    const asked = (from: string): Promise<CommandResult> =>
      command([
        "curl",
        "--silent",
        "--http1.0",
        "-H",
        "Host:",
        "--interface",
        from,
        "--include",
        `http://127.0.0.1:${http}/`,
      ]);
    expect((await asked("127.72.9.9")).out).toContain("404");
    // no router of m1 listens on plain HTTP, and it says so
    expect((await asked("127.72.1.20")).out).toContain("Cluster m1 has no node for plain HTTP");
  });
});

describe("what edge-lb shows of a further service", () => {
  test("the ready line has it", () => {
    expect(edge.ready).toMatchObject({ rke2: `127.0.0.1:${rke2}`, talos: `127.0.0.1:${talos}` });
  });

  test("status has listener, pool and how many came by their address", async () => {
    const { out } = await runEdgeLb(["status", "--json", "--control", CONTROL]);
    const status = JSON.parse(out);
    expect(status.listeners).toContainEqual(expect.objectContaining({ kind: "talos", address: `127.0.0.1:${talos}` }));
    expect(status.clusters[1].pools).toContainEqual(
      expect.objectContaining({ kind: "talos", policy: "leastconn", rung: "tls", state: "up" }),
    );
    expect(status.connections.byClientAddress).toBeGreaterThanOrEqual(3);
    const text = (await runEdgeLb(["status", "--control", CONTROL])).out;
    expect(text).toMatch(/talos +127\.0\.0\.1:\d+ /);
    expect(text).toMatch(/ by client address/);
  });

  test("metrics, CSV and the page have it", async () => {
    const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${admin}${path}`)).text();
    expect(await get("/metrics")).toContain(`edge_lb_endpoint_up{cluster="hub",pool="rke2",node="127.72.0.20"`);
    expect(await get("/metrics")).toMatch(/edge_lb_client_connections_by_address_total [1-9]/);
    expect(await get("/;csv")).toMatch(/^rke2_hub,127\.72\.0\.20,.*,tcp,/m);
    expect(await get("/")).toContain("rke2");
  });

  test("explain says why, to whom it may concern", async () => {
    const explain = async (...more: string[]): Promise<CommandResult> =>
      runEdgeLb(["explain", ...more, "--control", CONTROL]);
    const home = await explain("localhost", "--listener", "talos", "--from", "127.72.1.20");
    expect(home.code).toBe(0);
    expect(home.out).toContain("  rule       by client address 127.72.1.20, as the name says nothing\n");
    expect(home.out).toContain("  cluster    m1 (");
    expect(await explain("localhost", "--listener", "talos")).toMatchObject({ code: 1 });
    expect((await explain("api.hub.lab", "--listener", "rke2")).out).toStartWith("api.hub.lab on rke2\n");
    expect(await explain("api.hub.lab", "--listener", "none")).toMatchObject({ code: 2 });
    expect(await explain("api.hub.lab", "--from", "nobody")).toMatchObject({ code: 2 });
  });
});
