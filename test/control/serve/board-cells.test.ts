import { describe, expect, test } from "bun:test";
import { BoardCells } from "../../../src/control/serve/board-cells.ts";

const quiet = (): boolean => true;

describe("BoardCells", () => {
  test("gives a key the same cell as long as it stays", () => {
    const cells = new BoardCells();
    const hub = cells.of("cluster/hub");
    cells.retain(new Set(["cluster/hub"]), 2);
    expect(cells.of("cluster/hub")).toBe(hub);
  });

  test("gives a cell to another key only once no worker uses a snapshot that names it and its connections are gone", () => {
    const cells = new BoardCells();
    const gone = cells.of("cluster/gone");
    cells.retain(new Set(), 5);
    expect(cells.reclaim(4, quiet)).toEqual([]);
    expect(cells.reclaim(5, () => false)).toEqual([]);
    expect(cells.of("cluster/first")).not.toBe(gone);
    expect(cells.reclaim(5, quiet)).toEqual([gone]);
    expect(cells.of("cluster/second")).toBe(gone);
  });

  test("gives a key that comes back its own cell, whose connections may still be open", () => {
    const cells = new BoardCells();
    const hub = cells.of("cluster/hub");
    expect(cells.retain(new Set(), 2)).toEqual([hub]);
    expect(cells.of("cluster/hub")).toBe(hub);
    expect(cells.reclaim(9, quiet)).toEqual([]);
  });

  test("says so when the board is full", () => {
    const cells = new BoardCells(2);
    cells.of("a");
    cells.of("b");
    expect(() => cells.of("c")).toThrow('Cannot count "c": all 2 cells are in use');
  });
});
