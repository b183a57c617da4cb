import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../scripts/lab/small-lab.ts";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import { Standby } from "../../../src/control/standby/standby.ts";
import type { ClusterState } from "../../../src/core/health/cluster-state.ts";
import { boardWriter, HEALTH, openBoard, type HealthWord } from "../../../src/seam/board.ts";
import type { ServiceName } from "../../../src/seam/services.ts";
import { poolOf } from "../../support/built-in.ts";
import { clusterConfig, configOf, nodes, snapshotOf } from "../health/bench.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-standby-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, code: number): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nexit ${code}\n`);
  chmodSync(path, 0o755);
  return path;
}
const [WELL, ILL] = [program("well", 0), program("ill", 1)];
const MINUTE = 60_000;

/** Hub with one node, which is what the test says it is. */
function bench(keys: Parameters<typeof clusterConfig>[1]) {
  const config = configOf([clusterConfig("hub", { nodes: nodes("10.0.0.1"), sleepAfterMs: 30 * MINUTE, ...keys })]);
  const snapshot = snapshotOf(config);
  const board = openBoard(1);
  const writer = boardWriter(board, 0);
  const events: string[] = [];
  const hurried: boolean[] = [];
  const clock = { now: 1_000 };
  const add = (event: string, message: string) => void events.push(`${event}: ${message}`);
  const log: EventLog = { info: add, warn: add, error: add };
  const health = { hurry: (_: string, on: boolean) => void hurried.push(on) };
  const times = { nowMs: () => clock.now, wallMs: () => clock.now };
  const standby = new Standby({ config, snapshot, board, health }, log, times);
  const [plan] = snapshot.clusters;
  const cell = plan?.cell ?? -1;
  let state: ClusterState = "down";
  const turn = (word: HealthWord): void => {
    for (const pool of plan?.pools ?? [])
      for (const each of pool?.endpoints ?? []) board.health[each.cell] = HEALTH[word];
    state = word === "up" ? "up" : "down";
  };
  turn("dead");
  return {
    standby,
    board,
    cell,
    events,
    hurried,
    turn,
    look: (afterMs = 500): string => {
      clock.now += afterMs;
      standby.look(() => ({ state, reason: "", sinceSeconds: 0 }));
      return standby.restOf("hub")?.state ?? state;
    },
    /** No other pool has a node that answers. */
    only: (kind: ServiceName): void => {
      for (const pool of plan?.pools ?? [])
        for (const each of pool?.endpoints ?? [])
          if (pool !== poolOf(plan, kind)) board.health[each.cell] = HEALTH.dead;
    },
    connect: () => writer.addActive(cell, 1),
    leave: () => (writer.addActive(cell, -1), writer.addTotal(cell, "connections", 1)),
    ran: (what: string, times: number) =>
      until(`${what} ${times} times`, () => events.filter((event) => event.startsWith(`${what}:`)).length >= times),
  };
}

