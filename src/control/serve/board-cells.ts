/** Cells of the board, by key. A cell serves another key only once no worker can still write to it. */
import { BOARD_CELLS } from "../../seam/board.ts";
import { EdgeError } from "../../errors.ts";

interface Leaving {
  readonly cell: number;
  /** First snapshot without it. */
  readonly goneSince: number;
}

export class BoardCells {
  private readonly capacity: number;
  private readonly cells = new Map<string, number>();
  /** By cell: what it serves or served last. */
  private readonly served: string[] = [];
  private readonly free: number[] = [];
  private readonly leaving = new Map<string, Leaving>();
  /** The first cell that was never used. */
  private next = 0;

  constructor(capacity: number = BOARD_CELLS) {
    this.capacity = capacity;
  }

  /**
   * The cell of this key; the same one as long as the key stays in use, and again when it comes back before `reclaim`.
   * @throws EdgeError when the board is full
   */
  of(key: string): number {
    const known = this.cells.get(key);
    if (known !== undefined) return known;
    const cell = this.takeCell(key);
    if (cell >= this.capacity) {
      this.next = this.capacity;
      throw new EdgeError(
        "CONFIG_INVALID",
        `Cannot count "${key}": all ${this.capacity} cells are in use, one for each cluster, pool and endpoint`,
      );
    }
    this.cells.set(key, cell);
    this.served[cell] = key;
    return cell;
  }

  /** The key's cell, if it has one. */
  peek(key: string): number | undefined {
    return this.cells.get(key);
  }

  /** What a cell serves. */
  keyOf(cell: number): string {
    return this.served[cell] ?? "";
  }

  /** The keys of all cells that are in use or about to leave, by cell. */
  keys(): ReadonlyMap<number, string> {
    const keys = new Map([...this.leaving].map(([key, { cell }]) => [cell, key]));
    for (const [key, cell] of this.cells) keys.set(cell, key);
    return keys;
  }

  /** Keys that the new snapshot does not name leave. @returns their cells, which wait for `reclaim` */
  retain(keys: ReadonlySet<string>, version: number): readonly number[] {
    const gone = [...this.cells].filter(([key]) => !keys.has(key));
    for (const [key, cell] of gone) {
      this.cells.delete(key);
      this.leaving.set(key, { cell, goneSince: version });
    }
    return gone.map(([, cell]) => cell);
  }

  /**
   * @param oldest the oldest snapshot version that any worker still uses
   * @returns the cells that serve other keys from now on
   */
  reclaim(oldest: number, isQuiet: (cell: number) => boolean): readonly number[] {
    const ready: number[] = [];
    for (const [key, { cell, goneSince }] of this.leaving) {
      if (goneSince > oldest || !isQuiet(cell)) continue;
      this.leaving.delete(key);
      ready.push(cell);
    }
    this.free.push(...ready);
    return ready;
  }

  /** A cell for a key that has none: its own from before, one that nobody uses any more, or a new one. */
  private takeCell(key: string): number {
    const own = this.leaving.get(key)?.cell;
    this.leaving.delete(key);
    return own ?? this.free.pop() ?? this.next++;
  }
}
