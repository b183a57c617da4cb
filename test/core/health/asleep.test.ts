import { describe, expect, test } from "bun:test";
import { hasUsable, mayBeAsleep } from "../../../src/core/health/asleep.ts";
import { HEALTH, type HealthWord } from "../../../src/seam/board.ts";
import type { ClusterPlan, Pool } from "../../../src/seam/snapshot.ts";

/** Two pools, each endpoint with its health. */
function cluster(api: readonly HealthWord[], https: readonly HealthWord[], allDown: ClusterPlan["allDown"] = "try") {
  const words = [...api, ...https];
  const pool = (count: number, from: number) =>
    ({ endpoints: Array.from({ length: count }, (_, index) => ({ cell: from + index })) }) as unknown as Pool;
  const plan = {
    allDown,
    pools: [pool(api.length, 0), pool(https.length, api.length), null],
  } as unknown as ClusterPlan;
  const health = { state: (cell: number) => HEALTH[words[cell] ?? "unknown"] };
  return { plan, health };
}

describe("mayBeAsleep()", () => {
  test.each([
    ["every node is dead", ["dead"], ["dead"], "try", true],
    ["nothing is known yet", ["unknown"], ["unknown"], "try", true],
    ["one pool has a node that is up", ["dead"], ["up"], "try", false],
    ["a node that is not ready is tried", ["dead"], ["not-ready"], "try", false],
    ["a node that is not ready is not tried", ["dead"], ["not-ready"], "refuse", true],
    ["somebody wants it so", ["drained"], ["drained"], "try", false],
    ["one of its nodes is drained and the other is dead", ["drained", "dead"], ["drained", "dead"], "try", true],
    ["its addresses are another cluster's", ["foreign"], ["foreign"], "try", false],
  ] as const)("where %s", (_, api, https, allDown, want) => {
    const { plan, health } = cluster(api, https, allDown);
    expect(mayBeAsleep(plan, health)).toBe(want);
  });
});

describe("hasUsable()", () => {
  test.each([
    [["dead", "up"], "try", true],
    [["unknown"], "try", true],
    [["not-ready"], "try", true],
    [["not-ready"], "refuse", false],
    [["dead", "drained", "foreign"], "try", false],
  ] as const)("of %j with all-down=%s: %p", (states, allDown, want) => {
    const { plan, health } = cluster(states, [], allDown);
    const [pool] = plan.pools;
    expect(pool !== null && pool !== undefined && hasUsable(pool, health, allDown)).toBe(want);
  });
});
