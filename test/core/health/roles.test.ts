import { describe, expect, test } from "bun:test";
import { LEFT_AFTER_MS, senseRoles, type RoleInput } from "../../../src/core/health/roles.ts";

const node = (change: Partial<RoleInput>): RoleInput => ({
  given: false,
  verdict: "unknown",
  served: false,
  forMs: 0,
  ...change,
});
const up = node({ verdict: "up", served: true });
const never = node({ verdict: "dead" });

describe("senseRoles()", () => {
  const cases: readonly { name: string; nodes: RoleInput[]; want: string[] }[] = [
    { name: "nobody probed yet", nodes: [node({}), node({})], want: ["candidate", "candidate"] },
    { name: "control planes and workers", nodes: [up, up, never], want: ["sensed", "sensed", "absent"] },
    { name: "a cluster that is switched off", nodes: [never, never], want: ["candidate", "candidate"] },
    {
      name: "a node that serves and fails stays",
      nodes: [up, node({ verdict: "dead", served: true })],
      want: ["sensed", "sensed"],
    },
    {
      name: "bootstrap goes",
      nodes: [up, node({ verdict: "dead", served: true, forMs: LEFT_AFTER_MS })],
      want: ["sensed", "absent"],
    },
    {
      name: "nobody leaves a pool in which nothing is up",
      nodes: [node({ verdict: "dead", served: true, forMs: LEFT_AFTER_MS })],
      want: ["sensed"],
    },
    { name: "a list of its own holds", nodes: [node({ given: true, verdict: "dead" }), up], want: ["given", "sensed"] },
    {
      name: "a node that answers and says no may serve yet",
      nodes: [up, node({ verdict: "not-ready" })],
      want: ["sensed", "candidate"],
    },
    { name: "a node that appears later", nodes: [up, node({})], want: ["sensed", "candidate"] },
  ];
  test.each(cases)("$name", ({ nodes, want }) => {
    expect([...senseRoles(nodes)]).toEqual(want as never);
  });
});
