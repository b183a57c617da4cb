/** What an upgrade takes along beside the tunnels: all that was said, counted, begun and found out. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Resolver } from "node:dns/promises";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { EchoStream } from "../support/echo-streams.ts";
import { HOST, until, UpgradeLabs, type UpgradeLab } from "../support/upgrade-lab.ts";

const BLOCK = "127.61.1";
const TEST_MS = 60_000;

let labs: UpgradeLabs;
beforeAll(async () => {
  labs = await UpgradeLabs.open(BLOCK);
});
afterEach(() => labs.clean());
afterAll(() => labs.close());

type Status = Awaited<ReturnType<UpgradeLab["control"]["status"]>>;

function get(lab: UpgradeLab): Promise<Response> {
  return fetch(`http://127.0.0.1:${lab.http}/version`, { headers: { host: HOST }, keepalive: false });
}

function asked(status: Status): number {
  return Object.values(status.dns?.answers ?? {}).reduce((sum, count) => sum + count, 0);
}

describe("upgrade", () => {
  test(
    "times that run go on: uptime, time to live, sleep; answers of DNS are counted on",
    async () => {
      const [dns = 0] = await freePorts(1);
      const wake = labs.script("wake", "#!/bin/sh\n");
      const lazy = `lazy=${BLOCK}.90,${labs.nodePorts},domain=lazy.lab,wake=${wake},fall=1,interval=300ms`;
      const lab = await labs.start("--dns", `127.0.0.1:${dns}`, "--cluster", lazy);
      const { control } = lab;
      expect((await control.run("add", `guest=${BLOCK}.91,ttl=1h,check=off`)).code).toBe(0);
      const resolver = new Resolver();
      resolver.setServers([`127.0.0.1:${dns}`]);
      expect(await resolver.resolve4("api.hub.lab")).toEqual(["127.0.0.1"]);
      const clusterOf = (status: Status, wanted: string) => status.clusters.find(({ name }) => name === wanted);
      await until("it sleeps", async () => clusterOf(await control.status(), "lazy")?.state === "asleep");
      await until("it has run a while", async () => (await control.status()).uptimeSeconds >= 2);
      const before = await control.status();
      expect((await control.run("upgrade")).code).toBe(0);
      const after = await control.status();
      expect(after.pid).not.toBe(before.pid);
      expect(after.started).toBe(before.started);
      expect(after.uptimeSeconds).toBeGreaterThanOrEqual(before.uptimeSeconds);
      const ends = [before, after].map((status) => Date.parse(clusterOf(status, "guest")?.expiresAt ?? ""));
      expect(Math.abs((ends[1] ?? 0) - (ends[0] ?? 0))).toBeLessThan(500);
      expect(clusterOf(after, "lazy")?.state).toBe("asleep");
      expect(after.events.filter(({ event }) => event === "cluster asleep").length).toBe(1);
      expect(asked(after)).toBe(asked(before));
      expect(asked(after)).toBeGreaterThan(0);
      expect(await resolver.resolve4("b.apps.hub.lab")).toEqual(["127.0.0.1"]);
      expect(asked(await control.status())).toBe(asked(before) + 1);
    },
    TEST_MS,
  );

  test(
    "tail goes on with the new one, and totals have what the old one still counts",
    async () => {
      const lab = await labs.start("--timeout", "drain=20s");
      const { control } = lab;
      const argv = [...edgeLbArgv(), "tail", "--control", control.path];
      const child = Bun.spawn(argv, { stdout: "pipe", stderr: "ignore" });
      let shown = "";
      const reading = (async () => {
        for await (const chunk of child.stdout) shown += new TextDecoder().decode(chunk);
      })();
      const seesNews = (): Promise<void> => {
        shown = "";
        return until("tail shows a line", async () => {
          await (await get(lab)).text();
          return shown.includes(HOST);
        });
      };
      try {
        await seesNews();
        const before = await control.status();
        expect((await control.run("upgrade")).code).toBe(0);
        await seesNews();
        const after = await control.status();
        expect(after.pid).not.toBe(before.pid);
        expect(after.connections.accepted).toBeGreaterThan(before.connections.accepted);
      } finally {
        child.kill();
        await reading;
      }
    },
    TEST_MS,
  );

  test(
    "one line in the log for each tunnel, with the counts and the time of both processes",
    async () => {
      const lab = await labs.start("--log", "json");
      const stream = await EchoStream.open({ port: lab.http, host: HOST });
      stream.start();
      for (let round = 0; round < 3; round++) {
        const { sent } = stream;
        await until("some bytes", () => stream.back > sent + 50_000);
        expect((await lab.control.run("upgrade")).code).toBe(0);
      }
      const startedMs = performance.now();
      await stream.rest();
      await stream.finish();
      expect(stream.fault).toBeNull();
      const [line = ""] = await lab.edge.logged(/^.*"target":"\/".*$/m);
      const { bytesUp, bytesDown, totalMs } = JSON.parse(line) as Record<string, number>;
      expect(bytesDown).toBeGreaterThanOrEqual(stream.sent);
      expect(bytesUp).toBeGreaterThanOrEqual(stream.sent);
      expect((bytesUp ?? 0) - stream.sent).toBeLessThan(500); // the request
      expect(totalMs).toBeGreaterThan(performance.now() - startedMs);
      expect(lab.edge.logs().match(/"target":"\/"/g)?.length).toBe(1);
    },
    TEST_MS,
  );
});
