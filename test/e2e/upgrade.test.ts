/** A new executable takes over: nobody who is connected notices, nobody who comes is turned away. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { runUpgradeSoak } from "../../scripts/soak/upgrade/soak.ts";
import { EchoStream } from "../support/echo-streams.ts";
import { HOST, until, UpgradeLabs, type UpgradeLab } from "../support/upgrade-lab.ts";

const BLOCK = "127.61.0";
const TEST_MS = 60_000;

let labs: UpgradeLabs;
beforeAll(async () => {
  labs = await UpgradeLabs.open(BLOCK);
});
afterEach(() => labs.clean());
afterAll(() => labs.close());

/** Comes, is served and goes, again and again, until `stop` says how often, and what went wrong. */
function comeAndGo(lab: UpgradeLab): {
  stop(): Promise<{ readonly served: number; readonly faults: readonly string[] }>;
} {
  const over = new AbortController();
  let served = 0;
  const faults: string[] = [];
  const visit = async (once: () => Promise<void>): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        await once();
        served += 1;
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  const overHttp = async (): Promise<void> => {
    const response = await fetch(`http://127.0.0.1:${lab.http}/version`, { headers: { host: HOST }, keepalive: false });
    await response.text();
    if (!response.ok) throw new Error(`http ${response.status}`);
  };
  const overTls = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({
        port: lab.api,
        host: "127.0.0.1",
        servername: "api.hub.lab",
        rejectUnauthorized: false,
      });
      socket.once("secureConnect", () => (socket.destroy(), resolve()));
      socket.once("error", (error) => reject(new Error(`tls ${error.message}`)));
    });
  const visitors = [overHttp, overHttp, overTls, overTls].map(visit);
  return {
    async stop() {
      over.abort();
      await Promise.all(visitors);
      return { served, faults };
    },
  };
}

/** @param step See test/support/faulty-successor.ts. */
function faultySuccessor(step: string): string {
  const source = join(import.meta.dir, "../support/faulty-successor.ts");
  return labs.script(`faulty-${step}`, `#!/bin/sh\nexec ${process.execPath} ${source} ${step}\n`);
}

