import { describe, expect, test } from "bun:test";
import { clusterStanding, type ClusterState } from "../../../src/core/health/cluster-state.ts";
import type { Role } from "../../../src/core/health/roles.ts";
import type { HealthWord } from "../../../src/seam/board.ts";

type Node = HealthWord | `${HealthWord} ${Role}`;

/** A pool of nodes in these states, `sensed` where no role is said. */
function pool(...nodes: readonly Node[]) {
  const endpoints = nodes.map((node, at) => {
    const [state, role = "sensed"] = node.split(" ") as [HealthWord, Role?];
    return { state, role, reason: `node ${at}`, sinceSeconds: at };
  });
  return { reason: "of the pool", sinceSeconds: 7, endpoints };
}

const UP = pool("up", "up", "up");

describe("clusterStanding() (13 C3)", () => {
  const cases: readonly (readonly [string, readonly ReturnType<typeof pool>[], ClusterState])[] = [
    ["all nodes are up", [UP, UP], "up"],
    ["2 of 3 nodes serve", [UP, pool("up", "dead", "up")], "degraded"],
    ["a node says not ready", [UP, pool("up", "not-ready")], "degraded"],
    ["a node is another cluster's", [UP, pool("up", "foreign")], "degraded"],
    ["0 of 3 nodes of one pool serve", [UP, pool("dead", "dead", "dead")], "down"],
    ["nobody of a pool is ready", [UP, pool("not-ready", "dead")], "down"],
    ["nobody serves", [pool("dead"), pool("dead")], "down"],
    ["a node is drained", [UP, pool("up", "drained")], "up"],
    ["the last node of a pool is drained", [UP, pool("drained")], "down"],
    ["a node belongs to other pools", [UP, pool("up", "dead absent")], "up"],
    [
      "no node was named for a pool that nobody ever served",
      [UP, pool("dead candidate", "dead candidate")],
      "degraded",
    ],
    ["nobody ever served any pool", [pool("dead candidate"), pool("dead candidate")], "down"],
    ["named nodes never answered", [UP, pool("dead given")], "down"],
    ["nothing was checked yet", [pool("unknown candidate"), pool("unknown given")], "unknown"],
    ["a verdict is missing", [UP, pool("up", "unknown")], "up"],
    ["a name has no address", [pool(), pool()], "down"],
  ];
  test.each(cases)("when %s", (_, pools, want) => {
    expect(clusterStanding(pools, { reason: "at best", sinceSeconds: 99 }, false, true).state).toBe(want);
  });

  test("a warning degrades what is up, and nothing else", () => {
    const best = { reason: "at best", sinceSeconds: 99 };
    const states = [[UP], [pool("dead")], [pool("unknown")]].map((pools) => clusterStanding(pools, best, true, true));
    expect(states.map(({ state }) => state)).toEqual(["degraded", "down", "unknown"]);
  });

  test("without checks nodes are taken for up", () => {
    expect(clusterStanding([pool("unknown given")], { reason: "", sinceSeconds: 0 }, false, false).state).toBe("up");
  });

  test("says why, and since when", () => {
    const best = { reason: "at best", sinceSeconds: 99 };
    expect(clusterStanding([UP], best, false, true)).toEqual({ state: "up", ...best });
    expect(clusterStanding([UP, pool("dead")], best, false, true)).toEqual({
      state: "down",
      reason: "of the pool",
      sinceSeconds: 7,
    });
    expect(clusterStanding([pool("up", "dead", "dead")], best, false, true)).toEqual({
      state: "degraded",
      reason: "node 2",
      sinceSeconds: 2,
    });
  });
});
