import { describe, expect, test } from "bun:test";
import { QuietWatch } from "../../../src/control/machine/quiet-watch.ts";

/** Looks after each second, in which that share of a CPU was used. @returns at which looks it was found quiet */
function quietAt(shares: readonly number[]): number[] {
  const machine = { usedMs: 1_000, atMs: 0 };
  const found: number[] = [];
  let look = 0;
  const watch = new QuietWatch({
    usedMs: () => machine.usedMs,
    now: () => machine.atMs,
    onQuiet: () => void found.push(look),
  });
  for (const share of shares) {
    machine.atMs += 1_000;
    machine.usedMs += share * 1_000;
    watch.look();
    look++;
  }
  return found;
}

describe("QuietWatch", () => {
  test.each([
    { name: "after the start, once", shares: [0.9, 0.2, 0.001, 0.001, 0.001], at: [2] },
    { name: "after each busy time", shares: [0, 0.3, 0.2, 0.01, 0, 0.03, 0], at: [0, 3, 6] },
    { name: "not while something is done all the time", shares: [0.9, 0.03, 0.04], at: [] },
  ])("finds it quiet $name", ({ shares, at }) => {
    expect(quietAt(shares)).toEqual([...at]);
  });
});