describe("upgrade", () => {
  test(
    "one build after another takes over streams, stalled, idle and half-closed tunnels, and turns nobody away",
    async () => {
      const crowd = { beat: 10, slow: 30, idle: 10, stalled: 4, "half-closed": 6, visitors: 4 };
      const found = await runUpgradeSoak({ upgrades: 3, crowd, nodeIp: `${BLOCK}.30`, pauseMs: 100, settleMs: 0 });
      expect(found.faults).toEqual([]);
      expect(found.releases).toEqual(["0.1.1", "0.1.2", "0.1.1"]);
      expect(found.processesLeft).toBe(1);
      expect(found.tunnels).toBe(60);
      expect(found.visits).toBeGreaterThan(20);
      // two pipes or so for the stalled ones may come and go
      expect(Math.abs(found.descriptors.after - found.descriptors.before)).toBeLessThan(60);
    },
    2 * TEST_MS,
  );

  test(
    "keeps what was changed while running, counters, health and drained nodes",
    async () => {
      const lab = await labs.start();
      expect((await lab.control.run("add", `more=${BLOCK}.40,${labs.nodePorts},check=off`)).code).toBe(0);
      expect((await lab.control.run("drain", `hub/${BLOCK}.21`)).code).toBe(0);
      const stream = await EchoStream.open({ port: lab.http, host: HOST });
      stream.start();
      await until("some bytes", () => stream.back > 100_000);
      const before = await lab.control.status();
      expect((await lab.control.run("upgrade")).code).toBe(0);
      const after = await lab.control.status();
      expect(after.pid).not.toBe(before.pid);
      expect(after.clusters.map(({ name, layer, state }) => `${name} ${layer} ${state}`)).toEqual(
        before.clusters.map(({ name, layer, state }) => `${name} ${layer} ${state}`),
      );
      const healthOf = ({ clusters }: typeof before): unknown =>
        clusters.map(({ pools }) => pools.map(({ endpoints }) => endpoints.map(({ state }) => state)));
      expect(healthOf(after)).toEqual(healthOf(before));
      expect(after.connections.accepted).toBeGreaterThanOrEqual(before.connections.accepted);
      expect(after.probes.passed).toBeGreaterThanOrEqual(before.probes.passed);
      for (const [index, { bytesUp, total }] of after.clusters.entries()) {
        expect(bytesUp).toBeGreaterThanOrEqual(before.clusters[index]?.bytesUp ?? 0);
        expect(total).toBe(before.clusters[index]?.total ?? -1);
      }
      expect(after.events.map(({ message }) => message).join("\n")).toContain("more");
      await stream.rest();
      expect(stream.fault).toBeNull();
      stream.close();
      const line = await lab.edge.logged(/upgrade|echo|101/);
      expect(line).toBeDefined();
    },
    TEST_MS,
  );

  test(
    "the new one outlives an old one whose environment has Bun end what it started",
    async () => {
      const lab = await labs.startIn({ BUN_FEATURE_FLAG_NO_ORPHANS: "1" });
      const stream = await EchoStream.open({ port: lab.http, host: HOST });
      stream.start();
      expect((await lab.control.run("upgrade")).code).toBe(0);
      expect(await lab.edge.exit(20_000)).toBe(0);
      const before = stream.back;
      await until("it goes on", () => stream.back > before);
      await stream.rest();
      await stream.finish();
      expect(stream.fault).toBeNull();
      expect((await lab.control.status()).pid).not.toBe(lab.edge.pid);
    },
    TEST_MS,
  );

  test.each(["hello", "ready", "lead", "leading", "tunnels"])(
    "a new one that is killed after %s leaves everything with the old one",
    async (step) => {
      const lab = await labs.start();
      const streams = await Promise.all([1, 2, 3].map(() => EchoStream.open({ port: lab.http, host: HOST })));
      for (const stream of streams) stream.start();
      const visitors = comeAndGo(lab);
      const { code, err } = await lab.control.run("upgrade", "--to", faultySuccessor(step));
      expect(err).toContain("was ended by SIGKILL");
      expect(code).toBe(1);
      expect((await lab.control.status()).pid).toBe(lab.edge.pid);
      await Promise.all(streams.map((stream) => stream.rest()));
      expect(streams.map(({ fault }) => fault)).toEqual([null, null, null]);
      expect((await visitors.stop()).faults).toEqual([]);
      for (const stream of streams) stream.close();
    },
    TEST_MS,
  );

  test(
    "tunnels stay with the old one until they end when the new one cannot take them",
    async () => {
      const lab = await labs.start("--timeout", "drain=1s");
      const stream = await EchoStream.open({ port: lab.http, host: HOST });
      stream.start();
      const { code, out } = await lab.control.run("upgrade", "--to", faultySuccessor("other-version"));
      expect(out).toContain("tunnels stay there until they end: release 9.9.9 cannot take tunnels");
      expect(code).toBe(0);
      await Bun.sleep(1_500); // the drain time has passed
      const before = stream.back;
      await until("it goes on", () => stream.back > before);
      await stream.rest();
      await stream.finish();
      expect(stream.fault).toBeNull();
      expect(await lab.edge.exit(20_000)).toBe(0);
      rmSync(lab.control.path, { force: true });
    },
    TEST_MS,
  );

  test(
    "tunnels that the new one has no descriptors for go on in the old one",
    async () => {
      const lab = await labs.start();
      const streams: EchoStream[] = [];
      for (let i = 0; i < 100; i++) streams.push(await EchoStream.open({ port: lab.http, host: HOST }));
      for (const stream of streams) stream.start();
      const [program = "", ...before] = edgeLbArgv();
      const small = labs.script("small", `#!/bin/sh\nulimit -n 130\nexec ${program} ${before.join(" ")} "$@"\n`);
      const { code, out } = await lab.control.run("upgrade", "--to", small);
      expect(out).toContain("tunnels stay there until they end: the new one has no descriptors left");
      expect(code).toBe(0);
      await Promise.all(streams.map((stream) => stream.rest()));
      await Promise.all(streams.map((stream) => stream.finish()));
      expect(streams.flatMap(({ fault }) => (fault === null ? [] : [fault]))).toEqual([]);
      expect((await lab.control.status()).pid).not.toBe(lab.edge.pid);
      expect(await lab.edge.exit(20_000)).toBe(0);
    },
    TEST_MS,
  );

  test(
    "one upgrade at a time",
    async () => {
      const lab = await labs.start();
      const first = lab.control.run("upgrade", "--to", labs.script("slow", "#!/bin/sh\nsleep 3\n"));
      await lab.control.status();
      await until("the second one is refused", () =>
        lab.control.ask("POST", "upgrade?to=/nowhere").then(
          () => false,
          (error: Error) => error.message.includes("another upgrade is under way"),
        ),
      );
      expect((await first).code).toBe(1);
      expect((await lab.control.status()).pid).toBe(lab.edge.pid);
    },
    TEST_MS,
  );

  test.each([
    ["is missing", () => join(labs.folder, "nowhere"), "there is no such file"],
    ["is not executable", () => labs.script("plain", "text", 0o644), "it is not executable"],
    ["is no program", () => labs.script("garbage", "\x7fELF garbage"), "no program for this machine"],
    ["is a folder", () => labs.folder, "it is no file"],
    ["ends at once", () => labs.script("ends", "#!/bin/sh\nexit 7\n"), "ended with exit code 7"],
    ["is killed", () => labs.script("killed", "#!/bin/sh\nkill -9 $$\n"), "was ended by SIGKILL"],
    [
      "speaks nonsense",
      () => labs.script("nonsense", "#!/bin/sh\nprintf 'xxxxxxxxxxxxxxxxxxxxxxx' >&3\nsleep 5\n"),
      "a message of",
    ],
  ])(
    "a new one that %s changes nothing, and the reason is told",
    async (_what, file, why) => {
      const lab = await labs.start();
      const stream = await EchoStream.open({ port: lab.http, host: HOST });
      stream.start();
      const { code, err } = await lab.control.run("upgrade", "--to", file());
      expect(err).toContain(why);
      expect(code).toBe(1);
      expect((await lab.control.status()).pid).toBe(lab.edge.pid);
      await stream.rest();
      expect(stream.fault).toBeNull();
      stream.close();
    },
    TEST_MS,
  );
});
