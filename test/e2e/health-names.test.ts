/** A node given by name moves to another address: its endpoint moves along, and nobody else's tunnel notices. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { visit, type Door } from "../../scripts/lab/crowd.ts";
import { type EdgeLb, edgeLbArgv, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { type HeldTunnel, holdTunnel } from "../../scripts/lab/held-tunnel.ts";
import { type NameServer, startNameServer } from "../support/name-server.ts";
import { type FarNetwork, openFarNetwork, whyNoNetwork } from "../../scripts/lab/netns.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

const NAME = "worker-1.machines.lab";
const why = whyNoNetwork();
if (why !== null) console.error(`health-names: skipped, ${why}`);

describe.skipIf(why !== null)("a node given by name", () => {
  let net: FarNetwork;
  let names: NameServer;
  let hub: ToyCluster;
  let two: ToyCluster;
  let edge: EdgeLb;
  let doors: { hub: Door; two: Door };
  const tunnels: HeldTunnel[] = [];

  beforeAll(async () => {
    net = openFarNetwork([20, 21, 22, 30]);
    names = await startNameServer(net.nameServer);
    names.records.set(NAME, [`${net.block}.21`]);
    const [port = 0, listen = 0] = await freePorts(2);
    const ports = { api: port };
    const ips = [20, 21, 22].map((last) => `${net.block}.${last}`);
    hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips, ports });
    two = await startToyCluster({ name: "two", domain: "two.lab", ips: [`${net.block}.30`], ports });
    const flags = [
      `--cluster hub=api=${net.block}.20,${NAME},api-port=${port}`,
      `--cluster two=api=${net.block}.30,api-port=${port}`,
      `--domain lab --listen api=${net.edge}:${listen} --listen https=off --listen http=off`,
      "--interval 500ms --timeout drain=1s",
    ].flatMap((text) => text.split(" "));
    edge = await startEdgeLb(flags, { argv: [...net.prefix, ...edgeLbArgv()] });
    const door = (name: string): Door => ({ listener: "api", ip: net.edge, port: listen, host: `api.${name}.lab` });
    doors = { hub: door("hub"), two: door("two") };
    await edge.logged(/hub: api up on .*20.*21/);
  });
  afterAll(async () => {
    for (const tunnel of tunnels) tunnel.close();
    await edge?.stop();
    await Promise.all([hub?.stop(), two?.stop()]);
    names?.close();
    net?.close();
  });

  const all = (): ReadonlySet<string> => new Set(tunnels.map(({ node }) => node));
  const ended = (node: string): boolean =>
    tunnels.filter((tunnel) => tunnel.node === node).every((tunnel) => tunnel.endedMs() !== null);
  const open = (node: string): boolean =>
    tunnels.filter((tunnel) => tunnel.node === node).every((tunnel) => tunnel.endedMs() === null);

  test("moves when the name does; its old tunnels get the drain time, all others stay", async () => {
    while (all().size < 2) tunnels.push(await holdTunnel(doors.hub));
    tunnels.push(await holdTunnel(doors.two));
    expect([...all()].toSorted()).toEqual(["hub-20", "hub-21", "two-30"]);

    names.records.set(NAME, [`${net.block}.22`]);
    await edge.logged(new RegExp(`${NAME} moved: ${net.block}.22 \\(was ${net.block}.21\\)`));
    await edge.logged(new RegExp(`hub: api up on ${NAME} \\(${net.block}.22\\)`));
    const giveUp = performance.now() + 5_000;
    while (!ended("hub-21") && performance.now() < giveUp) await Bun.sleep(20);
    expect([ended("hub-21"), open("hub-20"), open("two-30")]).toEqual([true, true, true]);
    const answers = new Set<string | null>();
    for (let n = 0; n < 40; n++) answers.add((await visit(doors.hub)).node);
    expect(answers).not.toContain("hub-21");
    expect(answers).not.toContain(null);
  }, 40_000);

  test("keeps its address when the name fails, and says so", async () => {
    names.records.set(NAME, null);
    await edge.logged(new RegExp(`Cannot resolve ${NAME}: .*; keeping ${net.block}.22`));
    expect((await visit(doors.hub)).error).toBeNull();
    expect([open("hub-20"), open("two-30")]).toEqual([true, true]);
  }, 40_000);
});
