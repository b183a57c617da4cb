/** The machine-config listener: for nodes that boot, by the name they ask for or by the bridge they ask on. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

let hub: ToyCluster;
let edge: EdgeLb;
let door: Door;

beforeAll(async () => {
  const [mcs = 0, listen = 0] = await freePorts(2);
  // the toy's API server answers /healthz too: here it plays the machine-config server
  const ips = ["127.70.0.20", "127.70.0.21"];
  hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips, ports: { api: mcs } });
  const flags = [
    `--cluster hub=api=${ips.join()},ingress=127.70.0.99,mcs-port=${mcs}`,
    // somewhere else: the listener's network has one cluster's nodes
    "--cluster other=api=192.0.2.1,ingress=192.0.2.1",
    `--domain lab --listen mcs=127.0.0.1:${listen} --listen api=off --listen https=off --listen http=off`,
    "--interval 200ms",
  ].flatMap((text) => text.split(" "));
  edge = await startEdgeLb(flags);
  door = { listener: "api", ip: "127.0.0.1", port: listen, host: "api-int.hub.lab" };
});
afterAll(async () => {
  await edge?.stop();
  await hub?.stop();
});

describe("the mcs listener", () => {
  test("is probed at /healthz", async () => {
    await edge.logged(/hub: mcs up on 127\.70\.0\.20, 127\.70\.0\.21: \/healthz 200/);
  }, 30_000);

  test("routes by api-int", async () => {
    expect(await visit(door)).toMatchObject({ cluster: "hub", error: null });
  });

  test("routes who names nobody by the bridge", async () => {
    expect(await visit({ ...door, host: "" })).toMatchObject({ cluster: "hub", error: null });
  });

  test("refuses the name of a cluster whose nodes are not there", async () => {
    expect((await visit({ ...door, host: "api-int.other.lab" })).error).not.toBeNull();
  });

  test("leaves out a server that says no, and takes it back", async () => {
    const from = edge.logs().length;
    await hub.nodes[0]?.behave("readyz 500");
    await edge.logged(/hub: mcs not-ready on 127\.70\.0\.20: \/healthz 500/, from);
    for (let n = 0; n < 10; n++) expect((await visit(door)).node).toBe("hub-21");
    await hub.nodes[0]?.behave("healthy");
    await edge.logged(/hub: mcs up on 127\.70\.0\.20: \/healthz 200/, from);
  }, 20_000);
});
