/** How long a connection that was answered and finished waits for its peer to take the answer. */
import { ERRNO } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { READ_BYTES } from "../kernel/memory.ts";
import type { Stream } from "./stream.ts";
import { TimerNode } from "./timers.ts";

/** What it needs of its connection. */
export interface Lingering {
  /** Part of the answer waits in the outbox. */
  readonly hasUnsent: boolean;
  /** Bytes of that answer that the peer does not have yet. */
  undelivered(): number;
  /** @param reset What was not sent is lost. */
  end(cause: "closed", reset: boolean): void;
}

export class Linger extends TimerNode {
  private readonly loop: Loop;
  private readonly conn: Lingering;
  private readonly ms: number;
  /** `undelivered` when it was asked last. */
  private behind: number;

  constructor(loop: Loop, conn: Lingering, ms: number) {
    super();
    this.loop = loop;
    this.conn = conn;
    this.ms = ms;
    this.behind = conn.undelivered();
    this.again();
  }

  /** A slow peer that is still taking the answer gets more time. */
  override fire(): void {
    const before = this.behind;
    this.behind = this.conn.undelivered();
    if (this.conn.hasUnsent && this.behind < before) this.again();
    else this.conn.end("closed", this.conn.hasUnsent);
  }

  stop(): void {
    this.loop.timers.remove(this);
  }

  /** Counted from now, not from the beginning of a turn that may last: that must not take from the peer's time. */
  private again(): void {
    this.loop.timers.add(this, performance.now() + this.ms);
  }
}

/** Read at most `rounds` times and forget what came. @returns 0, or the errno negated. */
export function discard(from: Stream, rounds: number): number {
  for (let round = 0; round < rounds && from.readable; round++) {
    const n = from.read(READ_BYTES);
    if (n < 0 && n !== -ERRNO.EAGAIN) return n;
  }
  return 0;
}
