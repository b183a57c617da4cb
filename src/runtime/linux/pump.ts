/**
 * One direction of a stream between two connections: bytes, then FIN.
 * Small reads are copied through the shared buffer, two calls each. A read of 32 KB or more says "bulk": from then on
 * the bytes go through a pipe inside the kernel, until a visit finds little.
 */
import { concatenated } from "../kernel/concatenated.ts";
import type { LinuxConn } from "./conn.ts";
import { ERRNO } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { READ_BYTES } from "../kernel/memory.ts";
import type { Pipe } from "./pipes.ts";
import { emptyPipe } from "../kernel/syscalls.ts";
import type { Transfer } from "./transfer.ts";

/** From this on a pipe is cheaper than copying. */
const BULK_BYTES = 32_768;
/**
 * What one splice asks for: more each time the receiver takes all, less each time it does not, so that a fast stream costs
 * few calls and a slow reader holds little of the kernel's memory.
 */
const PORTION = { least: 262_144, most: 1_048_576 } as const;
/** Moves and bytes of one direction in a row before the others get their turn: half a millisecond. */
const ROUNDS = 8;
const SHARE_BYTES = 2_097_152;
const NOTHING = new Uint8Array(0);

/**
 * Why a pump rests:
 * - idle: the sender has nothing; blocked: the receiver takes nothing; again: its share of this turn is used up
 * - done: `left` bytes were moved; ended: the sender's FIN, and the receiver took all before it
 * - read-failed, write-failed: see `errno`
 */
export type PumpState = "idle" | "blocked" | "again" | "done" | "ended" | "read-failed" | "write-failed";

export interface PumpOwner {
  /** Called after each visit, whatever it moved. */
  onPump(pump: Pump, state: PumpState): void;
  /** One of the two connections was closed or taken away by the session. */
  onAbandon(pump: Pump): void;
}

export class Pump implements Transfer {
  readonly from: LinuxConn;
  readonly to: LinuxConn;
  /** Bytes taken from the sender and not reported yet. */
  unreported = 0;
  /** Nothing more will be moved. */
  done = false;
  errno = 0;
  private readonly loop: Loop;
  private readonly owner: PumpOwner;
  /** Bytes still to take; Infinity: all up to the FIN. */
  private left: number;
  private bulk = false;
  private pipe: Pipe | null = null;
  private inPipe = 0;
  private portion: number = PORTION.least;

  constructor(loop: Loop, from: LinuxConn, to: LinuxConn, bytes: number, owner: PumpOwner) {
    this.loop = loop;
    this.from = from;
    this.to = to;
    this.left = bytes;
    this.owner = owner;
    from.readBy(this);
    to.feedBy(this);
  }

  /** Bytes of the sender that the session had read already; they go first. */
  bring(chunk: Uint8Array): void {
    if (this.to.state === "closed") return;
    this.unreported += chunk.length;
    this.to.send(chunk); // should it fail, `move` finds the receiver broken
  }

  /** Move what can be moved now. */
  run(): void {
    if (this.done) return;
    const state = this.move();
    if (state === "again") this.loop.again(this.from);
    this.owner.onPump(this, state);
  }

  private move(): PumpState {
    const { from, to } = this;
    let visited = 0;
    if (to.broken) return "write-failed";
    for (let round = 0; round < ROUNDS && visited < SHARE_BYTES; round++) {
      if (this.inPipe > 0 || to.hasUnsent) {
        if (!to.writable) return "blocked";
        const flushed = this.flush();
        if (flushed <= 0) return flushed === 0 ? "blocked" : "write-failed";
      }
      if (this.left === 0) return "done";
      if (from.ended) {
        to.settle();
        if (to.broken) return "write-failed";
        if (!to.hasUnsent) return "ended";
        continue;
      }
      if (!from.readable) return this.rest(visited);
      const n = this.bulk && from.isRaw ? this.fill() : this.copy();
      if (n > 0) visited += n;
      else if (n < 0 && n !== -ERRNO.EAGAIN) return this.errno === 0 ? this.readFailed(-n) : "write-failed";
    }
    return "again";
  }

  /** A pipe that is not needed now serves another stream. */
  private rest(visited: number): PumpState {
    this.returnPipe();
    if (visited < BULK_BYTES) this.bulk = false;
    return "idle";
  }

  private readFailed(errno: number): PumpState {
    this.errno = errno;
    return "read-failed";
  }

  /** One read and one send. @returns Bytes read, 0 at FIN, or an errno negated; `errno` is set if it is the receiver's. */
  private copy(): number {
    const { from, to } = this;
    const asked = this.left < READ_BYTES ? this.left : READ_BYTES;
    const n = from.read(asked);
    if (n <= 0) return n;
    if (n >= BULK_BYTES) this.bulk = true;
    this.count(n);
    const code = to.forward(n);
    if (code === 0) return n;
    this.errno = -code;
    return code;
  }

  /** One splice into the pipe; the next round empties it. */
  private fill(): number {
    this.pipe ??= this.loop.pipes.take();
    if (this.pipe === null) return this.copy();
    const portion = Math.min(this.portion, this.pipe.size);
    const n = this.from.readInto(this.pipe.input, this.left < portion ? this.left : portion);
    if (n > 0) {
      this.inPipe = n;
      this.count(n);
    } else if (n === -ERRNO.EINVAL) {
      this.loop.pipes.disable();
      this.returnPipe();
      return this.copy();
    }
    return n;
  }

  private count(bytes: number): void {
    this.left -= bytes;
    this.unreported += bytes;
  }

  /** Offer the receiver what is held back. @returns 1 when it took all, 0 when not, -1 when it failed. */
  private flush(): number {
    const { to } = this;
    if (to.hasUnsent) {
      const code = to.flush();
      if (code <= 0) return this.receiverCode(code);
    }
    if (this.inPipe === 0) return 1;
    while (this.inPipe > 0 && this.pipe !== null) {
      const n = to.sendFrom(this.pipe.output, this.inPipe);
      if (n <= 0) {
        this.portion = Math.max(this.portion / 2, PORTION.least);
        return this.receiverCode(n);
      }
      this.inPipe -= n;
    }
    this.portion = Math.min(this.portion * 2, PORTION.most);
    return 1;
  }

  private receiverCode(code: number): number {
    if (code === 0 || code === -ERRNO.EAGAIN) {
      this.to.awaitWritable();
      return 0;
    }
    this.errno = -code;
    return -1;
  }

  /**
   * Move nothing more.
   * @param arrived What the sender's connection held and nobody read.
   * @returns That behind what was taken from the sender and lies here; it comes after the receiver's outbox.
   */
  withdraw(arrived: Uint8Array): Uint8Array {
    const rest = this.pipe !== null && this.inPipe > 0 ? emptyPipe(this.pipe.output) : NOTHING;
    this.inPipe = 0;
    this.detach();
    this.unreported += arrived.length;
    return concatenated([rest, arrived]);
  }

  /** Let go of both connections and of the pipe. */
  detach(): void {
    this.done = true;
    this.from.leave(this);
    this.to.leave(this);
    this.returnPipe();
  }

  private returnPipe(): void {
    if (this.pipe === null) return;
    if (this.inPipe > 0) this.loop.pipes.discardUsed(this.pipe);
    else this.loop.pipes.giveBack(this.pipe);
    this.pipe = null;
  }

  /** A connection goes away under the pump. */
  abandon(): void {
    if (this.done) return;
    this.detach();
    this.owner.onAbandon(this);
  }
}
