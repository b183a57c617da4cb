/** What a worker reports to control beside its log; each kind at a bounded rate, whatever clients do. */
import type { Runtime } from "../runtime/port.ts";
import type { DialError } from "../seam/mail.ts";
import type { ServiceName } from "../seam/services.ts";

const SECOND_MS = 1_000;
const UNKNOWN_NAMES_A_SECOND = 10;

export class Reports {
  private readonly runtime: Runtime;
  private readonly failed = new CellRate();
  private readonly silent = new CellRate();
  private readonly asleep = new CellRate();
  private readonly names = new Rate(UNKNOWN_NAMES_A_SECOND);
  private readonly faults = new Rate(1);

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  dialFailed(cell: number, error: DialError): void {
    if (this.failed.take(cell, this.runtime.nowMs())) this.runtime.post({ kind: "dial-failed", cell, error });
  }

  /** The node took a connection and ended it without an answer. */
  nodeSilent(cell: number): void {
    if (this.silent.take(cell, this.runtime.nowMs())) this.runtime.post({ kind: "node-silent", cell });
  }

  /** @param cell the cluster's */
  wake(cell: number, name: string): void {
    if (this.asleep.take(cell, this.runtime.nowMs())) this.runtime.post({ kind: "wake", cell, name });
  }

  /** @returns Whether it was reported; only then is it worth searching the nearest known name. */
  unknownName(listener: ServiceName, name: string, client: string): boolean {
    if (!this.names.take(this.runtime.nowMs())) return false;
    this.runtime.post({ kind: "unknown-name", listener, name, client });
    return true;
  }

  fault(error: unknown): void {
    if (!this.faults.take(this.runtime.nowMs())) return;
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.runtime.post({ kind: "fault", stack });
  }
}

/** At most one a second for each cell; the board bounds their number. */
class CellRate {
  private readonly takenAt = new Map<number, number>();

  take(cell: number, nowMs: number): boolean {
    const before = this.takenAt.get(cell);
    if (before !== undefined && nowMs - before < SECOND_MS) return false;
    this.takenAt.set(cell, nowMs);
    return true;
  }
}

/** At most so many a second. */
class Rate {
  private readonly most: number;
  private fromMs = -SECOND_MS;
  private taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  take(nowMs: number): boolean {
    if (nowMs - this.fromMs >= SECOND_MS) {
      this.fromMs = nowMs;
      this.taken = 0;
    }
    this.taken += 1;
    return this.taken <= this.most;
  }
}