describe("Standby", () => {
  test("is asleep, waking when asked, and awake again when a node is", async () => {
    const { look, standby, cell, board, hurried, turn, events, ran } = bench({ wake: WELL });
    expect(look()).toBe("asleep");
    standby.asked(cell, "api.hub.lab");
    expect(look()).toBe("waking");
    expect(board.waking[cell]).toBe(1);
    await ran("wake", 1);
    expect(look()).toBe("waking");
    turn("up");
    expect(look()).toBe("up");
    expect(board.waking[cell]).toBe(0);
    expect(hurried).toEqual([true, false]);
    expect(events.filter((event) => event.startsWith("cluster"))).toEqual([
      "cluster asleep: hub is asleep: the next client that asks wakes it",
      "cluster waking: hub is waking: api.hub.lab was asked for",
      "cluster awake: hub is awake, it was waking for 2 s",
    ]);
  });

  test("wakes on while some pool has no node, for a minute", async () => {
    const { look, standby, cell, board, turn, only, ran } = bench({ wake: WELL });
    standby.asked(cell, "api.hub.lab");
    await ran("wake", 1);
    turn("up");
    only("https");
    look();
    expect(board.waking[cell]).toBe(1);
    look(MINUTE);
    expect(board.waking[cell]).toBe(0);
  });

  test("runs nothing for a cluster that came up meanwhile", () => {
    const { standby, cell, turn, look } = bench({ wake: WELL });
    turn("up");
    standby.asked(cell, "api.hub.lab");
    expect(look()).toBe("up");
  });

  test("is down once the program failed, until somebody asks again", async () => {
    const { look, standby, cell, events, ran } = bench({ wake: ILL });
    standby.asked(cell, "api.hub.lab");
    await ran("wake", 1);
    expect(look()).toBe("down");
    expect(events).toContain("cluster not woken: hub could not be woken: ended with 1");
    look(30_000);
    standby.asked(cell, "api.hub.lab");
    expect(look()).toBe("waking");
    await ran("wake", 2);
  });

  test("is down when no node is back after ten minutes", async () => {
    const { look, standby, cell, ran } = bench({ wake: WELL });
    standby.asked(cell, "api.hub.lab");
    await ran("wake", 1);
    expect(look(9 * MINUTE)).toBe("waking");
    expect(look(MINUTE)).toBe("down");
  });

  test("sleep runs once per idle period, and never while somebody is connected", async () => {
    const { look, turn, connect, leave, ran, events } = bench({ sleep: WELL });
    turn("up");
    look();
    connect();
    look(40 * MINUTE);
    leave();
    look();
    look(29 * MINUTE);
    expect(events).toEqual([]);
    look(MINUTE);
    await ran("sleep", 1);
    turn("dead");
    expect(look()).toBe("asleep");
    turn("up"); // somebody resumed it by hand
    look(90 * MINUTE);
    connect();
    look();
    leave();
    look();
    expect(events.filter((event) => event.startsWith("sleep:")).length).toBe(1);
    look(30 * MINUTE);
    await ran("sleep", 2);
  });

  test("a cluster that was woken, and which nobody came back to, is put to sleep after the same time", async () => {
    const { look, turn, standby, cell, ran } = bench({ wake: WELL, sleep: WELL });
    look();
    standby.asked(cell, "api.hub.lab");
    await ran("wake", 1);
    turn("up");
    look(30 * MINUTE);
    await ran("sleep", 1);
  });

  test("a cluster that somebody brings back after hours has its time before it is put to sleep", () => {
    const { look, turn, events } = bench({ sleep: WELL });
    look(120 * MINUTE);
    turn("up");
    look(29 * MINUTE);
    expect(events).toEqual([]);
  });

  test("a cluster that is not probed is what it was told to be, until a client is served", async () => {
    const { look, standby, cell, turn, connect, leave, ran, events } = bench({ wake: WELL, sleep: WELL, check: "off" });
    turn("unknown");
    const word = (afterMs?: number): string => (look(afterMs), standby.restOf("hub")?.state ?? "up");
    word();
    expect(word(29 * MINUTE)).toBe("up");
    word(MINUTE);
    await ran("sleep", 1);
    expect(word()).toBe("asleep");
    connect(); // it tries in vain
    expect(word()).toBe("asleep");
    standby.asked(cell, "api.hub.lab");
    expect(word()).toBe("waking");
    await ran("wake", 1);
    expect(word()).toBe("waking");
    leave(); // it was served
    expect(word()).toBe("up");
    expect(events.at(-1)).toStartWith("cluster awake: hub is awake");
    word(29 * MINUTE);
    expect(events.filter((event) => event.startsWith("sleep:")).length).toBe(1);
    word(MINUTE);
    await ran("sleep", 2);
  });

  test("a cluster that is not probed is taken for awake a minute after it was woken", async () => {
    const { look, standby, cell, turn, ran } = bench({ wake: WELL, check: "off" });
    turn("unknown");
    look();
    standby.asked(cell, "api.hub.lab");
    await ran("wake", 1);
    look(59_000);
    expect(standby.restOf("hub")?.state).toBe("waking");
    look(1_000);
    expect(standby.restOf("hub")).toBeNull();
  });
});
