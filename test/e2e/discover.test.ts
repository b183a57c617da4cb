/** `--discover` finds clusters while it runs: they come, are served, go; a rogue with copied names never gets a byte. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { createAuthority } from "../../scripts/lab/toy/certificate.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";
import { startToyNode, type ToyNode } from "../../scripts/lab/toy/node.ts";

const BLOCK = "127.65.0";

describe("--discover net:", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-state-"));
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let edge: EdgeLb;
  let args: readonly string[];
  let ports: { api: number; https: number; http: number; ready: number };
  let hub: ToyCluster;
  let rogue: ToyNode;
  let listen: readonly number[];
  let admin: string;

  beforeAll(async () => {
    const [api = 0, https = 0, http = 0, ready = 0, ...own] = await freePorts(8);
    ports = { api, https, http, ready };
    listen = own;
    admin = `127.0.0.1:${own[3]}`;
    hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips: [`${BLOCK}.10`, `${BLOCK}.11`], ports });
    stops.push(() => hub.stop());
    const keys = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
    args = [
      "--discover",
      `net:${BLOCK}.0/27,${keys}`,
      "--timeout",
      "gone=3s",
      "--admin",
      admin,
      "--interval",
      "500ms",
      ...["api", "https", "http"].flatMap((name, index) => ["--listen", `${name}=127.0.0.1:${own[index]}`]),
    ];
    edge = await startEdgeLb(args, { env: { STATE_DIRECTORY: folder } });
    stops.push(() => edge.stop());
  }, 60_000);
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  async function ask(cluster: ToyCluster, name: string, at: number | undefined): Promise<string> {
    const response = await fetch(`https://127.0.0.1:${at}/version`, {
      headers: { host: name },
      keepalive: false,
      tls: { ca: cluster.ca, serverName: name },
      signal: AbortSignal.timeout(5_000),
    });
    return ((await response.json()) as { cluster: string }).cluster;
  }

  interface Shown {
    readonly clusters: readonly {
      name: string;
      layer: string;
      domain: string;
      pools: readonly { endpoints: readonly { node: string }[] }[];
    }[];
  }
  const status = async (): Promise<Shown> => (await (await fetch(`http://${admin}/v1/status`)).json()) as Shown;

  test("serves a cluster that is there, and says where it comes from", async () => {
    await edge.logged(/cluster found: hub/);
    expect(await ask(hub, "api.hub.lab", listen[0])).toBe("hub");
    expect(await ask(hub, "console.apps.hub.lab", listen[1])).toBe("hub");
    expect((await status()).clusters).toMatchObject([{ name: "hub", layer: "discovered", domain: "hub.lab" }]);
    expect(JSON.parse(readFileSync(join(folder, "issuers.json"), "utf8"))).toHaveProperty(["api api.hub.lab"]);
  }, 60_000);

  test("gives a rogue with copied names nothing", async () => {
    const authority = await createAuthority("hub");
    const certificates = {
      api: await authority.issue({ names: ["api.hub.lab", "api-int.hub.lab"] }),
      https: await authority.issue({ names: ["*.apps.hub.lab"] }),
    };
    // it answers on a port that was refused before, as a machine that boots
    rogue = await startToyNode({ cluster: "rogue", node: "rogue", ip: `${BLOCK}.20`, ports, certificates });
    stops.push(() => rogue.stop());
    await edge.logged(/foreign: 127\.65\.0\.20 shows api\.hub\.lab signed by another authority/);
    for (let round = 0; round < 8; round++) expect(await ask(hub, "api.hub.lab", listen[0])).toBe("hub");
    const { clusters } = await status();
    expect(JSON.stringify(clusters)).not.toContain(`${BLOCK}.20`);
    const { api, https } = await rogue.counters();
    expect([api.requests, https.requests]).toEqual([0, 0]);
  }, 60_000);

  test("serves a cluster that boots, and lets go of it when it does not answer any more", async () => {
    const booted = await startToyCluster({ name: "m1", domain: "m1.lab", ips: [`${BLOCK}.15`], ports });
    stops.push(() => booted.stop());
    await edge.logged(/cluster found: m1/);
    expect(await ask(booted, "api.m1.lab", listen[0])).toBe("m1");
    await booted.stop();
    await edge.logged(/cluster gone: m1/);
    expect((await status()).clusters.map(({ name }) => name)).toEqual(["hub"]);
  }, 60_000);

  test("gives nothing to a rogue that takes over the address of a known node", async () => {
    const authority = await createAuthority("hub");
    const certificates = {
      api: await authority.issue({ names: ["api.hub.lab"] }),
      https: await authority.issue({ names: ["*.apps.hub.lab"] }),
    };
    const from = edge.logs().length;
    await hub.nodes[1]?.stop();
    const heir = await startToyNode({ cluster: "rogue", node: "heir", ip: `${BLOCK}.11`, ports, certificates });
    stops.push(() => heir.stop());
    await edge.logged(/127\.65\.0\.11 shows the certificate of another authority|foreign: 127\.65\.0\.11/, from);
    for (let round = 0; round < 8; round++) expect(await ask(hub, "console.apps.hub.lab", listen[1])).toBe("hub");
    expect((await heir.counters()).https.requests).toBe(0);
  }, 60_000);

  test("remembers over a restart who was seen first", async () => {
    await edge.stop();
    await hub.stop();
    edge = await startEdgeLb(args, { env: { STATE_DIRECTORY: folder } });
    await edge.logged(/foreign: 127\.65\.0\.20/);
    expect((await status()).clusters).toEqual([]);
  }, 60_000);
});
