/** What the board counted per cell and listener. Cells serve other keys after a while, totals never shrink. */
import { activeOf, totalOf, TOTALS, type Board, type Total } from "../../seam/board.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import { SERVICE_NAMES, type ServiceName } from "../../seam/services.ts";

export interface Totals {
  /** Of what the cell serves now. */
  of(cell: number, total: Total): number;
  /** Of a listener kind since the start, what was removed meanwhile included. */
  ofKind(kind: ServiceName, total: Total): number;
  /** Connections to nodes that came in by this listener kind and are open. */
  openOf(kind: ServiceName): number;
  /** Every snapshot, before it is used. */
  note(snapshot: Snapshot): void;
  /** The cell serves nothing any more: whoever gets it next starts at 0. Workers alone write their cells, so they are not zeroed. */
  retire(cell: number): void;
}

const NAMES = Object.keys(TOTALS) as readonly Total[];

export function createTotals(board: Board): Totals {
  const before = new Map<number, Readonly<Record<Total, number>>>();
  const kindOf = new Map<number, ServiceName>();
  const retired = new Map<ServiceName, Record<Total, number>>();

  const of = (cell: number, total: Total): number => totalOf(board, cell, total) - (before.get(cell)?.[total] ?? 0);
  const cellsOf = (kind: ServiceName): number[] =>
    [...kindOf].filter(([, each]) => each === kind).map(([cell]) => cell);

  return {
    of,
    ofKind(kind, total) {
      let sum = retired.get(kind)?.[total] ?? 0;
      for (const cell of cellsOf(kind)) sum += of(cell, total);
      return sum;
    },
    openOf(kind) {
      let sum = 0;
      for (const cell of cellsOf(kind)) sum += activeOf(board, cell);
      return sum;
    },
    note({ clusters }) {
      for (const { pools } of clusters) {
        for (const kind of SERVICE_NAMES) {
          const cell = pools[kind]?.cell;
          if (cell !== undefined) kindOf.set(cell, kind);
        }
      }
    },
    retire(cell) {
      const kind = kindOf.get(cell);
      if (kind !== undefined) {
        const sums = retired.get(kind) ?? { connections: 0, failures: 0, bytesUp: 0, bytesDown: 0 };
        for (const name of NAMES) sums[name] += of(cell, name);
        retired.set(kind, sums);
        kindOf.delete(cell);
      }
      before.set(cell, {
        connections: totalOf(board, cell, "connections"),
        failures: totalOf(board, cell, "failures"),
        bytesUp: totalOf(board, cell, "bytesUp"),
        bytesDown: totalOf(board, cell, "bytesDown"),
      });
    },
  };
}
