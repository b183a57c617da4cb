/**
 * A connected descriptor: its registration with epoll, what it still has to send, and every system call that reads from it,
 * sends to it, shuts it down or closes it. Nothing else makes such a call, so what must come before or after it stands here.
 */
import type { Address } from "../../seam/snapshot.ts";
import type { EndState } from "../../seam/tunnel-state.ts";
import { QUEUED_BYTES, type Sender } from "./batch.ts";
import { EPOLL, ERRNO } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { readView } from "../kernel/memory.ts";
import { keepAlive, noDelay } from "../kernel/socket-options.ts";
import { concatenated } from "../kernel/concatenated.ts";
import { Outbox } from "./outbox.ts";
import { decodeAddress } from "../kernel/sockaddr.ts";
import type { DialSocket } from "./sockets.ts";
import {
  peek,
  readLocalAddress,
  receive,
  resetAtClose,
  sendChunk,
  sendRead,
  shutdownWrite,
  socketError,
  splice,
  unacknowledged,
} from "../kernel/syscalls.ts";

/**
 * Edge-triggered; EPOLLOUT is asked for when the first write falls short and stays: asking at once would make every
 * registration an event of its own.
 */
const WATCHED = EPOLL.IN | EPOLL.RDHUP | EPOLL.ET;

export abstract class Stream implements Sender {
  readonly fd: number;
  readonly generation: number;
  readonly remote: Address;
  protected readonly loop: Loop;
  /** Where it was dialled: the socket, which outlives the connection; null: accepted. */
  private readonly socket: DialSocket | null;
  private registered: boolean;
  private mask: number;
  private near: Address | null = null;
  /** Dialled, and still without the options that an accepted connection inherits. */
  private lacksOptions: boolean;
  private delays = true;

  private mayRead = false;
  /** Read on until 0 or EAGAIN: a FIN or RST was announced, and the edge will not come again. */
  private ending = false;
  private finRead = false;

  private mayWrite = true;
  private sendFailed = false;
  private finSent = false;
  /** The batch in which its last send was queued. */
  private batchRound = -1;
  /** Bytes that everything else this end sends must wait for. */
  private outbox: Outbox | null = null;

  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null) {
    this.loop = loop;
    this.fd = fd;
    this.remote = remote;
    this.socket = socket;
    this.lacksOptions = socket !== null;
    this.registered = socket !== null && socket.mask !== 0;
    this.mask = this.registered && socket !== null ? socket.mask : WATCHED;
    this.generation = socket === null ? loop.generation() : socket.generation;
  }

  /** The descriptor is gone. */
  protected abstract isClosed(): boolean;

  /** The kernel may hold bytes or a FIN that were not read. */
  get readable(): boolean {
    return this.mayRead;
  }

  /** The peer's FIN was read. */
  get ended(): boolean {
    return this.finRead;
  }

  /** The kernel took everything that was offered last. */
  get writable(): boolean {
    return this.mayWrite;
  }

  /** What is written now waits here. */
  get full(): boolean {
    return this.outbox !== null || !this.mayWrite;
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

  /** Asked for rarely, so it costs a call when it is; unknown once closed. */
  get local(): Address {
    if (this.near === null) {
      if (this.isClosed() || readLocalAddress(this.fd) < 0) return { ip: "", port: 0 };
      this.near = decodeAddress();
    }
    return this.near;
  }

  // ── events ──

  /** Watch the descriptor; events that came before are reported at once. @returns 0, or the errno negated. */
  protected watch(): number {
    if (this.registered || this.isClosed()) return 0;
    this.registered = true;
    if (this.socket !== null) this.socket.mask = this.mask;
    return this.loop.poller.add(this.fd, this.generation, this.mask);
  }

  /** The kernel refused bytes: have the loop tell when it takes more. */
  awaitWritable(): void {
    this.mayWrite = false;
    if ((this.mask & EPOLL.OUT) !== 0) return;
    this.mask |= EPOLL.OUT;
    if (!this.registered) return;
    if (this.socket !== null) this.socket.mask = this.mask;
    this.loop.poller.modify(this.fd, this.generation, this.mask);
  }

  /** @returns Whether that is news. */
  protected markWritable(): boolean {
    if (this.mayWrite) return false;
    this.mayWrite = true;
    return true;
  }

  /** @param ending A FIN or RST may be among what waits. */
  markReadable(ending: boolean): void {
    this.mayRead = true;
    if (ending) this.ending = true;
  }

  /** It has lived a while: have the kernel look whether the peer still lives too. */
  upkeep(): void {
    if (!this.lacksOptions || this.isClosed()) return;
    this.lacksOptions = false;
    this.sendAtOnce();
    keepAlive(this.fd);
  }

  /** What became of a connect, once the descriptor has news. @returns An errno, 0: connected. */
  connectError(): number {
    return this.ending ? socketError(this.fd) : 0;
  }

  // ── receiving ──

  /** Read into the shared buffer. @returns Bytes read, 0 at the peer's FIN, or the errno negated. */
  read(limit: number): number {
    const n = receive(this.fd, limit);
    if (n <= 0) this.readNothing(n);
    // A short read emptied the socket: new bytes make a new edge. Not so when an end was announced with them.
    else if (n < limit && !this.ending) this.mayRead = false;
    return n;
  }

  /** The same into an empty pipe. */
  readInto(pipeInput: number, limit: number): number {
    const n = splice(this.fd, pipeInput, limit);
    if (n === 0 || n === -ERRNO.EAGAIN) this.readNothing(n);
    return n;
  }

  private readNothing(code: number): void {
    this.mayRead = false;
    if (code === 0) this.finRead = true;
  }

  /** Look for the end without reading. @returns 0 at a FIN with no byte before it, the errno negated at a RST, else 1. */
  protected peekEnd(): number {
    if (!this.ending) return 1;
    const n = peek(this.fd);
    if (n === -ERRNO.EAGAIN) return 1;
    if (n === 0) this.readNothing(n);
    if (n <= 0) return n;
    const errno = socketError(this.fd);
    return errno === 0 ? 1 : -errno;
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

  /** The second write at the latest: the first left with nothing in flight before it. */
  private sendAtOnce(): void {
    if (!this.delays) return;
    this.delays = false;
    noDelay(this.fd);
  }

  // ── from one owner to another ──

  /** Nobody here reads or writes it any more; the descriptor stays open. @param held What comes after the outbox. */
  protected letGo(held: Uint8Array): EndState {
    this.upkeep();
    const { fd, remote, outbox } = this;
    const unsent = outbox === null ? held : concatenated([outbox.rest, held]);
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
    this.loop.release(this.fd, true);
    if (reset) resetAtClose(this.fd);
    else if (recycle && this.socket !== null && this.lacksOptions && this.finRead && this.finSent) {
      this.loop.sockets.recycle(this.socket);
      return;
    }
    this.loop.batch.close(this.fd);
  }
}
