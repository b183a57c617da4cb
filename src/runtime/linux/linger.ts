/** The last second of a connection: its answer is on the way, and what arrives is thrown away until the peer is done. */
import type { LinuxConn } from "./conn.ts";
import { ERRNO } from "./libc.ts";
import type { Loop } from "./loop.ts";
import { READ_BYTES } from "./memory.ts";
import { receive } from "./syscalls.ts";
import { TimerNode } from "./timers.ts";

/** Reads in a row before the others get their turn. */
const ROUNDS = 8;

export class Linger extends TimerNode {
  private readonly loop: Loop;
  private readonly conn: LinuxConn;

  constructor(loop: Loop, conn: LinuxConn, ms: number) {
    super();
    this.loop = loop;
    this.conn = conn;
    loop.timers.add(this, loop.now + ms);
  }

  /** Its time is over; what the peer did not even let us send is dropped. */
  override fire(): void {
    this.conn.end("closed", this.conn.outbox !== null);
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
