/** `edge-lb discover net:…` looks once at toy clusters on loopback, and what it prints can be used. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { runEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { createAuthority } from "../../scripts/lab/toy/certificate.ts";
import { startToyCluster } from "../../scripts/lab/toy/cluster.ts";
import { startToyNode } from "../../scripts/lab/toy/node.ts";

const BLOCK = "127.64.0";

describe("edge-lb discover net:", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-discover-"));
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let source: string;
  let ports: { api: number; https: number; http: number; ready: number };

  beforeAll(async () => {
    const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
    ports = { api, https, http, ready };
    source = `net:${BLOCK}.0/26,api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
    const ips = (...last: readonly number[]): readonly string[] => last.map((one) => `${BLOCK}.${one}`);
    for (const spec of [
      { name: "hub", domain: "hub.lab", ips: ips(10, 11, 12) },
      { name: "m1", domain: "m1.lab", ips: ips(20, 21), ingressIps: ips(22, 23) },
      { name: "sno", domain: "sno.example.lab", ips: ips(30) },
    ]) {
      const cluster = await startToyCluster({ ...spec, ports });
      stops.push(() => cluster.stop());
    }
    const single = async (last: number, node: string, names: readonly string[]): Promise<void> => {
      const authority = await createAuthority(node);
      const certificates = {
        api: await authority.issue({ names }),
        https: await authority.issue({ names: ["x.default"] }),
      };
      const ip = `${BLOCK}.${last}`;
      const toy = await startToyNode({ cluster: node, node, ip, ports: { api, https }, certificates });
      stops.push(() => toy.stop());
    };
    await single(40, "k3s", ["kubernetes", "kubernetes.default.svc", "localhost", "k3s-1", "k3s.example.lab"]);
    await single(41, "plain", ["kubernetes", "localhost"]);
    await single(42, "rogue", ["api.hub.lab"]);
    const tarpit = net.createServer(() => {}).listen(api, `${BLOCK}.50`);
    stops.push(() => tarpit.close());
    const resetting = net.createServer((socket) => socket.resetAndDestroy()).listen(api, `${BLOCK}.51`);
    stops.push(() => resetting.close());
  }, 60_000);
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  test("prints clusters, roles, names, what is nameless and what is foreign, as a file that can be used", async () => {
    const { code, out, err } = await runEdgeLb(["discover", source]);
    expect([code, err]).toEqual([0, ""]);
    const keys = {
      "api-port": ports.api,
      "https-port": ports.https,
      "http-port": ports.http,
      "ready-port": ports.ready,
    };
    expect(parse(out)).toEqual({
      clusters: {
        hub: { nodes: [`${BLOCK}.10-12`], domain: "hub.lab", ...keys },
        k3s: { nodes: [`${BLOCK}.40`], "api-names": ["k3s.example.lab"], ...keys },
        m1: { api: [`${BLOCK}.20-21`], ingress: [`${BLOCK}.22-23`], domain: "m1.lab", ...keys },
        sno: { nodes: [`${BLOCK}.30`], domain: "sno.example.lab", ...keys },
      },
    });
    expect(out).toContain(`# api.m1.lab is what ${BLOCK}.20-21 shows on port ${ports.api}`);
    expect(out).toContain(`# *.apps.m1.lab is what ${BLOCK}.22-23 shows on port ${ports.https}`);
    expect(out).toMatch(/# found, but nameless/);
    expect(out).toContain(`--cluster NAME=${BLOCK}.41,domain=DOMAIN,api-port=${ports.api}`);
    expect(out).toContain(`# foreign: ${BLOCK}.42 shows api.hub.lab signed by another authority`);
    const file = join(folder, "found.yaml");
    writeFileSync(file, out);
    const listen = ["api", "https", "http"].flatMap((name) => ["--listen", `${name}=127.0.0.1:0`]);
    expect((await runEdgeLb(["check", "-c", file, ...listen])).code).toBe(0);
  }, 60_000);

  test("prints flags that can be used, and the rest on stderr", async () => {
    const { code, out, err } = await runEdgeLb(["discover", source, "--format", "flags"]);
    expect(code).toBe(0);
    expect(out).toContain(`--cluster m1=api=${BLOCK}.20-21,ingress=${BLOCK}.22-23,domain=m1.lab,`);
    expect(err).toContain("nameless");
    const flags = out.trim().split(/\s+/);
    expect(flags.length).toBe(8);
    const listen = ["api", "https", "http"].flatMap((name) => ["--listen", `${name}=127.0.0.1:0`]);
    expect((await runEdgeLb(["check", ...flags, ...listen])).code).toBe(0);
  }, 60_000);

  test("says that nothing was found", async () => {
    const { code, out } = await runEdgeLb(["discover", "net:127.64.1.0/30"]);
    expect([code, parse(out)]).toEqual([0, { clusters: {} }]);
  }, 30_000);

  test.each([
    [["net:8.8.8.0/24"], "a private, link-local or loopback one wanted"],
    [["net:10.0.0.0/8"], "at most 4096 wanted"],
    [["net:10.0.0.0/24,api-port=x"], "api-port from 1 to 65535 wanted"],
    [["net:10.0.0.0/24,fingerprint=x"], '"fingerprint" found'],
    [["nett:10.0.0.0/24"], "net:CIDR, libvirt[:URI]"],
    [["proxmox:http://pve"], "an address such as proxmox:https://pve.lab:8006"],
    [["proxmox:https://pve:8006"], "no token found"],
    [[], "0 sources found"],
    [["libvirt", "--format", "xml"], "yaml or flags"],
  ])(
    "refuses %p with 2",
    async (args, words) => {
      const { code, out, err } = await runEdgeLb(["discover", ...args], { env: { EDGE_LB_PROXMOX_TOKEN: undefined } });
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(words);
    },
    30_000,
  );

  test("ends with 1 when a source fails, and prints what the others found", async () => {
    const { code, out, err } = await runEdgeLb(["discover", source, `kubeconfig:${join(folder, "none")}`]);
    expect([code, Object.keys((parse(out) as { clusters: object }).clusters).length]).toEqual([1, 4]);
    expect(err).toContain("ENOENT");
  }, 60_000);
});
