/** What a look at a network costs: packets, counted where they leave the machine, and what hostile machines can make of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import net from "node:net";
import { parse } from "yaml";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { MachineNetwork, REAL_PORTS } from "../../scripts/lab/machine-network.ts";
import { whyNoNetwork } from "../../scripts/lab/netns.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { createAuthority } from "../../scripts/lab/toy/certificate.ts";
import { startToyCluster } from "../../scripts/lab/toy/cluster.ts";
import { startToyNode } from "../../scripts/lab/toy/node.ts";

describe.if(whyNoNetwork() === null)("a look at a silent network", () => {
  let network: MachineNetwork;
  beforeAll(() => {
    network = MachineNetwork.open();
  });
  afterAll(() => network.close());

  /** Packets that left the hypervisor's bridge, and bytes. */
  async function sent(): Promise<number> {
    const { out } = await command([...network.hypervisor, "ip", "-json", "-statistics", "link", "show", "br0"]);
    return JSON.parse(out)[0].stats64.tx.packets;
  }

  test.each([
    // ARP asks three times at most for each address; the two machines that are there refuse twice each
    ["192.168.125.0/24", 254, 3 * 254 + 40],
    ["192.168.64.0/22", 1_022, 1_022 * 3 + 40],
  ])(
    "of %s sends no more than it may, and takes no longer than its pace",
    async (cidr, addresses, most) => {
      await command([...network.hypervisor, "ip", "route", "replace", "192.168.64.0/22", "dev", "br0"]);
      const before = await sent();
      const startMs = performance.now();
      const argv = [...network.hypervisor, ...edgeLbArgv(), "discover", `net:${cidr}`];
      const { code, out, err } = await command(argv, { timeoutMs: 60_000 });
      expect([code, err]).toEqual([0, ""]);
      expect(out).toContain(`${addresses} addresses asked`);
      const packets = (await sent()) - before;
      expect(packets).toBeGreaterThan(addresses / 2);
      expect(packets).toBeLessThanOrEqual(most);
      // 64 at a time for half a second each, on a machine that may be busy
      expect(performance.now() - startMs).toBeLessThan(15_000 + (addresses / 64) * 500 * 3);
    },
    90_000,
  );

  test("asks a machine that is there and refuses once on each port", async () => {
    const authority = await createAuthority("plain");
    const certificates = {
      api: await authority.issue({ names: ["x"] }),
      https: await authority.issue({ names: ["x"] }),
    };
    const { ready } = REAL_PORTS;
    const node = await network.boot({
      cluster: "plain",
      node: "plain",
      ip: "192.168.125.40",
      ports: { ready },
      certificates,
    });
    const rules = ["table ip count {", "chain out { type filter hook output priority 0;"];
    for (const port of [REAL_PORTS.api, REAL_PORTS.https])
      rules.push(`ip daddr 192.168.125.40 tcp dport ${port} tcp flags & (syn|ack) == syn counter;`);
    const load = await command([...network.hypervisor, "nft", "-f", "-"], { input: [...rules, "}", "}"].join("\n") });
    expect(load.err).toBe("");
    await command([...network.hypervisor, ...edgeLbArgv(), "discover", "net:192.168.125.32/28"], { timeoutMs: 60_000 });
    const { out } = await command([...network.hypervisor, "nft", "list", "table", "ip", "count"]);
    expect([...out.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets))).toEqual([1, 1]);
    await node.kill();
  }, 90_000);
});

describe("a look at hostile machines", () => {
  const stops: (() => unknown)[] = [];
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  test("tarpits, resets and a certificate with thousands of names hide nobody, and add nobody", async () => {
    const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
    const ports = { api, https, http, ready };
    const block = "127.66.0";
    const cluster = await startToyCluster({ name: "hub", domain: "hub.lab", ips: [`${block}.10`], ports });
    stops.push(() => cluster.stop());
    for (let last = 20; last < 40; last++) {
      const rude = net.createServer((socket) => {
        socket.on("error", () => socket.destroy());
        if (last % 2 === 0) socket.resetAndDestroy();
      });
      rude.listen(last % 3 === 0 ? https : api, `${block}.${last}`);
      stops.push(() => rude.close());
    }
    const authority = await createAuthority("many");
    // as much as a handshake may carry, and more than any may
    for (const [last, count] of [
      [41, 2_000],
      [42, 10_000],
    ] as const) {
      const names = Array.from({ length: count }, (_, at) => `api.c${at}.example`);
      const certificates = { api: await authority.issue({ names }), https: await authority.issue({ names }) };
      const node = await startToyNode({
        cluster: "many",
        node: `n${last}`,
        ip: `${block}.${last}`,
        ports: { api, https },
        certificates,
      });
      stops.push(() => node.stop());
    }
    const source = `net:${block}.0/26,api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
    const { code, out, err } = await command([...edgeLbArgv(), "discover", source], { timeoutMs: 60_000 });
    expect([code, err]).toEqual([0, ""]);
    const { clusters } = parse(out) as {
      clusters: Readonly<Record<string, { readonly "api-names"?: readonly string[] }>>;
    };
    expect(Object.keys(clusters)).toContain("hub");
    // a certificate counts for one cluster and a bounded number of names
    expect(Object.keys(clusters).length).toBeLessThanOrEqual(3);
    for (const each of Object.values(clusters)) expect(each["api-names"]?.length ?? 0).toBeLessThanOrEqual(32);
  }, 120_000);
});
