/** TLS clients of clusters that are being woken: each is held until a node can take it or its time is over. */
import type { Cancel, Runtime } from "../runtime/port.ts";

export interface HeldClient {
  /** When its time is over. */
  readonly heldUntilMs: number;
  /** Its time is over; it is not held any more. */
  tooLate(): void;
  /** A node may take it by now. */
  lookAgain(nowMs: number): void;
}

/** Of one cluster, in all workers; each has an equal share. */
export const HELD_MOST = 256;
/** A node that woke up is noticed within this time, whatever tells of it: board or snapshot. */
const LOOK_MS = 100;

export class HeldClients {
  private readonly runtime: Runtime;
  private readonly most: number;
  /** Each with its cluster's cell. */
  private readonly held = new Map<HeldClient, number>();
  /** By cluster's cell. */
  private readonly counts = new Map<number, number>();
  private timer: Cancel | null = null;

  constructor(runtime: Runtime, workers: number) {
    this.runtime = runtime;
    this.most = Math.ceil(HELD_MOST / workers);
  }

  /** @param cell of its cluster. @returns false: as many of that cluster are held as may be */
  hold(client: HeldClient, cell: number): boolean {
    if (this.held.has(client)) return true;
    const count = this.counts.get(cell) ?? 0;
    if (count >= this.most) return false;
    this.held.set(client, cell);
    this.counts.set(cell, count + 1);
    if (this.timer === null) this.arm();
    return true;
  }

  /** Safe when it is not held. */
  release(client: HeldClient): void {
    const cell = this.held.get(client);
    if (cell === undefined) return;
    this.held.delete(client);
    const left = (this.counts.get(cell) ?? 0) - 1;
    if (left > 0) this.counts.set(cell, left);
    else this.counts.delete(cell);
  }

  /** The worker ends. */
  close(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private arm(): void {
    this.timer = this.runtime.timer(LOOK_MS, () => this.look());
  }

  private look(): void {
    this.timer = null;
    const nowMs = this.runtime.nowMs();
    try {
      const clients = [...this.held.keys()];
      for (const client of clients) {
        if (nowMs < client.heldUntilMs) client.lookAgain(nowMs);
        else {
          this.release(client);
          client.tooLate();
        }
      }
    } finally {
      // also when one of them threw
      if (this.held.size > 0 && this.timer === null) this.arm();
    }
  }
}
