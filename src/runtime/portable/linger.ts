/** How long a connection that was answered and finished waits for its peer to take the answer. */
import type { Cancel, CloseCause } from "../port.ts";
import type { Outbox } from "./outbox.ts";
import type { Host } from "./wire.ts";

export class Linger {
  private readonly host: Host;
  private readonly outbox: Outbox;
  private readonly ms: number;
  private readonly close: (cause: CloseCause) => void;
  /** What waited longest when it was asked last. */
  private head: Uint8Array | null;
  private timer: Cancel;

  constructor(host: Host, outbox: Outbox, ms: number, close: (cause: CloseCause) => void) {
    this.host = host;
    this.outbox = outbox;
    this.ms = ms;
    this.close = close;
    this.head = outbox.head;
    this.timer = this.arm();
  }

  stop(): void {
    this.timer.cancel();
  }

  private arm(): Cancel {
    return this.host.timer(this.ms, () => this.fire());
  }

  /** A slow peer that is still taking the answer gets more time. */
  private fire(): void {
    const before = this.head;
    this.head = this.outbox.head;
    if (this.head !== null && this.head !== before) this.timer = this.arm();
    else this.close(this.head === null ? "closed" : "timeout");
  }
}
