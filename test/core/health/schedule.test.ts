import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { nextDelay, onGrid, SLOT_MS, slotQuota, takeStart, type StartPace } from "../../../src/core/health/schedule.ts";
import { rampWeight } from "../../../src/core/health/slow-start.ts";
import { unknownSince, type VerdictState } from "../../../src/core/health/verdict.ts";

const still = (change: Partial<VerdictState>): VerdictState => ({ ...unknownSince(0), verdict: "up", ...change });
const MIDDLE = 0.5; // no jitter

describe("nextDelay()", () => {
  const cases: readonly { name: string; states: VerdictState[]; want: number }[] = [
    { name: "an endpoint that is up waits an interval", states: [still({})], want: 5000 },
    { name: "not-ready waits an interval", states: [still({ verdict: "not-ready" })], want: 5000 },
    { name: "unknown is asked each second", states: [unknownSince(0)], want: 1000 },
    { name: "a changing one is asked each second", states: [still({ streak: 1, opposing: "dead" })], want: 1000 },
    { name: "the newly dead are asked soon", states: [still({ verdict: "dead" })], want: 1000 },
    { name: "the dead are asked less and less", states: [still({ verdict: "dead", deadProbes: 3 })], want: 8000 },
    { name: "the long dead wait 30 s", states: [still({ verdict: "dead", deadProbes: 1000 })], want: 30_000 },
    {
      name: "the most urgent endpoint of a node decides",
      states: [still({ verdict: "dead", deadProbes: 9 }), still({})],
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
    expect(nextDelay([still({ verdict: "dead", deadProbes: 9 })], 60_000, MIDDLE)).toBe(60_000);
  });
});

describe("takePlace()", () => {
  test("1,000 nodes of two probes each never burst, whatever is due when", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 2000, maxLength: 2000 }), (dues) => {
        const quota = slotQuota(2000, 5000);
        let pace: StartPace = { slot: -1, used: 0 };
        let now = 0;
        const perSlot = new Map<number, number>();
        for (const due of dues.sort((a, b) => a - b)) {
          now = Math.max(now, due);
          for (;;) {
            const place = takeStart(pace, now, quota);
            pace = place.pace;
            if (place.waitMs === 0) break;
            expect(place.waitMs).toBeLessThanOrEqual(SLOT_MS);
            now += place.waitMs;
          }
          perSlot.set(pace.slot, (perSlot.get(pace.slot) ?? 0) + 1);
        }
        expect(Math.max(...perSlot.values())).toBeLessThanOrEqual(80); // steady: 40 in 100 ms
        expect(now).toBeLessThanOrEqual(5_000 + 2_600); // even when all fall due together they are through in half an interval
      }),
      { numRuns: 20 },
    );
  });

  test("a small lab is asked within a moment", () => {
    expect(slotQuota(6, 5000)).toBeGreaterThanOrEqual(6);
  });
});

describe("onGrid()", () => {
  test("is the next slot's start, never earlier", () => {
    expect([onGrid(0), onGrid(1), onGrid(100), onGrid(100.5)]).toEqual([0, 100, 100, 200]);
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
