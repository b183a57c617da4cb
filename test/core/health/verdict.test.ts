import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { reason } from "../../../src/core/health/reasons.ts";
import {
  changing,
  observe,
  unknownSince,
  type ProbeVerdict,
  type VerdictState,
} from "../../../src/core/health/verdict.ts";

const limits = { rise: 3, fall: 2 };
const why = reason("fails");

/** Feed verdicts one second apart; the verdict after each. */
function run(verdicts: readonly ProbeVerdict[], from: VerdictState = unknownSince(0), use = limits): string[] {
  let state = from;
  return verdicts.map((verdict, second) => {
    state = observe(state, { verdict, reason: why }, use, second * 1000).state;
    return state.verdict;
  });
}

describe("observe()", () => {
  const cases: readonly { name: string; verdicts: ProbeVerdict[]; want: string[] }[] = [
    { name: "one good probe ends unknown", verdicts: ["up"], want: ["up"] },
    { name: "fall bad probes end unknown", verdicts: ["dead", "dead"], want: ["unknown", "dead"] },
    {
      name: "one bad probe is forgiven",
      verdicts: ["up", "dead", "up", "dead", "up"],
      want: ["up", "up", "up", "up", "up"],
    },
    { name: "fall bad ones take it out", verdicts: ["up", "dead", "dead"], want: ["up", "up", "dead"] },
    {
      name: "different failures add up and the last one names the verdict",
      verdicts: ["up", "dead", "not-ready"],
      want: ["up", "up", "not-ready"],
    },
    {
      name: "rise good ones in a row bring it back",
      verdicts: ["up", "dead", "dead", "up", "up", "dead", "up", "up", "up"],
      want: ["up", "up", "dead", "dead", "dead", "dead", "dead", "dead", "up"],
    },
    {
      name: "an API server that says no and then stops is dead after fall",
      verdicts: ["up", "not-ready", "not-ready", "dead", "dead"],
      want: ["up", "up", "not-ready", "not-ready", "dead"],
    },
    {
      name: "failures of another kind do not count towards rise",
      verdicts: ["up", "dead", "dead", "up", "not-ready", "up", "up"],
      want: ["up", "up", "dead", "dead", "dead", "dead", "dead"],
    },
    { name: "a foreign certificate acts at once", verdicts: ["up", "foreign"], want: ["up", "foreign"] },
    {
      name: "foreign is left after rise",
      verdicts: ["foreign", "up", "up", "up"],
      want: ["foreign", "foreign", "foreign", "up"],
    },
  ];
  test.each(cases)("$name", ({ verdicts, want }) => {
    expect(run(verdicts)).toEqual(want);
  });

  test("says when the verdict flipped, why and since when", () => {
    const first = observe(unknownSince(5), { verdict: "up", reason: reason("/readyz #", 200) }, limits, 7);
    expect(first).toEqual({
      flipped: true,
      state: { verdict: "up", reason: reason("/readyz #", 200), sinceMs: 7, streak: 0, opposing: null, deadProbes: 0 },
    });
    const second = observe(first.state, { verdict: "up", reason: why }, limits, 9);
    expect(second.flipped).toBe(false);
    expect(second.state.sinceMs).toBe(7);
    expect(second.state.reason).toBe(why);
  });

  test("never leaves up before fall, never returns before rise", () => {
    const verdict = fc.constantFrom<ProbeVerdict>("up", "not-ready", "dead");
    fc.assert(
      fc.property(
        fc.array(verdict, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (found, rise, fall) => {
          const verdicts = run(found, unknownSince(0), { rise, fall });
          for (let n = 1; n < verdicts.length; n++) {
            if (verdicts[n] === verdicts[n - 1]) continue;
            const needed = verdicts[n] === "up" ? (verdicts[n - 1] === "unknown" ? 1 : rise) : fall;
            const last = found.slice(Math.max(0, n + 1 - needed), n + 1);
            expect(last).toHaveLength(needed);
            for (const each of last) expect(each === "up").toBe(verdicts[n] === "up");
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("enough outcomes of one kind always decide", () => {
    const verdict = fc.constantFrom<ProbeVerdict>("up", "not-ready", "dead", "foreign");
    fc.assert(
      fc.property(fc.array(verdict, { maxLength: 20 }), verdict, (history, last) => {
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
    state = observe(state, { verdict: "up", reason: why }, limits, 0).state;
    expect(changing(state)).toBe(false);
    state = observe(state, { verdict: "dead", reason: why }, limits, 0).state;
    expect(changing(state)).toBe(true);
  });
});
