import { describe, expect, test } from "bun:test";
import { createRows } from "../../../src/control/serve/board-cells.ts";

const quiet = (): boolean => true;

describe("createRows()", () => {
  test("gives a key the same row as long as it stays", () => {
    const rows = createRows();
    const hub = rows.of("cluster/hub");
    rows.retain(new Set(["cluster/hub"]), 2);
    expect(rows.of("cluster/hub")).toBe(hub);
    expect(rows.keyOf(hub)).toBe("cluster/hub");
  });

  test("gives a row to another key only once no worker uses a snapshot that names it and its connections are gone", () => {
    const rows = createRows();
    const gone = rows.of("cluster/gone");
    rows.retain(new Set(), 5);
    expect(rows.reclaim(4, quiet)).toEqual([]);
    expect(rows.reclaim(5, () => false)).toEqual([]);
    expect(rows.of("cluster/first")).not.toBe(gone);
    expect(rows.reclaim(5, quiet)).toEqual([gone]);
    expect(rows.of("cluster/second")).toBe(gone);
  });

  test("gives a key that comes back its own row, whose connections may still be open", () => {
    const rows = createRows();
    const hub = rows.of("cluster/hub");
    expect(rows.retain(new Set(), 2)).toEqual([hub]);
    expect(rows.of("cluster/hub")).toBe(hub);
    expect(rows.reclaim(9, quiet)).toEqual([]);
  });

  test("says so when the board is full", () => {
    const rows = createRows(2);
    rows.of("a");
    rows.of("b");
    expect(() => rows.of("c")).toThrow('Cannot count "c": all 2 rows are in use');
  });
});
