import { describe, expect, test } from "bun:test";
import { Patience } from "../../../src/runtime/ring/patience.ts";

const FLAG = 4;
const WAITS = 640;

/** How many of the waits that come begin with a look, after looks of which so many in a row were of use. */
function looksAfter(looks: readonly boolean[]): number {
  const patience = new Patience();
  for (const came of looks) patience.look(new Int32Array([came ? FLAG : 0]), 0, FLAG);
  return Array.from({ length: WAITS }, () => patience.looksNow()).filter(Boolean).length;
}

const times = (count: number, came: boolean): boolean[] => Array<boolean>(count).fill(came);

describe("Patience", () => {
  test.each([
    { name: "at the start", looks: [], count: 10 },
    { name: "after one that was of use", looks: times(1, true), count: 10 },
    { name: "after many that were", looks: times(20, true), count: WAITS },
    { name: "after many that were not", looks: times(20, false), count: 10 },
    { name: "when it has become quiet", looks: [...times(50, true), ...times(6, false)], count: 10 },
    { name: "when one in four was not", looks: Array.from({ length: 40 }, (_, i) => i % 4 !== 0), count: WAITS },
  ])("begins waits with a look where that pays, else now and then: $name", ({ looks, count }) => {
    expect(looksAfter(looks)).toBe(count);
  });

  test.each([
    { name: "the flag", word: FLAG, found: true },
    { name: "the flag among others", word: FLAG | 3, found: true },
    { name: "another one, and gives up", word: 3, found: false },
  ])("look() sees $name", ({ word, found }) => {
    expect(new Patience().look(new Int32Array([0, word]), 1, FLAG)).toBe(found);
  });
});
