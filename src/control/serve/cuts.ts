/** Which tunnels workers were told to cut later: another process that gets these tunnels has to know. */
import type { CutReason } from "../../seam/mail.ts";

export interface PendingCut {
  readonly cell: number;
  readonly afterMs: number;
  readonly reason: CutReason;
}

interface Due {
  readonly cell: number;
  readonly dueMs: number;
  readonly reason: CutReason;
}

export class Cuts {
  private readonly due = new Map<string, Due>();

  asked(cell: number, afterMs: number, reason: CutReason): void {
    const nowMs = performance.now();
    for (const [key, { dueMs }] of this.due) if (dueMs <= nowMs) this.due.delete(key);
    if (afterMs > 0) this.due.set(`${cell} ${reason}`, { cell, dueMs: nowMs + afterMs, reason });
  }

  /** Those that are not due yet. */
  pending(): readonly PendingCut[] {
    const nowMs = performance.now();
    return [...this.due.values()]
      .filter(({ dueMs }) => dueMs > nowMs)
      .map(({ cell, dueMs, reason }) => ({ cell, afterMs: dueMs - nowMs, reason }));
  }
}
