/** What a worker tells control beside its log, each kind at a bounded rate whatever clients do. */
import type { Runtime } from "../runtime/port.ts";
import type { DialError } from "../seam/mail.ts";
import type { ListenerKind } from "../seam/snapshot.ts";

const SECOND_MS = 1_000;
const UNKNOWN_NAMES_A_SECOND = 10;

export class Reports {
  private readonly runtime: Runtime;
  /** Wall of the last "dial-failed" per row; entries older than a second are dropped when it has grown. */
  private readonly failedAt = new Map<number, number>();
  private readonly names = new Rate(UNKNOWN_NAMES_A_SECOND);
  private readonly faults = new Rate(1);

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  dialFailed(row: number, error: DialError): void {
    const now = this.runtime.nowMs();
    const before = this.failedAt.get(row);
    if (before !== undefined && now - before < SECOND_MS) return;
    this.failedAt.set(row, now);
    this.runtime.post({ kind: "dial-failed", row, error });
  }

  /** @returns whether it was told: only then is the search for the nearest name worth its time. */
  unknownName(listener: ListenerKind, name: string, client: string): boolean {
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
