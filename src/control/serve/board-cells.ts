/** Cells of the board, by key. A cell serves another key only once no worker can still write to it. */
import { BOARD_CELLS } from "../../seam/board.ts";
import { EdgeError } from "../../errors.ts";

export interface Cells {
  /**
   * The cell of this key; the same one as long as the key stays in use, and again when it comes back before `reclaim`.
   * @throws EdgeError when the board is full
   */
  of(key: string): number;
  keyOf(cell: number): string | undefined;
  /** Keys that the new snapshot does not name leave. @returns their cells, which wait for `reclaim` */
  retain(keys: ReadonlySet<string>, version: number): readonly number[];
  /**
   * @param oldest the oldest snapshot version that any worker still uses
   * @returns the cells that serve other keys from now on
   */
  reclaim(oldest: number, isQuiet: (cell: number) => boolean): readonly number[];
}

interface Leaving {
  readonly cell: number;
  /** First snapshot without it. */
  readonly goneSince: number;
}

export function createCells(capacity: number = BOARD_CELLS): Cells {
  const cells = new Map<string, number>();
  const keys = new Map<number, string>();
  const free: number[] = [];
  const leaving = new Map<string, Leaving>();
  let next = 0;

  /** A cell for a key that has none: its own from before, one that nobody uses any more, or a new one. */
  const cellFor = (key: string): number => {
    const own = leaving.get(key)?.cell;
    leaving.delete(key);
    return own ?? free.pop() ?? next++;
  };

  return {
    of(key) {
      const known = cells.get(key);
      if (known !== undefined) return known;
      const cell = cellFor(key);
      if (cell >= capacity) {
        next = capacity;
        throw new EdgeError(
          "CONFIG_INVALID",
          `Cannot count "${key}": all ${capacity} cells are in use, one for each cluster, pool and endpoint`,
        );
      }
      cells.set(key, cell);
      keys.set(cell, key);
      return cell;
    },
    keyOf: (cell) => keys.get(cell),
    retain(wanted, version) {
      const gone = [...cells].filter(([key]) => !wanted.has(key));
      for (const [key, cell] of gone) {
        cells.delete(key);
        keys.delete(cell);
        leaving.set(key, { cell, goneSince: version });
      }
      return gone.map(([, cell]) => cell);
    },
    reclaim(oldest, isQuiet) {
      const ready: number[] = [];
      for (const [key, { cell, goneSince }] of leaving) {
        if (goneSince > oldest || !isQuiet(cell)) continue;
        leaving.delete(key);
        ready.push(cell);
      }
      free.push(...ready);
      return ready;
    },
  };
}
