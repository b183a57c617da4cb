/** One timer for all tunnels: it sleeps until the earliest deadline known, then asks all of them. */
import type { Cancel } from "../port.ts";

/** Something that ends at a time which moves as it lives. */
export interface Expiring {
  /** On the runtime's clock; Infinity: never. */
  deadlineMs(): number;
  expire(): void;
}

/** Asking every tunnel more often than this would cost more than a late end harms. */
const ROUND_MS = 20;

export class Deadlines {
  private readonly members = new Set<Expiring>();
  private readonly nowMs: () => number;
  private readonly timer: (ms: number, fire: () => void) => Cancel;
  private armed: Cancel | null = null;
  private armedForMs = Infinity;

  constructor(nowMs: () => number, timer: (ms: number, fire: () => void) => Cancel) {
    this.nowMs = nowMs;
    this.timer = timer;
  }

  get all(): ReadonlySet<Expiring> {
    return this.members;
  }

  /** Also when a deadline came nearer; one that moved away needs no call. */
  add(expiring: Expiring): void {
    this.members.add(expiring);
    const deadline = expiring.deadlineMs();
    if (deadline < this.armedForMs) this.arm(deadline, Math.max(0, deadline - this.nowMs()));
  }

  delete(expiring: Expiring): void {
    this.members.delete(expiring);
    if (this.members.size === 0) this.disarm();
  }

  private arm(atMs: number, delayMs: number): void {
    this.disarm();
    this.armedForMs = atMs;
    this.armed = this.timer(delayMs, () => this.round());
  }

  private disarm(): void {
    this.armed?.cancel();
    this.armed = null;
    this.armedForMs = Infinity;
  }

  private round(): void {
    this.armed = null;
    this.armedForMs = Infinity;
    const now = this.nowMs();
    let earliest = Infinity;
    for (const expiring of this.members) {
      const deadline = expiring.deadlineMs();
      if (deadline <= now) expiring.expire();
      else if (deadline < earliest) earliest = deadline;
    }
    if (earliest < this.armedForMs) this.arm(earliest, Math.max(ROUND_MS, earliest - now));
  }
}
