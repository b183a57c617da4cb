import { describe, expect, test } from "bun:test";
import {
  activeOf,
  BOARD_CELLS,
  boardWriter,
  clearWorker,
  clientsOf,
  countOf,
  HEALTH,
  healthView,
  openBoard,
  openOf,
  totalOf,
} from "../../src/seam/board.ts";

describe("openBoard()", () => {
  test("lays every column over its own cells", () => {
    const board = openBoard(3);
    const columns = [
      board.health,
      board.weight,
      board.reason,
      board.since,
      board.active,
      board.totals,
      board.counts,
      board.clients,
    ];
    columns.forEach((column, index) => column.fill(index + 1));
    columns.forEach((column, index) => expect(column.every((cell) => cell === index + 1)).toBe(true));
  });

  test("shows another view of the same buffer what a worker wrote", () => {
    const mine = openBoard(2);
    const theirs = openBoard(2, mine.buffer);
    boardWriter(mine, 1).addActive(BOARD_CELLS - 1, 2);
    expect(activeOf(theirs, BOARD_CELLS - 1)).toBe(2);
  });
});

describe("boardWriter()", () => {
  test("writes its worker's column only, and readers sum", () => {
    const board = openBoard(2);
    const [first, second] = [boardWriter(board, 0), boardWriter(board, 1)];
    first.addActive(7, 3);
    second.addActive(7, 1);
    second.addActive(7, -1);
    first.addTotal(7, "bytesUp", 10);
    second.addTotal(7, "bytesUp", 5);
    first.addCount("accepted", 2);
    second.addClient(9, 4);
    expect(activeOf(board, 7)).toBe(3);
    expect(activeOf(board, 6) + activeOf(board, 8)).toBe(0);
    expect(totalOf(board, 7, "bytesUp")).toBe(15);
    expect(totalOf(board, 7, "bytesDown")).toBe(0);
    expect(countOf(board, "accepted")).toBe(2);
    expect(clientsOf(board, 9)).toBe(4);
    expect([first.count("accepted"), second.count("accepted")]).toEqual([2, 0]);
  });
});

describe("clientsOf()", () => {
  test("A8: does not take another client's connections for its own where they share one of two cells", () => {
    const board = openBoard(2);
    const writer = boardWriter(board, 0);
    writer.addClient(0x0001_0002, 5);
    expect(clientsOf(board, 0x0001_0002)).toBe(5);
    for (const neighbour of [0x0001_0003, 0x0004_0002, 0x0002_0001]) expect(clientsOf(board, neighbour)).toBe(0);
    writer.addClient(0xffff_0003, 2);
    expect(clientsOf(board, 0x0001_0003)).toBe(2);
  });
});

describe("clearWorker()", () => {
  test("forgets what the dead worker had open and keeps what it counted", () => {
    const board = openBoard(2);
    const [dead, alive] = [boardWriter(board, 0), boardWriter(board, 1)];
    for (const writer of [dead, alive]) {
      writer.addActive(5, 1);
      writer.addCount("open", 1);
      writer.addOpen(2, 1);
      writer.addClient(3, 1);
      writer.addTotal(5, "connections", 1);
    }
    clearWorker(board, 0);
    const open = [activeOf(board, 5), countOf(board, "open"), openOf(board, 2), clientsOf(board, 3)];
    expect(open).toEqual([1, 1, 1, 1]);
    expect(totalOf(board, 5, "connections")).toBe(2);
  });
});

describe("healthView()", () => {
  test("takes a weight that nobody set as the full share", () => {
    const board = openBoard(1);
    board.health[4] = HEALTH.dead;
    board.weight[4] = 12;
    const view = healthView(board);
    expect([view.state(4), view.weight(4), view.weight(5), view.active(4)]).toEqual([HEALTH.dead, 12, 256, 0]);
  });
});
