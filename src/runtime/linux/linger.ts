/** The last second of a connection: its answer is on the way, and what arrives is thrown away until the peer is done. */
import type { LinuxConn } from "./conn.ts";
import { ERRNO } from "./libc.ts";
import type { Loop } from "./loop.ts";
import { READ_BYTES } from "./memory.ts";
import { receive, unacknowledged } from "./syscalls.ts";
import { TimerNode } from "./timers.ts";

/** Reads in a row before the others get their turn. */
const ROUNDS = 8;

export class Linger extends TimerNode {
  private readonly loop: Loop;
  private readonly conn: LinuxConn;
  private readonly ms: number;
  /** Bytes of the answer that the peer did not have yet, at the last look. */
  private behind: number;

  constructor(loop: Loop, conn: LinuxConn, ms: number) {
    super();
    this.loop = loop;
    this.conn = conn;
    this.ms = ms;
    this.behind = this.unread();
    loop.timers.add(this, loop.now + ms);
  }

  /** Its time is over, unless a slow peer is still taking the answer; what it did not even let us send is dropped. */
  override fire(): void {
    const { outbox } = this.conn;
    const before = this.behind;
    this.behind = this.unread();
    if (outbox !== null && this.behind < before) this.loop.timers.add(this, this.loop.now + this.ms);
    else this.conn.end("closed", outbox !== null);
  }

  /** Most answers fit in the kernel's buffer, and then it does not matter. */
  private unread(): number {
    const { fd, outbox } = this.conn;
    return outbox === null ? 0 : outbox.bytes + unacknowledged(fd);
  }

  stop(): void {
    this.loop.timers.remove(this);
  }

  /** Read and forget. */
  proceed(): void {
    const { conn } = this;
    for (let round = 0; round < ROUNDS && conn.readable; round++) {
      const n = receive(conn.fd, READ_BYTES);
      if (n > 0) continue;
      conn.readable = false;
      if (n === 0) conn.ended = true;
      else if (n !== -ERRNO.EAGAIN) {
        conn.fail(-n);
        return;
      }
    }
    if (conn.readable) this.loop.again(conn);
    else if (conn.ended && conn.finished) conn.end("closed", false);
  }
}
