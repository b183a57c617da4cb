import { describe, expect, test } from "bun:test";
import { configWarnings } from "../../src/config/warnings.ts";
import { load } from "./loading.ts";
import { clusterConfig } from "../control/health/bench.ts";

const warningsOf = (keys: Parameters<typeof clusterConfig>[1]): readonly string[] =>
  configWarnings({ ...load([["admin", "off"]]), clusters: [clusterConfig("hub", keys)] });
const MINUTE = 60_000;

describe("configWarnings()", () => {
  test.each([
    ["sleep-after without sleep", { sleepAfterMs: 5 * MINUTE }, true],
    ["sleep-after as it is anyway", { sleepAfterMs: 30 * MINUTE }, false],
    ["sleep-after with sleep", { sleepAfterMs: 5 * MINUTE, sleep: "/bin/true" }, false],
  ])("of %s", (_, keys, isWarned) => {
    const want = "cluster hub has sleep-after and nothing that puts it to sleep: add sleep=PROGRAM";
    expect(warningsOf(keys)).toEqual(isWarned ? [want] : []);
  });
});
