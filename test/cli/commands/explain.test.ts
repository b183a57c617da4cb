import { describe, expect, test } from "bun:test";
import { explanationText } from "../../../src/cli/live/explain-live.ts";
import { edgeLb } from "../running.ts";

const NO_INGRESS = ["--cluster", "hub=api=10.0.0.1,domain=hub.lab"];

describe("edge-lb explain", () => {
  test.each([
    [
      "http://a.apps.hub.lab",
      1,
      'nobody is served: cluster hub has no node for it, clients get HTTP 503, "no node for plain HTTP"',
    ],
    [
      "https://a.apps.hub.lab",
      1,
      "nobody is served: cluster hub has no node for it, clients get TLS alert internal_error",
    ],
    ["api.hub.lab", 0, "10.0.0.1:6443"],
  ])("%s of a cluster without ingress nodes: %i", async (name, code, words) => {
    const ran = await edgeLb(["explain", name, ...NO_INGRESS]);
    expect(ran).toMatchObject({ code, err: "" });
    expect(ran.out).toContain(words);
  });

  test.each([
    [
      ["--listener", "api", "--listener", "https"],
      'Cannot use --listener: "https" beside another one found, one wanted',
    ],
    [
      ["--from", "10.0.0.1", "--from", "10.0.0.1"],
      'Cannot use --from: "10.0.0.1" beside another one found, one wanted',
    ],
  ])("refuses %p", async (flags, words) => {
    const ran = await edgeLb(["explain", "api.hub.lab", ...NO_INGRESS, ...flags]);
    expect(ran).toMatchObject({ code: 2, out: "" });
    expect(ran.err).toContain(words);
  });
});

describe("explanationText()", () => {
  test("says that nobody is served where there is no candidate", () => {
    const health = { state: "unknown", reason: "", sinceSeconds: 0 } as const;
    const pool = { kind: "http", policy: "host", rung: null, active: 0, total: 0, bytesUp: 0, bytesDown: 0 } as const;
    const match = {
      kind: "http",
      routedBy: "host",
      rule: "*",
      cluster: "hub",
      from: "x",
      allow: [],
      refused: null,
    } as const;
    const text = explanationText({
      name: "a.lab",
      kinds: ["http"],
      nearest: null,
      matches: [{ ...match, allDown: "try", pool: { ...pool, ...health }, candidates: [] }],
    });
    expect(text).toContain("nobody is served: cluster hub has no node for it, clients get HTTP 503");
  });
});
