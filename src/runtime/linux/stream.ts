/**
 * A connected descriptor that is written to: what it still has to send, and every system call that sends to it, shuts it down or
 * closes it. Nothing else makes such a call, so what must come before or after it stands here.
 */
import type { EndState } from "../../seam/tunnel-state.ts";
import { concatenated } from "../kernel/concatenated.ts";
import { ERRNO } from "../kernel/libc.ts";
import { readView } from "../kernel/memory.ts";
import { resetAtClose, sendChunk, sendRead, shutdownWrite, splice, unacknowledged } from "../kernel/syscalls.ts";
import { QUEUED_BYTES, type Sender } from "../ring/batch.ts";
import { Inbound } from "./inbound.ts";
import { Outbox } from "./outbox.ts";

export abstract class Stream extends Inbound implements Sender {
  private sendFailed = false;
  private finSent = false;
  /** The batch in which its last send was queued. */
  private batchRound = -1;
  /** Bytes that everything else this end sends must wait for. */
  private outbox: Outbox | null = null;

  /** What is written now waits here. */
  get full(): boolean {
    return this.outbox !== null || !this.writable;
  }

  /** Bytes wait in the outbox. */
  get hasUnsent(): boolean {
    return this.outbox !== null;
  }

  /** The peer takes nothing more; what it sent before may still be read. */
  get broken(): boolean {
    return this.sendFailed;
  }

  /** FIN was sent. */
  get finished(): boolean {
    return this.finSent;
  }

  // ── sending ──

  /** Offer the first bytes while a connect may be under way, with the others at the end of the turn. `sentShort` tells what was not taken. */
  offer(chunk: Uint8Array): void {
    if (this.loop.batch.gathers && this.mayQueue(chunk.length)) {
      this.loop.batch.send(this, chunk);
      return;
    }
    const n = sendChunk(this.fd, chunk, 0);
    if (n < chunk.length) this.sentShort(n, chunk.subarray(Math.max(n, 0)));
  }

  /**
   * Send, small chunks at the end of the turn, and keep a copy of what the kernel does not take.
   * @returns 0, or the errno negated: then it is `broken`, which at the turn's end `onBroken` tells.
   */
  send(chunk: Uint8Array): number {
    if (this.lacksOptions) this.sendAtOnce();
    if (chunk.length === 0) return 0;
    if (this.mayQueue(chunk.length)) {
      this.loop.batch.send(this, chunk);
      return 0;
    }
    if (this.sendFailed) return -ERRNO.EPIPE;
    let offset = 0;
    while (this.outbox === null && offset < chunk.length) {
      const n = sendChunk(this.fd, chunk, offset);
      if (n > 0) offset += n;
      else if (n === -ERRNO.EAGAIN) this.outbox = new Outbox();
      else return this.failed(n);
    }
    if (offset < chunk.length) this.hold(chunk, offset);
    return 0;
  }

  /** The same for the first `length` bytes of the shared read buffer. */
  forward(length: number): number {
    if (this.lacksOptions) this.sendAtOnce();
    if (this.loop.batch.gathers && this.mayQueue(length)) {
      this.loop.batch.forward(this, length);
      return 0;
    }
    this.settle();
    if (this.sendFailed) return -ERRNO.EPIPE;
    const n = this.outbox === null ? sendRead(this.fd, 0, length) : -ERRNO.EAGAIN;
    if (n === length) return 0;
    if (n < 0 && n !== -ERRNO.EAGAIN) return this.failed(n);
    this.hold(readView(length), n > 0 ? n : 0);
    return 0;
  }

  /** A second send of a turn waits for the first one's result, unless both leave as one. */
  private mayQueue(length: number): boolean {
    const { batch } = this.loop;
    const small = length <= QUEUED_BYTES;
    if (small && !batch.hasRoom(length)) batch.enter(); // it makes a new round
    if (!small || !batch.endsWith(this)) this.settle();
    if (!small || this.outbox !== null || this.sendFailed) return false;
    this.batchRound = batch.round;
    return true;
  }

