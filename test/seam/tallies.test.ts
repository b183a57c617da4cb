import { describe, expect, test } from "bun:test";
import { boardWriter, openBoard } from "../../src/seam/board.ts";
import { DURATIONS, durationsOf, endsOf } from "../../src/seam/tallies.ts";
import { at } from "../support/built-in.ts";

describe("BoardWriter.tally()", () => {
  test("counts ends and durations by kind, and readers sum over workers", () => {
    const board = openBoard(2);
    const [first, second] = [boardWriter(board, 0), boardWriter(board, 1)];
    first.tally(at("api"), "node closed", 0.5, 1);
    first.tally(at("api"), "node closed", 0.6, 10_001);
    second.tally(at("api"), "idle", null, 1e9);
    second.tally(at("mcs"), "internal error", 5_000, 0);
    expect(endsOf(board, at("api"), "node closed")).toBe(2);
    expect(endsOf(board, at("api"), "idle")).toBe(1);
    expect(endsOf(board, at("https"), "node closed")).toBe(0);
    expect(endsOf(board, at("mcs"), "internal error")).toBe(1);
    const dial = durationsOf(board, at("api"), "dial");
    expect(dial.sumMs).toBeCloseTo(1.1);
    expect(dial.counts.slice(0, 3)).toEqual([1, 1, 0]);
    const total = durationsOf(board, at("api"), "total");
    expect(total.counts[0]).toBe(1);
    expect(total.counts[DURATIONS.total.indexOf(60_000)]).toBe(1);
    expect(total.counts.at(-1)).toBe(1);
    expect(durationsOf(board, at("mcs"), "dial").counts.at(-1)).toBe(1);
  });
});
