import { describe, expect, test } from "bun:test";
import { buildSnapshot } from "../../../src/config/build-snapshot.ts";
import type { Facts } from "../../../src/control/serve/facts.ts";
import { Totals } from "../../../src/control/serve/totals.ts";
import { poolStatusOf } from "../../../src/control/status/pool-report.ts";
import { openBoard } from "../../../src/seam/board.ts";
import { SERVICES, type Service } from "../../../src/seam/services.ts";
import { load } from "../../config/loading.ts";

const NOW_MS = 1.7e12;
const CELL = 3;

/** A pool of one endpoint in that state, to which a dial failed so long ago. */
function lastFailureOf(state: string, agoMs: number): unknown {
  const config = load([["cluster", "hub=10.0.0.1"]]);
  const snapshot = buildSnapshot(config, { version: 1, cellOf: () => CELL, addressesOf: () => [], maxConnections: 1 });
  const board = openBoard(1);
  const facts = {
    board,
    totals: new Totals(board),
    lastFailures: new Map([[CELL, { error: "refused", atMs: NOW_MS - agoMs }]]),
    health: { endpoints: () => [{ cell: CELL, state, sinceMs: NOW_MS - 500_000 }] },
  } as unknown as Facts;
  const [plan] = snapshot.clusters;
  if (plan === undefined) throw new Error("no cluster");
  return poolStatusOf(plan, SERVICES[0] as Service, facts, NOW_MS)?.endpoints[0]?.lastFailure ?? null;
}

describe("poolStatusOf()", () => {
  test.each([
    ["up", 59_000, true],
    ["up", 60_000, false],
    ["dead", 60_000, true],
    ["not-ready", 3_600_000, true],
  ])("of a node that is %s tells of a dial that failed %d ms ago: %p (13 C5)", (state, agoMs, told) => {
    expect(lastFailureOf(state, agoMs) !== null).toBe(told);
  });
});
