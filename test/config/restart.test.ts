import { describe, expect, test } from "bun:test";
import { keepUntilRestart } from "../../src/config/restart.ts";
import { load } from "./loading.ts";

const BEFORE = load([
  ["cluster", "hub=10.0.0.1"],
  ["listen", "api=:6443"],
  ["workers", "2"],
]);

describe("keepUntilRestart()", () => {
  test("takes over what may change and keeps what the options say needs a restart", () => {
    const after = load([
      ["cluster", "more=10.0.0.2"],
      ["listen", "api=:7443"],
      ["listen", "http=off"],
      ["workers", "3"],
      ["engine", "bun"],
      ["control", "/run/other.sock"],
      ["access-log", "off"],
      ["timeout", "connect=1s"],
      ["allow", "10.0.0.0/8"],
    ]);
    expect(keepUntilRestart(BEFORE, after)).toEqual({
      ...BEFORE,
      clusters: after.clusters,
      timeouts: after.timeouts,
      allow: after.allow,
      controlGiven: after.controlGiven,
    });
  });
});
