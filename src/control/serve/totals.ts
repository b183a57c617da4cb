/** What the board counted per cell and listener. Cells serve other keys after a while, totals never shrink. */
import { activeOf, totalOf, TOTALS, type Board, type Total } from "../../seam/board.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { ServiceName } from "../../seam/services.ts";

export type Sums = Record<Total, number>;

const NAMES = Object.keys(TOTALS) as readonly Total[];

export class Totals {
  private readonly board: Board;
  /** What a cell had counted for the keys it served before. */
  private readonly before = new Map<number, Readonly<Sums>>();
  private readonly serviceOf = new Map<number, ServiceName>();
  /** The same the other way round. */
  private readonly cellsOf = new Map<ServiceName, Set<number>>();
  /** What was counted for pools that are gone. */
  private readonly retired = new Map<ServiceName, Sums>();
  private carried: ReadonlyMap<ServiceName, Readonly<Sums>> = new Map();

  constructor(board: Board) {
    this.board = board;
  }

  /** Of what the cell serves now. */
  of(cell: number, total: Total): number {
    return totalOf(this.board, cell, total) - (this.before.get(cell)?.[total] ?? 0);
  }

  /** Of a service since the start, what was removed meanwhile included. */
  ofKind(kind: ServiceName, total: Total): number {
    let sum = (this.retired.get(kind)?.[total] ?? 0) + (this.carried.get(kind)?.[total] ?? 0);
    for (const cell of this.cells(kind)) sum += this.of(cell, total);
    return sum;
  }

  /** What was counted for pools that are gone, by service. */
  gone(): Readonly<Record<string, Readonly<Sums>>> {
    return Object.fromEntries([...this.retired].map(([kind, sums]) => [kind, { ...sums }]));
  }

  /** What another process counted for pools that are gone here, by service. */
  carry(gone: ReadonlyMap<ServiceName, Readonly<Sums>>): void {
    this.carried = gone;
  }

  /** Which service a pool's cell counts for. */
  kindOf(cell: number): ServiceName | undefined {
    return this.serviceOf.get(cell);
  }

  /** Connections to nodes that came in by this service and are open. */
  openOf(kind: ServiceName): number {
    let sum = 0;
    for (const cell of this.cells(kind)) sum += activeOf(this.board, cell);
    return sum;
  }

  /** Learns which cells count for which service. Called with every snapshot, before it is used. */
  note({ services, clusters }: Snapshot): void {
    for (const { pools } of clusters) {
      for (const { name, index } of services) {
        const cell = pools[index]?.cell;
        if (cell === undefined) continue;
        const before = this.serviceOf.get(cell);
        if (before === name) continue;
        if (before !== undefined) this.cellsOf.get(before)?.delete(cell);
        this.serviceOf.set(cell, name);
        const cells = this.cellsOf.get(name);
        if (cells === undefined) this.cellsOf.set(name, new Set([cell]));
        else cells.add(cell);
      }
    }
  }

  /** The cell serves nothing any more: whoever gets it next starts at 0. Workers alone write their cells, so they are not zeroed. */
  retire(cell: number): void {
    const kind = this.serviceOf.get(cell);
    if (kind !== undefined) {
      const sums = this.retired.get(kind) ?? sumsOf(() => 0);
      for (const name of NAMES) sums[name] += this.of(cell, name);
      this.retired.set(kind, sums);
      this.serviceOf.delete(cell);
      this.cellsOf.get(kind)?.delete(cell);
    }
    this.before.set(
      cell,
      sumsOf((name) => totalOf(this.board, cell, name)),
    );
  }

  private cells(kind: ServiceName): Iterable<number> {
    return this.cellsOf.get(kind) ?? [];
  }
}

export function sumsOf(of: (name: Total) => number): Sums {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Sums;
}
