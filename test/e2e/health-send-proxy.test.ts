/** Routers that want a PROXY header on their traffic ports: clients' connections carry one, probes never do. */
import { describe, expect, test } from "bun:test";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { openProxyGate } from "../support/proxy-gate.ts";
import { startToyCluster } from "../../scripts/lab/toy/cluster.ts";

const cases = [
  { version: 1, ip: "127.68.0.20" },
  { version: 2, ip: "127.69.0.20" },
] as const;

describe("send-proxy", () => {
  test.each(cases)(
    "v$version tells who the client is, and the pool is up by its readiness alone",
    async ({ version, ip }) => {
      const [api = 0, https = 0, http = 0, ready = 0, gateTls = 0, gatePlain = 0, tls = 0, plain = 0] =
        await freePorts(8);
      const hub = await startToyCluster({
        name: "hub",
        domain: "hub.lab",
        ips: [ip],
        ports: { api, https, http, ready },
      });
      const gates = [await openProxyGate(ip, gateTls, https), await openProxyGate(ip, gatePlain, http)];
      const keys = `api-port=${api},https-port=${gateTls},http-port=${gatePlain},ready-port=${ready}`;
      const flags = [
        `--cluster hub=${ip},${keys},domain=hub.lab,send-proxy=v${version}`,
        `--listen api=off --listen https=127.0.0.1:${tls} --listen http=127.0.0.1:${plain}`,
        "--interval 100ms --log json",
      ].flatMap((text) => text.split(" "));
      const edge = await startEdgeLb(flags);
      try {
        await edge.logged(/hub: https up on .*: \/healthz\/ready 200/);
        await edge.logged(/hub: http up on .*: \/healthz\/ready 200/);
        const doors: readonly Door[] = [
          { listener: "https", ip: "127.0.0.1", port: tls, host: "a.apps.hub.lab" },
          { listener: "http", ip: "127.0.0.1", port: plain, host: "a.apps.hub.lab" },
        ];
        for (let round = 0; round < 10; round++) {
          for (const door of doors) expect(await visit(door)).toMatchObject({ error: null, node: "hub-20" });
          await Bun.sleep(100); // a look in between
        }
        for (const gate of gates) {
          expect(gate.refused()).toBe(0);
          expect(gate.seen).toHaveLength(10);
          for (const header of gate.seen) expect(header).toMatchObject({ version, from: "127.0.0.1" });
          expect(new Set(gate.seen.map(({ fromPort }) => fromPort)).size).toBe(10);
        }
        expect(edge.logs()).not.toMatch(/(https|http) (down|not-ready)/);
      } finally {
        await edge.stop();
        await Promise.all([hub.stop(), ...gates.map((gate) => gate.close())]);
      }
    },
    30_000,
  );
});
