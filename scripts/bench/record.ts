/** Figures of a run: every round of every row and column, and what is made of them. */

/** A column of the table: a peer, or `direct` for none. */
export type Recorder = (row: string, column: string, value: number) => void;

export interface Figures {
  readonly record: Recorder;
  /** In the order measured; empty when never. */
  of(row: string, column: string): readonly number[];
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function createFigures(): Figures {
  const rows = new Map<string, number[]>();
  const key = (row: string, column: string): string => `${row} ${column}`;
  return {
    record(row, column, value) {
      if (Number.isNaN(value)) return;
      rows.set(key(row, column), [...(rows.get(key(row, column)) ?? []), value]);
    },
    of: (row, column) => rows.get(key(row, column)) ?? [],
  };
}

/** Null for no value. */
export function summarize(values: readonly number[]): Summary | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
  if (sorted.length === 0) return null;
  return { median: (at(0.5) + (sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN)) / 2, least: at(0), most: at(1) };
}
