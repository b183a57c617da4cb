/**
 * The board: one SharedArrayBuffer that both planes read; every cell has exactly one writing thread.
 * A cell stands for a cluster, a pool or an endpoint; a column for a worker. Readers sum over the columns.
 */

import { SERVICES_MOST } from "./services.ts";
import { TALLIES_WIDTH, tally, type EndReason } from "./tallies.ts";

/** What health says of an endpoint. The numbers are the cells' values. */
export const HEALTH = { unknown: 0, up: 1, "not-ready": 2, dead: 3, drained: 4, foreign: 5 } as const;
export type HealthWord = keyof typeof HEALTH;
export type Health = (typeof HEALTH)[HealthWord];
export const HEALTH_WORDS = [
  "unknown",
  "up",
  "not-ready",
  "dead",
  "drained",
  "foreign",
] as const satisfies readonly HealthWord[];

/** Fixed at start: 10,000 clusters of three nodes fit. Pages of cells that nobody writes are never made, so it costs addresses, not memory. */
export const BOARD_CELLS = 131_072;
/** `weight` of an endpoint that takes its full share; less during slow start. */
export const FULL_WEIGHT = 256;

/** What a worker counts per cell; the order of the cells in `totals`. */
export const TOTALS = {
  connections: 0,
  failures: 1,
  bytesUp: 2,
  bytesDown: 3,
  "1xx": 4,
  "2xx": 5,
  "3xx": 6,
  "4xx": 7,
  "5xx": 8,
} as const;
export type Total = keyof typeof TOTALS;
const TOTALS_WIDTH = 9;
/** HTTP requests by the answer's status, on the cells of pools and endpoints. */
export const ANSWERS = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const satisfies readonly Total[];
export type Answer = (typeof ANSWERS)[number];

/** What a worker counts for itself, not for a cell; the order of the cells in `counts`. */
export const COUNTS = {
  accepted: 0,
  open: 1,
  unknownName: 2,
  refused: 3,
  malformed: 4,
  timedOut: 5,
  clientGone: 6,
  faults: 7,
  logLinesDropped: 8,
  /** No descriptor was left to reach a node with; the client was refused. */
  shortages: 9,
  /** Named no cluster, and went to that of the client's address. */
  byClientAddress: 10,
} as const;
export type Count = keyof typeof COUNTS;
const COUNTS_WIDTH = 16;

/**
 * Cells that count open connections by client, in each of two rows; a client is counted in both, and what counts is the smaller one,
 * so somebody else's connections are taken for its own only where it shares both cells.
 */
const CLIENT_SLOTS = 65_536;
const CLIENTS_WIDTH = 2 * CLIENT_SLOTS;
/** Words of the seed. */
const SEED_WORDS = 2;

export interface Board {
  readonly buffer: SharedArrayBuffer;
  readonly workers: number;
  /** [cell] written by control. */
  readonly health: Int32Array;
  /** [cell] written by control: 1..256, see `FULL_WEIGHT`. */
  readonly weight: Int32Array;
  /** [cell] written by control: index into the table of words for the HTTP 503 page. */
  readonly reason: Int32Array;
  /** [pool's cell] written by control: endpoints that serve the pool, or may; 0: not known. */
  readonly members: Int32Array;
  /** [cluster's cell] written by control: 1 while its nodes are being woken. */
  readonly waking: Int32Array;
  /** [cell] written by control: wall clock of the last change, ms. */
  readonly since: Float64Array;
  /** [worker][cell] open connections, written by that worker; control clears the column of a worker that died. */
  readonly active: Int32Array;
  /** [worker][cell][TOTALS] written by that worker. */
  readonly totals: Float64Array;
  /** [worker][COUNTS] written by that worker. */
  readonly counts: Float64Array;
  /** [worker][SERVICES_MOST] open client connections of the service, written by that worker. */
  readonly open: Int32Array;
  /** [worker][row][CLIENT_SLOTS] open connections of the clients that have the slot, written by that worker. */
  readonly clients: Int32Array;
  /** Written by control before workers start: where a client is counted, nobody outside can compute. */
  readonly seed: Int32Array;
  /** [worker][TALLIES_WIDTH] see tallies.ts, written by that worker. */
  readonly tallies: Float64Array;
}

/** Bytes of a board for this many workers. */
export function boardBytes(workers: number): number {
  return (
    BOARD_CELLS * (5 * 4 + 8 + workers * (4 + TOTALS_WIDTH * 8)) +
    workers * ((COUNTS_WIDTH + TALLIES_WIDTH) * 8 + (SERVICES_MOST + CLIENTS_WIDTH) * 4) +
    SEED_WORDS * 4
  );
}

/** Lay the columns over a buffer; a new, zeroed one is made when none is given. */
export function openBoard(workers: number, buffer = new SharedArrayBuffer(boardBytes(workers))): Board {
  let at = 0;
  const floats = (length: number): Float64Array => {
    const column = new Float64Array(buffer, at, length);
    at += column.byteLength;
    return column;
  };
  const ints = (length: number): Int32Array => {
    const column = new Int32Array(buffer, at, length);
    at += column.byteLength;
    return column;
  };
  return {
    buffer,
    workers,
    since: floats(BOARD_CELLS),
    totals: floats(workers * BOARD_CELLS * TOTALS_WIDTH),
    counts: floats(workers * COUNTS_WIDTH),
    tallies: floats(workers * TALLIES_WIDTH),
    health: ints(BOARD_CELLS),
    weight: ints(BOARD_CELLS),
    reason: ints(BOARD_CELLS),
    members: ints(BOARD_CELLS),
    waking: ints(BOARD_CELLS),
    active: ints(workers * BOARD_CELLS),
    open: ints(workers * SERVICES_MOST),
    clients: ints(workers * CLIENTS_WIDTH),
    seed: ints(SEED_WORDS),
  };
}

