import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { nextDelay, paced, probeGap } from "../../../src/core/health/schedule.ts";
import { rampWeight } from "../../../src/core/health/slow-start.ts";
import { unknownSince, type VerdictState } from "../../../src/core/health/verdict.ts";

const still = (change: Partial<VerdictState>): VerdictState => ({ ...unknownSince(0), verdict: "up", ...change });
const MIDDLE = 0.5; // no jitter

describe("nextDelay()", () => {
  const cases: readonly { name: string; states: VerdictState[]; want: number }[] = [
    { name: "an endpoint that is up waits an interval", states: [still({})], want: 5000 },
    { name: "not-ready waits an interval", states: [still({ verdict: "not-ready" })], want: 5000 },
    { name: "unknown is asked each second", states: [unknownSince(0)], want: 1000 },
    { name: "a changing one is asked each second", states: [still({ streak: 1, leaning: "dead" })], want: 1000 },
    { name: "the newly dead wait an interval", states: [still({ verdict: "dead" })], want: 5000 },
    { name: "the dead are asked less and less", states: [still({ verdict: "dead", quiet: 2 })], want: 20_000 },
    { name: "the long dead wait 30 s", states: [still({ verdict: "dead", quiet: 1000 })], want: 30_000 },
    {
      name: "the most urgent endpoint of a node decides",
      states: [still({ verdict: "dead", quiet: 9 }), still({})],
      want: 5000,
    },
  ];
  test.each(cases)("$name", ({ states, want }) => {
    expect(nextDelay(states, 5000, MIDDLE)).toBe(want);
  });

  test("keeps within a tenth of the plan", () => {
    expect(nextDelay([still({})], 5000, 0)).toBe(4500);
    expect(nextDelay([still({})], 5000, 0.999_999)).toBeLessThanOrEqual(5500);
  });

  test("never asks sooner than a short interval, nor the dead more often than a long one", () => {
    expect(nextDelay([unknownSince(0)], 200, MIDDLE)).toBe(200);
    expect(nextDelay([still({ verdict: "dead", quiet: 9 })], 60_000, MIDDLE)).toBe(60_000);
  });
});

describe("paced()", () => {
  test("1,000 nodes of two probes each spread over their interval, whatever is due when", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 2000, maxLength: 2000 }), (dues) => {
        const gap = probeGap(2000, 5000);
        let last = -gap;
        const starts = dues.sort((a, b) => a - b).map((due) => (last = paced(due, last, gap)));
        for (let from = 0; from < 5000; from += 100) {
          const within = starts.filter((start) => start >= from && start < from + 100).length;
          expect(within).toBeLessThanOrEqual(81); // 100 ms at twice the steady rate of 40 per 100 ms
        }
      }),
      { numRuns: 20 },
    );
  });

  test("a small lab is asked within a moment", () => {
    expect(probeGap(6, 5000) * 6).toBeLessThanOrEqual(30);
  });
});

describe("rampWeight()", () => {
  const cases = [
    { at: 0, want: 1 },
    { at: 30_000, want: 128 },
    { at: 59_999, want: 255 },
    { at: 60_000, want: 256 },
    { at: 1e12, want: 256 },
    { at: -5, want: 1 },
  ];
  test.each(cases)("gives $want of 256 after $at ms", ({ at, want }) => {
    expect(rampWeight(at)).toBe(want);
  });
});
