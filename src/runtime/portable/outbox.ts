/** Bytes for the peer, in order: what the wire does not take at once waits here, and the FIN behind it. */
import { copyOf, type Host, type Wire } from "./wire.ts";

export class Outbox {
  private readonly wire: Wire;
  private readonly host: Host;
  /** Oldest first. */
  private waiting: Uint8Array[] | null = null;
  private finishing = false;
  private closed = false;

  constructor(wire: Wire, host: Host) {
    this.wire = wire;
    this.host = host;
  }

  get isEmpty(): boolean {
    return this.waiting === null;
  }

  /** The chunk that waits longest; another object once any of it was taken. */
  get head(): Uint8Array | null {
    return this.waiting?.[0] ?? null;
  }

  /** No more bytes may follow. */
  get isFinishing(): boolean {
    return this.finishing;
  }

  /** FIN was sent. */
  get isFinished(): boolean {
    return this.finishing && this.waiting === null;
  }

  /**
   * Sends now what fits and keeps the rest.
   * @param foreign The chunk is its owner's again after the call.
   * @returns whether everything fitted
   */
  send(chunk: Uint8Array, foreign: boolean): boolean {
    if (this.waiting !== null) {
      this.waiting.push(foreign ? copyOf(chunk) : chunk);
      return false;
    }
    const copied = foreign && this.host.borrows;
    const own = copied ? copyOf(chunk) : chunk;
    const taken = this.wire.write(own);
    if (taken === own.length || this.closed) return true;
    const rest = taken > 0 ? own.subarray(taken) : own;
    this.waiting = [foreign && !copied ? copyOf(rest) : rest];
    return false;
  }

  /** The wire takes bytes again. @returns how many it took */
  flush(): number {
    const { waiting } = this;
    if (waiting === null) return 0;
    let sum = 0;
    for (const [at, chunk] of waiting.entries()) {
      const taken = this.wire.write(chunk);
      if (this.closed) return sum;
      if (taken > 0) sum += taken;
      if (taken === chunk.length) this.host.spent?.(chunk);
      else {
        this.waiting = waiting.slice(at);
        if (taken > 0) this.waiting[0] = chunk.subarray(taken);
        return sum;
      }
    }
    this.waiting = null;
    return sum;
  }

  /** FIN after what was sent. */
  finish(): void {
    if (this.finishing || this.closed) return;
    this.finishing = true;
    if (this.waiting === null) this.wire.shutdown();
  }

  /** Everything left: so does the FIN that waited for it. */
  finishDrained(): void {
    this.wire.shutdown();
  }

  close(): void {
    this.closed = true;
    this.waiting = null;
  }
}
