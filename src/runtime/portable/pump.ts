/** One direction of a stream between two connections: bytes, then FIN. One chunk in is one write out. */
import type { CloseCause } from "../port.ts";
import type { PortableConn } from "./conn.ts";
import type { Flow } from "./pulse.ts";
import type { Transfer } from "./transfer.ts";
import type { Host } from "./wire.ts";

export interface PumpOwner extends Flow {
  /** The sender's FIN, behind its last byte. */
  onEnd(pump: Pump): void;
  /** The bytes asked for were moved, and the receiver has taken them all. */
  onDone(pump: Pump): void;
  onSenderClosed(pump: Pump, cause: CloseCause): void;
  onReceiverClosed(pump: Pump, cause: CloseCause): void;
}

export class Pump implements Transfer {
  readonly from: PortableConn;
  readonly to: PortableConn;
  private readonly host: Host;
  private readonly owner: PumpOwner;
  /** Bytes still to take; Infinity: all up to the FIN. */
  private left: number;
  private unreported = 0;

  /** What waits at `from` is moved by its next `deliver`. */
  constructor(host: Host, from: PortableConn, to: PortableConn, bytes: number, owner: PumpOwner) {
    this.host = host;
    this.from = from;
    this.to = to;
    this.left = bytes;
    this.owner = owner;
    from.readBy(this);
    to.feedBy(this);
  }

  get isUnfinished(): boolean {
    return this.left > 0;
  }

  get isBlocked(): boolean {
    return this.to.full;
  }

  /** @returns bytes moved since the last call */
  report(): number {
    const bytes = this.unreported;
    this.unreported = 0;
    return bytes;
  }

  /** Bytes of the sender that the session had read already; they go first. */
  bring(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.count(chunk.length);
    if (!this.to.send(chunk, true)) this.from.pauseReading();
  }

  take(chunk: Uint8Array): void {
    let part = chunk;
    if (chunk.length > this.left) {
      if (this.left === 0) return this.from.hold(chunk);
      part = chunk.subarray(0, this.left);
      this.from.putBack(chunk.subarray(this.left));
    }
    this.left -= part.length;
    this.count(part.length);
    if (!this.to.send(part, this.host.lends)) return this.from.pauseReading();
    if (this.left === 0) this.owner.onDone(this);
    else this.host.spent?.(part);
    return undefined;
  }

  advanced(): void {
    this.host.pulse.mark(this.owner);
  }

  drained(): void {
    if (this.left === 0) this.owner.onDone(this);
    else this.from.deliver();
  }

  ended(): void {
    this.owner.onEnd(this);
  }

  senderClosed(cause: CloseCause): void {
    this.owner.onSenderClosed(this, cause);
  }

  receiverClosed(cause: CloseCause): void {
    this.owner.onReceiverClosed(this, cause);
  }

  /** Let go of both connections. */
  detach(): void {
    this.from.leave(this);
    this.to.leave(this);
  }

  private count(bytes: number): void {
    this.unreported += bytes;
    this.host.pulse.mark(this.owner);
  }
}