/** What one worker writes to the board with: the only way its cells change. */
export interface BoardWriter {
  addActive(cell: number, delta: number): void;
  addTotal(cell: number, total: Total, amount: number): void;
  addCount(count: Count, amount: number): void;
  /** @param service its index */
  addOpen(service: number, delta: number): void;
  /** @param client its `clientSlot` */
  addClient(client: number, delta: number): void;
  /** A connection or request ended. @param service its index. @param dialMs null: no node was dialled for it */
  tally(service: number, end: EndReason, dialMs: number | null, totalMs: number): void;
  /** What this worker itself counted. */
  count(count: Count): number;
}

/** Control writes what another process counted before, to a column of its own. */
export function carryTotal(board: Board, column: number, cell: number, total: Total, value: number): void {
  board.totals[(column * BOARD_CELLS + cell) * TOTALS_WIDTH + TOTALS[total]] = value;
}

export function carryCount(board: Board, column: number, count: Count, value: number): void {
  board.counts[column * COUNTS_WIDTH + COUNTS[count]] = value;
}

export function boardWriter(board: Board, worker: number): BoardWriter {
  const activeBase = worker * BOARD_CELLS;
  const totalsBase = worker * BOARD_CELLS * TOTALS_WIDTH;
  const countsBase = worker * COUNTS_WIDTH;
  const { active, totals, counts, open, clients, tallies } = board;
  return {
    // a plain store does: each cell has one writer, and who reads it a moment later is early enough
    addActive(cell, delta) {
      const at = activeBase + cell;
      active[at] = (active[at] ?? 0) + delta;
    },
    addTotal(cell, total, amount) {
      const at = totalsBase + cell * TOTALS_WIDTH + TOTALS[total];
      totals[at] = (totals[at] ?? 0) + amount;
    },
    addCount(count, amount) {
      const at = countsBase + COUNTS[count];
      counts[at] = (counts[at] ?? 0) + amount;
    },
    addOpen(service, delta) {
      const at = worker * SERVICES_MOST + service;
      open[at] = (open[at] ?? 0) + delta;
    },
    addClient(client, delta) {
      for (const row of ROWS) {
        const at = clientAt(worker, row, client);
        clients[at] = (clients[at] ?? 0) + delta;
      }
    },
    tally: (service, end, dialMs, totalMs) => tally(tallies, worker * TALLIES_WIDTH, service, end, dialMs, totalMs),
    count: (count) => counts[countsBase + COUNTS[count]] ?? 0,
  };
}

/** Each takes 16 bits of a client's slot. */
const ROWS = [0, 1] as const;

function clientAt(worker: number, row: number, client: number): number {
  return worker * CLIENTS_WIDTH + row * CLIENT_SLOTS + ((client >>> (16 * row)) % CLIENT_SLOTS);
}

/** Open connections of a cell over all workers. */
export function activeOf(board: Board, cell: number): number {
  let sum = 0;
  for (let worker = 0; worker < board.workers; worker++) sum += Atomics.load(board.active, worker * BOARD_CELLS + cell);
  return sum;
}

export function totalOf(board: Board, cell: number, total: Total): number {
  let sum = 0;
  for (let worker = 0; worker < board.workers; worker++) {
    sum += board.totals[(worker * BOARD_CELLS + cell) * TOTALS_WIDTH + TOTALS[total]] ?? 0;
  }
  return sum;
}

export function countOf(board: Board, count: Count): number {
  let sum = 0;
  for (let worker = 0; worker < board.workers; worker++)
    sum += board.counts[worker * COUNTS_WIDTH + COUNTS[count]] ?? 0;
  return sum;
}

/** Open client connections of a service over all workers. @param service its index */
export function openOf(board: Board, service: number): number {
  let sum = 0;
  for (let worker = 0; worker < board.workers; worker++) {
    sum += Atomics.load(board.open, worker * SERVICES_MOST + service);
  }
  return sum;
}

/** Open connections of a client over all workers, or a few more. @param client its `clientSlot` */
export function clientsOf(board: Board, client: number): number {
  let least = Infinity;
  for (const row of ROWS) {
    let sum = 0;
    for (let worker = 0; worker < board.workers; worker++) {
      sum += Atomics.load(board.clients, clientAt(worker, row, client));
    }
    least = Math.min(least, sum);
  }
  return least;
}

/** What `pick` asks of health; `active` is summed over the workers. */
export interface HealthView {
  state(cell: number): Health;
  weight(cell: number): number;
  active(cell: number): number;
}

export function healthView(board: Board): HealthView {
  return {
    state: (cell) => Atomics.load(board.health, cell) as Health,
    weight: (cell) => board.weight[cell] || FULL_WEIGHT,
    active: (cell) => activeOf(board, cell),
  };
}

/** A worker that died has no connections: control empties its column before a replacement starts. */
export function clearWorker(board: Board, worker: number): void {
  board.active.fill(0, worker * BOARD_CELLS, (worker + 1) * BOARD_CELLS);
  board.open.fill(0, worker * SERVICES_MOST, (worker + 1) * SERVICES_MOST);
  board.clients.fill(0, worker * CLIENTS_WIDTH, (worker + 1) * CLIENTS_WIDTH);
  board.counts[worker * COUNTS_WIDTH + COUNTS.open] = 0;
}
