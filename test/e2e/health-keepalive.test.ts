/** Tunnels are silent for hours: the kernel asks after both ends, and a dead one is found within about a minute. */
import { describe, expect, test } from "bun:test";
import { startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { holdTunnel } from "../../scripts/lab/held-tunnel.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { keepAliveOf } from "../support/socket-options.ts";
import { startToyCluster } from "../../scripts/lab/toy/cluster.ts";

/** 30 s of silence, then every 10 s, and three lost ones: 60 s, and the 10 s until the options are set. */
const OURS = { on: true, idle: 30, interval: 10, tries: 3 };
/** Bun's `setKeepAlive` has the first figure alone; libuv's too asks ten times in ten seconds then: 40 s. */
const BUNS = { on: true, idle: 30, interval: 1, tries: 10 };
/** Sockets get their options in rounds of 10 s. */
const WITHIN_MS = 25_000;

const cases = [
  { engine: "linux", ip: "127.71.0.20", wanted: OURS },
  { engine: "bun", ip: "127.72.0.20", wanted: BUNS },
];

describe.skipIf(process.platform !== "linux")("a tunnel's two sockets", () => {
  test.concurrent.each(cases)(
    "on engine $engine are asked after 30 s of silence, and given up within 30 s more",
    async ({ engine, ip, wanted }) => {
      const [port = 0, listen = 0] = await freePorts(2);
      const hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips: [ip], ports: { api: port } });
      const flags = [
        `--cluster hub=api=${ip},api-port=${port},domain=hub.lab,check=off`, // no probe's socket is mistaken for a tunnel's
        `--listen api=127.0.0.1:${listen} --listen https=off --listen http=off --engine ${engine}`,
      ].flatMap((text) => text.split(" "));
      const edge = await startEdgeLb(flags);
      const tunnel = await holdTunnel({ listener: "api", ip: "127.0.0.1", port: listen, host: "api.hub.lab" });
      try {
        expect(edge.ready["engine"]).toBe(engine);
        const giveUp = performance.now() + WITHIN_MS;
        const both = (): readonly unknown[] => [
          ...keepAliveOf(edge.pid, listen, tunnel.localPort),
          ...keepAliveOf(edge.pid, null, port),
        ];
        while (performance.now() < giveUp && both().some((each) => !Bun.deepEquals(each, wanted))) await Bun.sleep(200);
        expect(both()).toEqual([wanted, wanted]);
      } finally {
        tunnel.close();
        await edge.stop();
        await hub.stop();
      }
    },
    40_000,
  );
});
