/**
 * Accepting that fails: a security policy forbids it, descriptors or memory ran out, or something nobody thought of. Bun and
 * Node say nothing of it and ask again at once, for ever, so it shows in the kernel's queue alone: clients wait although the
 * engine had its turn. The listening socket is then closed for a while, so that nobody asks.
 */
import type { Cancel } from "../port.ts";
import type { Host } from "./wire.ts";

/** How often a listener that nobody came through is looked at, and one whose last rest did not help yet. */
const LOOK_MS = 250;
const SOON_MS = 50;
/** How long it rests: as long again with every rest that did not help. */
const FIRST_REST_MS = 1_000;
const MOST_REST_MS = 8_000;

/** A listening socket that can rest. */
export interface Resting {
  /** Someone waits to be let in. */
  clientsWait(): boolean;
  /** Stops listening; `restMs` says how long it is about to rest. */
  rest(restMs: number): void;
  /** Listens again. @returns whether it does; what keeps it from that was told */
  wake(): boolean;
}

export class AcceptWatch {
  private readonly host: Pick<Host, "timer">;
  private readonly door: Resting;
  private timer: Cancel;
  /** Somebody came through since the last look. */
  private took = false;
  /** At the last look, somebody waited. */
  private waited = false;
  private restMs = FIRST_REST_MS;

  constructor(host: Pick<Host, "timer">, door: Resting) {
    this.host = host;
    this.door = door;
    this.timer = host.timer(LOOK_MS, () => this.look());
  }

  accepted(): void {
    this.took = true;
  }

  stop(): void {
    this.timer.cancel();
  }

  /** Between two looks the engine had its turn, so who waits at both was not let in. */
  private look(): void {
    if (this.took) this.restMs = FIRST_REST_MS;
    const waits = !this.took && this.door.clientsWait();
    if (waits && this.waited) return this.rest();
    this.took = false;
    this.waited = waits;
    this.timer = this.host.timer(this.restMs === FIRST_REST_MS ? LOOK_MS : SOON_MS, () => this.look());
  }

  private rest(): void {
    this.door.rest(this.restMs);
    this.timer = this.host.timer(this.restMs, () => this.wake());
    this.restMs = Math.min(2 * this.restMs, MOST_REST_MS);
  }

  /** Whoever waits at the next look has waited at two. */
  private wake(): void {
    this.took = false;
    if (this.door.wake()) this.timer = this.host.timer(SOON_MS, () => this.look());
    else this.timer = this.host.timer(this.restMs, () => this.wake());
  }
}
