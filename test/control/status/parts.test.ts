/** The parts that a status is made of: unknown names, totals, rates. */
import { describe, expect, test } from "bun:test";
import type { Clock } from "../../../src/control/health/system-clock.ts";
import { RateMeter, type Counters } from "../../../src/control/status/rates.ts";
import { Totals } from "../../../src/control/serve/totals.ts";
import { UnknownNames } from "../../../src/control/serve/unknown-names.ts";
import { buildRoutes } from "../../../src/core/route/lookup.ts";
import { buildSnapshot } from "../../../src/config/build-snapshot.ts";
import { boardWriter, openBoard } from "../../../src/seam/board.ts";
import { SERVICES } from "../../../src/seam/services.ts";
import { load } from "../../config/loading.ts";

const CONFIG = load([
  ["domain", "lab"],
  ["cluster", "hub=10.0.0.1"],
]);
const snapshotWith = (cellOf: (key: string) => number) =>
  buildSnapshot(CONFIG, { version: 1, cellOf, addressesOf: () => [], maxConnections: 1 });

describe("UnknownNames", () => {
  const routes = buildRoutes(snapshotWith(() => 0));

  test("counts, keeps the last client and knows what was meant", () => {
    const names = new UnknownNames(() => 0);
    names.add("api", "api.hbu.lab", "10.0.0.8");
    names.add("api", "api.hbu.lab", "10.0.0.9");
    names.add("https", "x.example", "10.0.0.9");
    expect(names.view(routes, SERVICES)).toEqual([
      {
        listener: "api",
        name: "api.hbu.lab",
        count: 2,
        lastClient: "10.0.0.9",
        lastTime: "1970-01-01T00:00:00.000Z",
        nearest: "api.hub.lab",
      },
      {
        listener: "https",
        name: "x.example",
        count: 1,
        lastClient: "10.0.0.9",
        lastTime: "1970-01-01T00:00:00.000Z",
        nearest: null,
      },
    ]);
  });

  test("keeps what is asked often when strangers ask for anything", () => {
    const names = new UnknownNames(Date.now, 10);
    for (let count = 0; count < 3; count++) names.add("api", "api.old.lab", "10.0.0.9");
    for (let at = 0; at < 1_000; at++) names.add("https", `${at}.example`, "10.0.0.1");
    const kept = names.view(routes, SERVICES);
    expect(kept).toHaveLength(10);
    expect(kept[0]).toMatchObject({ name: "api.old.lab", count: 3 });
  });
});

describe("Totals", () => {
  test("starts a cell anew for the next key, while a listener's total goes on", () => {
    const board = openBoard(2);
    const totals = new Totals(board);
    const cells = new Map<string, number>();
    const cellOf = (key: string): number => cells.get(key) ?? cells.set(key, cells.size).size - 1;
    totals.note(snapshotWith(cellOf));
    const pool = cellOf("cluster/hub/api");
    boardWriter(board, 0).addTotal(pool, "connections", 3);
    boardWriter(board, 1).addTotal(pool, "connections", 2);
    boardWriter(board, 1).addActive(pool, 1);
    expect([totals.of(pool, "connections"), totals.ofKind("api", "connections"), totals.openOf("api")]).toEqual([
      5, 5, 1,
    ]);
    totals.retire(pool);
    boardWriter(board, 0).addTotal(pool, "connections", 1);
    expect([totals.of(pool, "connections"), totals.ofKind("api", "connections")]).toEqual([1, 5]);
    totals.note(snapshotWith(cellOf));
    expect(totals.ofKind("api", "connections")).toBe(6);
  });
});

describe("RateMeter", () => {
  function bench() {
    let [now, due] = [0, () => {}];
    const clock: Clock = {
      nowMs: () => now,
      wallMs: () => now,
      timer: (_, fire) => {
        due = fire;
        return { cancel: () => (due = () => {}) };
      },
    };
    const counters = new Map<string, Counters>([["hub", { connections: 0, bytesUp: 0, bytesDown: 0 }]]);
    const meter = new RateMeter(() => counters, clock);
    return {
      meter,
      counters,
      /** One second in which so many connections came. */
      second(connections: number) {
        const before = counters.get("hub")?.connections ?? 0;
        counters.set("hub", { connections: before + connections, bytesUp: 0, bytesDown: 7 });
        now += 1_000;
        due();
      },
    };
  }

  test("tells the last second's rate and ten minutes in steps of ten seconds", () => {
    const { meter, second } = bench();
    for (let at = 0; at < 10; at++) second(20);
    for (let at = 0; at < 5; at++) second(40);
    expect(meter.rates("hub")).toEqual({ connections: 40, bytesUp: 0, bytesDown: 0 });
    expect(meter.history("hub")).toMatchObject({ stepSeconds: 10, connections: [20, 40] });
    for (let at = 0; at < 900; at++) second(1);
    expect(meter.history("hub").connections).toEqual(Array.from({ length: 60 }, () => 1));
  });

  test("knows nothing of a key that is gone or new", () => {
    const { meter, second, counters } = bench();
    second(5);
    counters.delete("hub");
    second(0);
    expect(meter.rates("nobody")).toEqual({ connections: 0, bytesUp: 0, bytesDown: 0 });
    expect(meter.history("nobody").connections).toEqual([]);
  });
});
