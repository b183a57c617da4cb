/** Clusters that sleep: woken by a client that asks for a name of theirs, held meanwhile, put to sleep when nobody needs them. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { controlAt } from "../../scripts/lab/control.ts";
import { type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import type { Listener } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { until } from "../../scripts/lab/small-lab.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-wake-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that notes what it was told, and the times it ran. */
function hook(name: string) {
  const [path, seen] = [join(folder, name), join(folder, `${name}.seen`)];
  writeFileSync(
    path,
    `#!/bin/sh\necho "$1 $EDGE_LB_CLUSTER $EDGE_LB_NAME $EDGE_LB_NODES" >> ${seen}\necho "$1 it is"\n`,
  );
  chmodSync(path, 0o755);
  return { path, runs: () => (existsSync(seen) ? readFileSync(seen, "utf8").trim().split("\n") : []) };
}

async function start(block: string, items: string, ...args: readonly string[]) {
  const asleep = { 0: "refused", 1: "refused", 2: "refused" } as const;
  const socket = join(folder, `${block}.sock`);
  const [admin = 0] = await freePorts(1);
  const more = ["--control", socket, "--admin", `127.0.0.1:${admin}`, ...args];
  const lab = await startHealthLab({ block, items, manners: asleep, args: more });
  const state = async () => (await controlAt(socket).status()).clusters.find(({ name }) => name === "hub")?.state;
  const metrics = async () => (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  const turn = async (how: "healthy" | "refused") =>
    void (await Promise.all(lab.hub.nodes.map((node) => node.behave(how))));
  return { lab, state, metrics, turn };
}

async function ask(lab: HealthLab, listener: Listener, ...more: readonly string[]) {
  const { host, ip, port } = lab.door(listener);
  const scheme = listener === "http" ? "http" : "https";
  const startMs = performance.now();
  const url = `${scheme}://${host}:${port}/version`;
  const argv = ["curl", "-skiS", "--max-time", "20", "--resolve", `${host}:${port}:${ip}`, ...more, url];
  const { out, err } = await command(argv);
  return { out, err, ms: performance.now() - startMs };
}

describe("wake and sleep", () => {
  test("a cluster that takes 3 s is there for the client that asked; idle, it is put to sleep once", async () => {
    const [wake, sleep] = [hook("wake-3"), hook("sleep-3")];
    const items = `wake=${wake.path},sleep=${sleep.path},sleep-after=3s`;
    const { lab, state, metrics, turn } = await start("127.92.30", items);
    try {
      await until("asleep", async () => (await state()) === "asleep");
      const boots = until("the program ran", () => wake.runs().length > 0).then(async () => {
        await until("waking", async () => (await state()) === "waking");
        expect(await metrics()).toContain('edge_lb_cluster_state{cluster="hub",state="waking"} 1');
        await Bun.sleep(3_000); // the time that this machine takes to boot
        await turn("healthy");
      });
      const [served, page] = await Promise.all([ask(lab, "api"), ask(lab, "http"), boots]);
      expect(served.err).toBe("");
      expect(served.out).toContain("HTTP/1.1 200");
      expect(served.ms).toBeGreaterThan(2_500);
      expect(page.out).toContain("hub is waking up");
      expect(wake.runs().length).toBe(1);
      expect(wake.runs()[0]).toMatch(
        /^hub hub (api|a\.apps)\.hub\.lab 127\.92\.30\.20 127\.92\.30\.21 127\.92\.30\.22$/,
      );
      await until("up", async () => (await state()) === "up");
      await until("it was put to sleep", () => sleep.runs().length > 0);
      await turn("refused");
      await until("asleep", async () => (await state()) === "asleep", 40_000);
      expect(await metrics()).toContain('edge_lb_cluster_state{cluster="hub",state="asleep"} 1');
      expect(sleep.runs()).toEqual(["hub hub  127.92.30.20 127.92.30.21 127.92.30.22"]);
      const told = lab.events().map(({ event, message }) => `${event}: ${message}`);
      expect(told).toContain("wake: hub: wake: hub it is");
      for (const event of ["waking", "awake", "asleep"])
        expect(told.join("\n")).toContain(`cluster ${event}: hub is ${event}`);
    } finally {
      await lab.stop();
    }
  }, 90_000);

  test("a port scanner wakes nothing; a cluster that takes 120 s gives the alert in time, and HTTP says what goes on", async () => {
    const wake = hook("wake-120");
    const { lab, state } = await start("127.92.31", `wake=${wake.path}`, "--default", "hub");
    try {
      await until("asleep", async () => (await state()) === "asleep");
      const { ip, port } = lab.door("api");
      const at = `${ip}:${port}`;
      await command(["openssl", "s_client", "-connect", at, "-noservername"]);
      await command(["openssl", "s_client", "-connect", at, "-servername", "scan.example"]);
      await command(["curl", "-s", "--max-time", "5", `http://${at}/`]);
      await command(["curl", "-s", "--max-time", "5", `http://${ip}:${lab.door("http").port}/`]);
      expect(wake.runs()).toEqual([]);
      expect(await state()).toBe("asleep");
      const [late, page] = await Promise.all([ask(lab, "https"), ask(lab, "http")]);
      expect(late.err).toMatch(/alert internal error/);
      expect(late.ms).toBeGreaterThan(7_000);
      expect(late.ms).toBeLessThan(10_000);
      expect(page.out).toMatch(/^HTTP\/1\.1 503 /);
      expect(page.out).toMatch(/^Retry-After: 5\r$/m);
      expect(page.out).toMatch(/^Refresh: 5\r$/m);
      expect(page.out).toContain("hub is waking up");
      expect(page.ms).toBeLessThan(3_000);
      expect(wake.runs().length).toBe(1);
      expect(await state()).toBe("waking");
    } finally {
      await lab.stop();
    }
  }, 90_000);
});
