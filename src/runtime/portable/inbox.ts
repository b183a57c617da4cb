/** What arrived while nobody wanted it, and the pause of the wire once that is too much. */
import { copyOf, type Host, type Wire } from "./wire.ts";

/**
 * A paused connection goes on reading until it holds this much: a pause then costs no system call while a node is dialled,
 * and a FIN or RST behind a few bytes is noticed, which no portable socket tells once reading stopped.
 */
const HOLD_BYTES = 65_536;

export class Inbox {
  private readonly wire: Wire;
  private readonly host: Host;
  /** Oldest first. */
  private held: Uint8Array[] | null = null;
  private heldBytes = 0;
  private wirePaused = false;
  private closed = false;

  constructor(wire: Wire, host: Host) {
    this.wire = wire;
    this.host = host;
  }

  get isEmpty(): boolean {
    return this.held === null;
  }

  get isWirePaused(): boolean {
    return this.wirePaused;
  }

  push(chunk: Uint8Array): void {
    this.held ??= [];
    this.held.push(this.host.lends ? copyOf(chunk) : chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes >= HOLD_BYTES) this.pauseWire();
  }

  /** The rest of the chunk that came last out of here or from the wire: it is the oldest. */
  putBack(chunk: Uint8Array): void {
    this.held ??= [];
    this.held.unshift(this.host.lends ? copyOf(chunk) : chunk);
    this.heldBytes += chunk.length;
  }

  shift(): Uint8Array | undefined {
    const chunk = this.held?.shift();
    if (this.held?.length === 0) this.held = null;
    this.heldBytes -= chunk?.length ?? 0;
    return chunk;
  }

  clear(): void {
    this.held = null;
    this.heldBytes = 0;
  }

  pauseWire(): void {
    if (this.wirePaused || this.closed) return;
    this.wirePaused = true;
    this.wire.pause();
  }

  resumeWire(): void {
    if (!this.wirePaused || this.closed) return;
    this.wirePaused = false;
    this.wire.resume();
  }

  close(): void {
    this.closed = true;
    this.clear();
  }
}
