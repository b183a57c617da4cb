/** Rows of the board, by key. A row serves another key only once no worker can still write to it. */
import { BOARD_ROWS } from "../../seam/board.ts";
import { EdgeError } from "../../errors.ts";

export interface Rows {
  /**
   * The row of this key; the same one as long as the key stays in use, and again when it comes back before `reclaim`.
   * @throws EdgeError when the board is full
   */
  of(key: string): number;
  keyOf(row: number): string | undefined;
  /** Keys that the new snapshot does not name leave. @returns their rows, which wait for `reclaim` */
  retain(keys: ReadonlySet<string>, version: number): readonly number[];
  /**
   * @param oldest the oldest snapshot version that any worker still uses
   * @returns the rows that serve other keys from now on
   */
  reclaim(oldest: number, isQuiet: (row: number) => boolean): readonly number[];
}

interface Leaving {
  readonly row: number;
  /** First snapshot without it. */
  readonly goneSince: number;
}

export function createRows(capacity: number = BOARD_ROWS): Rows {
  const rows = new Map<string, number>();
  const keys = new Map<number, string>();
  const free: number[] = [];
  const leaving = new Map<string, Leaving>();
  let next = 0;

  /** A row for a key that has none: its own from before, one that nobody uses any more, or a new one. */
  const rowFor = (key: string): number => {
    const own = leaving.get(key)?.row;
    leaving.delete(key);
    return own ?? free.pop() ?? next++;
  };

  return {
    of(key) {
      const known = rows.get(key);
      if (known !== undefined) return known;
      const row = rowFor(key);
      if (row >= capacity) {
        next = capacity;
        throw new EdgeError(
          "CONFIG_INVALID",
          `Cannot count "${key}": all ${capacity} rows are in use, one for each cluster, pool and endpoint`,
        );
      }
      rows.set(key, row);
      keys.set(row, key);
      return row;
    },
    keyOf: (row) => keys.get(row),
    retain(wanted, version) {
      const gone = [...rows].filter(([key]) => !wanted.has(key));
      for (const [key, row] of gone) {
        rows.delete(key);
        keys.delete(row);
        leaving.set(key, { row, goneSince: version });
      }
      return gone.map(([, row]) => row);
    },
    reclaim(oldest, isQuiet) {
      const ready: number[] = [];
      for (const [key, { row, goneSince }] of leaving) {
        if (goneSince > oldest || !isQuiet(row)) continue;
        leaving.delete(key);
        ready.push(row);
      }
      free.push(...ready);
      return ready;
    },
  };
}
