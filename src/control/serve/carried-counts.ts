/** Counters from one process to the next: by names and keys, since cells and workers differ. None of them goes back. */
import {
  carryCount,
  carryTotal,
  COUNTS,
  countOf,
  TOTALS,
  type Board,
  type Count,
  type Total,
} from "../../seam/board.ts";
import type { Service } from "../../seam/services.ts";
import { carryTallies, durationsOf, END_REASONS, endsOf, type Histogram } from "../../seam/tallies.ts";
import type { BoardCells } from "./board-cells.ts";
import { sumsOf, type Sums, type Totals } from "./totals.ts";

export interface CountFacts {
  readonly counts: Readonly<Record<string, number>>;
  readonly cells: readonly {
    readonly key: string;
    /** Of a pool. */
    readonly service: string | null;
    readonly sums: Readonly<Record<string, number>>;
  }[];
  /** Of pools that are gone, by service. */
  readonly gone: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly services: Readonly<Record<string, ServiceTallies>>;
  /** Not said by every release. */
  readonly beside?: CountsBeside;
}

/** Counts that the board has no place for. */
export interface CountsBeside {
  readonly logLinesLost: number;
  /** By RCODE. */
  readonly dnsAnswers: Readonly<Record<string, number>>;
}

export const NOTHING_BESIDE: CountsBeside = { logLinesLost: 0, dnsAnswers: {} };

export function addAnswers(
  one: CountsBeside["dnsAnswers"],
  other: CountsBeside["dnsAnswers"],
): CountsBeside["dnsAnswers"] {
  const sums = { ...one };
  for (const [rcode, count] of Object.entries(other)) sums[rcode] = (sums[rcode] ?? 0) + count;
  return sums;
}

interface ServiceTallies {
  readonly ends: Readonly<Record<string, number>>;
  readonly dial: Histogram;
  readonly total: Histogram;
}

export interface Counted {
  readonly board: Board;
  readonly totals: Totals;
  readonly cells: BoardCells;
  readonly services: readonly Service[];
  readonly beside: CountsBeside;
}

const COUNT_NAMES = Object.keys(COUNTS) as readonly Count[];
const TOTAL_NAMES = Object.keys(TOTALS) as readonly Total[];

/** All that was counted so far, what came from a process before included. */
export function countFacts({ board, totals, cells, services, beside }: Counted): CountFacts {
  const counts = Object.fromEntries(COUNT_NAMES.map((name) => [name, name === "open" ? 0 : countOf(board, name)]));
  const counted = [...cells.keys()].flatMap(([cell, key]) => {
    const sums = sumsOf((name) => totals.of(cell, name));
    return TOTAL_NAMES.every((name) => sums[name] === 0) ? [] : [{ key, service: totals.kindOf(cell) ?? null, sums }];
  });
  const tallies = services.map(({ name, index }) => [
    name,
    {
      ends: Object.fromEntries(END_REASONS.map((reason) => [reason, endsOf(board, index, reason)])),
      dial: durationsOf(board, index, "dial"),
      total: durationsOf(board, index, "total"),
    },
  ]);
  return { counts, cells: counted, gone: totals.gone(), services: Object.fromEntries(tallies), beside };
}

/** Write them to the column of the board that no worker writes; again when the process before has counted more. */
export function carryCounts({ board, totals, cells, services }: Omit<Counted, "beside">, facts: CountFacts): void {
  const column = board.workers - 1;
  for (const name of COUNT_NAMES) carryCount(board, column, name, facts.counts[name] ?? 0);
  const gone = new Map(services.map(({ name }) => [name, sumsIn(facts.gone[name] ?? {})]));
  for (const { key, service, sums } of facts.cells) {
    const cell = cells.peek(key);
    const lost = gone.get(service ?? "");
    if (cell !== undefined) for (const name of TOTAL_NAMES) carryTotal(board, column, cell, name, sums[name] ?? 0);
    else if (lost !== undefined) for (const name of TOTAL_NAMES) lost[name] += sums[name] ?? 0;
  }
  totals.carry(gone);
  for (const { name, index } of services) {
    const tallies = facts.services[name];
    if (tallies !== undefined) carryTallies(board, column, index, tallies.ends, tallies);
  }
}

function sumsIn(sums: Readonly<Record<string, number>>): Sums {
  return sumsOf((name) => sums[name] ?? 0);
}
