import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { reason } from "../../../src/core/health/reasons.ts";
import { changing, observe, unknownSince, type Look, type VerdictState } from "../../../src/core/health/verdict.ts";

const limits = { rise: 3, fall: 2 };
const why = reason("fails");

/** Feed looks one second apart; the verdict after each. */
function run(looks: readonly Look[], from: VerdictState = unknownSince(0), use = limits): string[] {
  let state = from;
  return looks.map((look, second) => {
    state = observe(state, { look, reason: why }, use, second * 1000).state;
    return state.verdict;
  });
}

describe("observe()", () => {
  const cases: readonly { name: string; looks: Look[]; want: string[] }[] = [
    { name: "one good probe ends unknown", looks: ["up"], want: ["up"] },
    { name: "fall bad probes end unknown", looks: ["dead", "dead"], want: ["unknown", "dead"] },
    {
      name: "one bad probe is forgiven",
      looks: ["up", "dead", "up", "dead", "up"],
      want: ["up", "up", "up", "up", "up"],
    },
    { name: "fall bad ones take it out", looks: ["up", "dead", "dead"], want: ["up", "up", "dead"] },
    {
      name: "different failures add up and the last one names the verdict",
      looks: ["up", "dead", "not-ready"],
      want: ["up", "up", "not-ready"],
    },
    {
      name: "rise good ones in a row bring it back",
      looks: ["up", "dead", "dead", "up", "up", "dead", "up", "up", "up"],
      want: ["up", "up", "dead", "dead", "dead", "dead", "dead", "dead", "up"],
    },
    {
      name: "an API server that says no and then stops is dead after fall",
      looks: ["up", "not-ready", "not-ready", "dead", "dead"],
      want: ["up", "up", "not-ready", "not-ready", "dead"],
    },
    {
      name: "failures of another kind do not count towards rise",
      looks: ["up", "dead", "dead", "up", "not-ready", "up", "up"],
      want: ["up", "up", "dead", "dead", "dead", "dead", "dead"],
    },
    { name: "a foreign certificate acts at once", looks: ["up", "foreign"], want: ["up", "foreign"] },
    {
      name: "foreign is left after rise",
      looks: ["foreign", "up", "up", "up"],
      want: ["foreign", "foreign", "foreign", "up"],
    },
  ];
  test.each(cases)("$name", ({ looks, want }) => {
    expect(run(looks)).toEqual(want);
  });

  test("says when the verdict flipped, why and since when", () => {
    const first = observe(unknownSince(5), { look: "up", reason: reason("/readyz #", 200) }, limits, 7);
    expect(first).toEqual({
      flipped: true,
      state: { verdict: "up", reason: reason("/readyz #", 200), sinceMs: 7, streak: 0, leaning: null, quiet: 0 },
    });
    const second = observe(first.state, { look: "up", reason: why }, limits, 9);
    expect(second.flipped).toBe(false);
    expect(second.state.sinceMs).toBe(7);
    expect(second.state.reason).toBe(why);
  });

  test("never leaves up before fall, never returns before rise", () => {
    const look = fc.constantFrom<Look>("up", "not-ready", "dead");
    fc.assert(
      fc.property(
        fc.array(look, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (looks, rise, fall) => {
          const verdicts = run(looks, unknownSince(0), { rise, fall });
          for (let n = 1; n < verdicts.length; n++) {
            if (verdicts[n] === verdicts[n - 1]) continue;
            const needed = verdicts[n] === "up" ? (verdicts[n - 1] === "unknown" ? 1 : rise) : fall;
            const last = looks.slice(Math.max(0, n + 1 - needed), n + 1);
            expect(last).toHaveLength(needed);
            for (const look of last) expect(look === "up").toBe(verdicts[n] === "up");
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("enough outcomes of one kind always decide", () => {
    const look = fc.constantFrom<Look>("up", "not-ready", "dead", "foreign");
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), look, (history, last) => {
        expect(run([...history, last, last, last]).at(-1)).toBe(last);
      }),
      { numRuns: 300 },
    );
  });
});

describe("changing()", () => {
  test("holds while unknown and while outcomes disagree", () => {
    let state = unknownSince(0);
    expect(changing(state)).toBe(true);
    state = observe(state, { look: "up", reason: why }, limits, 0).state;
    expect(changing(state)).toBe(false);
    state = observe(state, { look: "dead", reason: why }, limits, 0).state;
    expect(changing(state)).toBe(true);
  });
});
