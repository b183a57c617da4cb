/** What the board counted per row and listener. Rows serve other keys after a while, totals never shrink. */
import { activeOf, totalOf, TOTALS, type Board, type Total } from "../../seam/board.ts";
import { LISTENER_KINDS, type ListenerKind, type Snapshot } from "../../seam/snapshot.ts";

export interface Totals {
  /** Of what the row serves now. */
  of(row: number, total: Total): number;
  /** Of a listener kind since the start, what was removed meanwhile included. */
  ofKind(kind: ListenerKind, total: Total): number;
  /** Connections to nodes that came in by this listener kind and are open. */
  openOf(kind: ListenerKind): number;
  /** Every snapshot, before it is used. */
  note(snapshot: Snapshot): void;
  /** The row serves nothing any more: whoever gets it next starts at 0. Workers alone write their cells, so they are not zeroed. */
  retire(row: number): void;
}

const NAMES = Object.keys(TOTALS) as readonly Total[];

export function createTotals(board: Board): Totals {
  const before = new Map<number, Readonly<Record<Total, number>>>();
  const kindOf = new Map<number, ListenerKind>();
  const retired = new Map<ListenerKind, Record<Total, number>>();

  const of = (row: number, total: Total): number => totalOf(board, row, total) - (before.get(row)?.[total] ?? 0);
  const rowsOf = (kind: ListenerKind): number[] => [...kindOf].filter(([, each]) => each === kind).map(([row]) => row);

  return {
    of,
    ofKind(kind, total) {
      let sum = retired.get(kind)?.[total] ?? 0;
      for (const row of rowsOf(kind)) sum += of(row, total);
      return sum;
    },
    openOf(kind) {
      let sum = 0;
      for (const row of rowsOf(kind)) sum += activeOf(board, row);
      return sum;
    },
    note({ clusters }) {
      for (const { pools } of clusters) {
        for (const kind of LISTENER_KINDS) {
          const row = pools[kind]?.row;
          if (row !== undefined) kindOf.set(row, kind);
        }
      }
    },
    retire(row) {
      const kind = kindOf.get(row);
      if (kind !== undefined) {
        const sums = retired.get(kind) ?? { connections: 0, failures: 0, bytesUp: 0, bytesDown: 0 };
        for (const name of NAMES) sums[name] += of(row, name);
        retired.set(kind, sums);
        kindOf.delete(row);
      }
      before.set(row, {
        connections: totalOf(board, row, "connections"),
        failures: totalOf(board, row, "failures"),
        bytesUp: totalOf(board, row, "bytesUp"),
        bytesDown: totalOf(board, row, "bytesDown"),
      });
    },
  };
}
