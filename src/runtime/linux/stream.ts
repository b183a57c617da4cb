/** A connected descriptor: its registration with epoll, and what it still has to send. */
import type { Address } from "../../seam/snapshot.ts";
import { EPOLL, ERRNO } from "./libc.ts";
import { readView } from "./memory.ts";
import type { Loop } from "./loop.ts";
import { Outbox } from "./outbox.ts";
import { keepAlive, noDelay } from "./options.ts";
import type { DialSocket } from "./sockets.ts";
import { decodeAddress } from "./sockaddr.ts";
import { readLocalAddress, sendChunk, sendRead, shutdownWrite } from "./syscalls.ts";

/**
 * Edge-triggered; EPOLLOUT is asked for when the first write falls short and stays: asking at once would make every
 * registration an event of its own.
 */
const WATCHED = EPOLL.IN | EPOLL.RDHUP | EPOLL.ET;

export class Stream {
  readonly fd: number;
  readonly generation: number;
  readonly remote: Address;
  /** The kernel took everything that was offered last. */
  writable = true;
  /** The peer takes nothing more; what it sent before may still be read. */
  broken = false;
  /** Dialled, and still without the options that an accepted connection inherits. */
  bare: boolean;
  /** Bytes that everything else this end sends must wait for. */
  outbox: Outbox | null = null;
  protected readonly loop: Loop;
  /** Where it was dialled: the socket, which outlives the connection; null: accepted. */
  protected readonly socket: DialSocket | null;
  protected registered: boolean;
  /** FIN was sent. */
  finished = false;
  private mask: number;
  private delays = true;
  private near: Address | null = null;

  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null) {
    this.loop = loop;
    this.fd = fd;
    this.remote = remote;
    this.socket = socket;
    this.bare = socket !== null;
    this.registered = socket !== null && socket.mask !== 0;
    this.mask = this.registered && socket !== null ? socket.mask : WATCHED;
    this.generation = socket === null ? loop.generation() : socket.generation;
  }

  /** Asked for rarely, so it costs a call when it is; unknown once closed. */
  get local(): Address {
    if (this.near === null) {
      if (this.outOfUse() || readLocalAddress(this.fd) < 0) return { ip: "", port: 0 };
      this.near = decodeAddress();
    }
    return this.near;
  }

  protected outOfUse(): boolean {
    return false;
  }

  /** Watch the descriptor; events that came before are reported at once. @returns 0, or the errno negated. */
  protected watch(): number {
    this.registered = true;
    if (this.socket !== null) this.socket.mask = this.mask;
    return this.loop.poller.add(this.fd, this.generation, this.mask);
  }

  /** The kernel refused bytes: have the loop tell when it takes more. */
  awaitWritable(): void {
    this.writable = false;
    if ((this.mask & EPOLL.OUT) !== 0) return;
    this.mask |= EPOLL.OUT;
    if (!this.registered) return;
    if (this.socket !== null) this.socket.mask = this.mask;
    this.loop.poller.modify(this.fd, this.generation, this.mask);
  }

  /** Send, and keep a copy of what the kernel does not take. @returns 0, or the errno negated. */
  send(chunk: Uint8Array): number {
    if (this.bare) this.sendAtOnce();
    let offset = 0;
    while (this.outbox === null && offset < chunk.length) {
      const n = sendChunk(this.fd, chunk, offset);
      if (n > 0) offset += n;
      else if (n === -ERRNO.EAGAIN) this.outbox = new Outbox();
      else return n;
    }
    if (offset < chunk.length) this.hold(chunk, offset);
    return 0;
  }

  /** The same for the first `length` bytes of the shared read buffer. */
  forward(length: number): number {
    if (this.bare) this.sendAtOnce();
    const n = sendRead(this.fd, 0, length);
    if (n === length) return 0;
    if (n < 0 && n !== -ERRNO.EAGAIN) return n;
    this.hold(readView(length), n > 0 ? n : 0);
    return 0;
  }

  /** The second write at the latest: the first left with nothing in flight before it. */
  private sendAtOnce(): void {
    if (!this.delays) return;
    this.delays = false;
    noDelay(this.fd);
  }

  /** It has lived a while: have the kernel look whether the peer still lives too. */
  mature(): void {
    if (!this.bare || this.outOfUse()) return;
    this.bare = false;
    this.sendAtOnce();
    keepAlive(this.fd);
  }

  private hold(chunk: Uint8Array, from: number): void {
    this.outbox ??= new Outbox();
    this.outbox.push(chunk, from);
    this.awaitWritable();
  }

  /** Offer the outbox to the kernel. @returns 1 when nothing is left, 0 when something is, or the errno negated. */
  flush(): number {
    const outbox = this.outbox;
    if (outbox === null) return 1;
    for (let chunk = outbox.head; chunk !== undefined; chunk = outbox.head) {
      const n = sendChunk(this.fd, chunk, outbox.offset);
      if (n === -ERRNO.EAGAIN) {
        this.awaitWritable();
        return 0;
      }
      if (n < 0) return n;
      outbox.took(n);
    }
    this.outbox = null;
    return 1;
  }

  /** FIN after what the kernel holds. */
  sendFin(): void {
    if (this.finished) return;
    this.finished = true;
    shutdownWrite(this.fd);
  }
}
