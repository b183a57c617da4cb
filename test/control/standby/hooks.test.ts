import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../scripts/lab/small-lab.ts";
import type { HookEnd } from "../../../src/control/standby/hook-run.ts";
import { Hooks, WAKE_PAUSE_MS } from "../../../src/control/standby/hooks.ts";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import { clusterConfig } from "../health/bench.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-hooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let scripts = 0;

function script(body: string): string {
  const path = join(folder, `hook-${scripts++}`);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

function bench(wake: string, mostMs = 10_000) {
  const lines: string[] = [];
  const ends: HookEnd[] = [];
  const clock = { now: 0 };
  const add = (level: string) => (event: string, message: string) => void lines.push(`${level} ${event} ${message}`);
  const log: EventLog = { info: add("info"), warn: add("warn"), error: add("error") };
  const hooks = new Hooks({ log, nowMs: () => clock.now, mostMs });
  const cluster = clusterConfig("hub", {
    wake,
    nodes: [
      { host: "10.0.0.1", isName: false },
      { host: "n2.lab", isName: true },
    ],
  });
  const run = (name = "api.hub.lab") => hooks.run("wake", cluster, name, (end) => ends.push(end));
  const ended = (count = 1) => until(`${count} runs`, () => ends.length >= count);
  const check = () => hooks.check(cluster);
  return { hooks, clock, lines, ends, run, ended, check };
}

describe("Hooks", () => {
  test("gives the program the cluster, three variables and nothing else of edge-lb's environment", async () => {
    process.env["EDGE_LB_ADMIN_AUTH"] = "lab:secret";
    const seen = join(folder, "seen");
    const { run, ended, ends } = bench(
      script(`{ echo "args=$*"; /usr/bin/env; pwd; ls /proc/self/fd | wc -l; } > ${seen}`),
    );
    expect(run("api.hub.lab; touch /x")).toBe(true);
    await ended();
    delete process.env["EDGE_LB_ADMIN_AUTH"];
    expect(ends[0]).toMatchObject({ ok: true, how: "ended with 0" });
    const text = readFileSync(seen, "utf8")
      .split("\n")
      .filter((line) => !/^(_|PWD|OLDPWD|SHLVL)=/.test(line));
    expect(text.sort().filter(Boolean)).toEqual(
      [
        "/",
        "4",
        "EDGE_LB_CLUSTER=hub",
        "EDGE_LB_NAME=api.hub.lab; touch /x",
        "EDGE_LB_NODES=10.0.0.1 n2.lab",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "args=hub",
      ].sort(),
    );
  });

  test("its output is in the log, cleaned and bounded", async () => {
    const { run, ended, lines } = bench(script(`printf 'one\\n\\033[31mtwo\\n' ; printf three >&2; seq 1000; exit 3`));
    run();
    await ended();
    await until("the output", () => lines.some((line) => line.includes("more lines")));
    expect(lines).toContain("info wake hub: wake: one");
    expect(lines).toContain("info wake hub: wake: [31mtwo");
    expect(lines.length).toBeLessThan(60);
    expect(lines.find((line) => line.startsWith("warn"))).toMatch(
      /^warn wake hub: wake: \/\S+ ended with 3 after \d+\.\d s$/,
    );
  });

  test("runs one at a time, and wakes again after 30 s at the earliest", async () => {
    const { run, ended, clock, hooks } = bench(script("sleep 0.2"));
    expect(run()).toBe(true);
    expect(run()).toBe(false);
    await ended();
    expect(hooks.isRunning("hub")).toBe(false);
    clock.now = WAKE_PAUSE_MS - 1;
    expect(run()).toBe(false);
    clock.now = WAKE_PAUSE_MS;
    expect(run()).toBe(true);
    await ended(2);
  });

  for (const [what, body] of [
    ["that does not end, with what it started", "sleep 300 & echo $! > FILE; wait"],
    ["that ended and left something behind", "sleep 300 & echo $! > FILE"],
  ] as const) {
    test(`the process group of one ${what} is killed`, async () => {
      const file = join(folder, `child-${scripts}`);
      const { run, ended } = bench(script(body.replace("FILE", file)), 1_000);
      run();
      await ended();
      const child = Number(readFileSync(file, "utf8"));
      await until("its child is gone", () => !isAlive(child));
    });
  }

  test.each([
    ["is not there", () => join(folder, "missing"), "there is no such program"],
    [
      "may not be executed",
      () => (writeFileSync(join(folder, "plain"), ""), join(folder, "plain")),
      "it may not be executed",
    ],
  ])("says of a program that it %s", async (_, program, words) => {
    const path = program();
    const { run, ended, ends, lines, check } = bench(path);
    check();
    expect(lines).toEqual([`warn wake hub: wake: ${path} is not there, or edge-lb may not execute it`]);
    expect(run()).toBe(true);
    await ended();
    expect(ends[0]?.ok).toBe(false);
    expect(lines.join()).toContain(`cannot run: ${words}`);
  });
});

function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}`)) return false;
  return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