  /** A send of this turn waits for its end: whether the kernel takes it is not known yet. */
  private get inBatch(): boolean {
    return this.batchRound === this.loop.batch.round;
  }

  /** At the end of the turn: the kernel did not take all of a send. */
  sentShort(result: number, rest: Uint8Array): void {
    if (this.isClosed()) return;
    if (result >= 0 || result === -ERRNO.EAGAIN) this.hold(rest, 0);
    else {
      this.breakOff();
      this.onBroken();
    }
  }

  /** A queued send failed: whoever feeds this end has to hear of it, in a task. */
  protected abstract onBroken(): void;

  /** Have the kernel take what was sent in this turn: from now on `hasUnsent` and `broken` are true to the fact. */
  settle(): void {
    if (this.inBatch) this.loop.batch.enter();
  }

  /** Send at most `length` bytes that lie in a pipe. @returns Bytes taken, or the errno negated. */
  sendFrom(pipeOutput: number, length: number): number {
    this.settle();
    if (this.sendFailed) return -ERRNO.EPIPE;
    if (this.outbox !== null) return -ERRNO.EAGAIN;
    return splice(pipeOutput, this.fd, length);
  }

  /** Offer the outbox to the kernel. @returns 1 when nothing is left, 0 when something is, or the errno negated. */
  flush(): number {
    const { outbox } = this;
    if (outbox === null) return 1;
    for (let chunk = outbox.head; chunk !== undefined; chunk = outbox.head) {
      const n = sendChunk(this.fd, chunk, outbox.offset);
      if (n === -ERRNO.EAGAIN) {
        this.awaitWritable();
        return 0;
      }
      if (n < 0) return this.failed(n);
      outbox.took(n);
    }
    this.outbox = null;
    return 1;
  }

  /** FIN after what the kernel holds: `settle` first. */
  sendFin(): void {
    if (this.finSent) return;
    this.loop.ledger.assert(!this.inBatch, "FIN comes after everything that was sent");
    this.finSent = true;
    shutdownWrite(this.fd);
  }

  /** While bytes wait in the outbox: how many the peer does not have yet. Once all are in the kernel it does not matter: 0. */
  undelivered(): number {
    return this.outbox === null ? 0 : this.outbox.bytes + unacknowledged(this.fd);
  }

  /** The peer takes nothing more. */
  protected breakOff(): void {
    this.sendFailed = true;
    this.outbox = null;
  }

  private failed(code: number): number {
    this.breakOff();
    return code;
  }

  private hold(chunk: Uint8Array, from: number): void {
    this.outbox ??= new Outbox();
    this.outbox.push(chunk, from);
    this.awaitWritable();
  }

  // ── from one owner to another ──

  /** Nobody here reads or writes it any more; the descriptor stays open. @param held What comes after the outbox. */
  protected letGo(held: Uint8Array): EndState {
    this.upkeep();
    const { fd, remote, outbox } = this;
    const unsent = outbox === null ? held : concatenated([outbox.rest, held]);
    this.loop.ledger.assert(this.isRaw, "a connection is given away with what arrived on it");
    this.outbox = null;
    if (this.registered) this.loop.poller.remove(fd);
    this.loop.release(fd, true);
    return { fd, remote, unsent, ended: this.finRead, finished: this.finSent };
  }

  /** What its last owner knew of it. */
  restore({ ended, finished }: EndState): void {
    this.finRead = ended;
    this.finSent = finished;
  }

  // ── closing ──

  /**
   * Close the descriptor, with RST or FIN.
   * @param recycle A short connection of ours: its socket may serve again if it ended well.
   */
  protected disconnect(reset: boolean, recycle: boolean): void {
    if (!reset) this.settle();
    this.outbox = null;
    this.dropArrived();
    this.loop.release(this.fd, true);
    this.cancelReceive();
    if (reset) resetAtClose(this.fd);
    else if (recycle && this.socket !== null && this.lacksOptions && this.finRead && this.finSent) {
      this.loop.sockets.recycle(this.socket);
      return;
    }
    this.loop.batch.close(this.fd);
  }
}
