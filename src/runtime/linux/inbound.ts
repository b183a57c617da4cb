/**
 * A connected descriptor: its registration with epoll, the options it gets when it lives longer, and every system call that reads
 * from it.
 */
import type { Address } from "../../seam/snapshot.ts";
import { EPOLL, ERRNO } from "../kernel/libc.ts";
import { decodeAddress } from "../kernel/sockaddr.ts";
import { keepAlive, noDelay } from "../kernel/socket-options.ts";
import { peek, readLocalAddress, receive, socketError, splice } from "../kernel/syscalls.ts";
import type { Loop } from "./loop.ts";
import type { DialSocket } from "./sockets.ts";

/**
 * Edge-triggered; EPOLLOUT is asked for when the first write falls short and stays: asking at once would make every
 * registration an event of its own.
 */
const WATCHED = EPOLL.IN | EPOLL.RDHUP | EPOLL.ET;

export abstract class Inbound {
  readonly fd: number;
  readonly generation: number;
  readonly remote: Address;
  protected readonly loop: Loop;
  /** Where it was dialled: the socket, which outlives the connection; null: accepted. */
  protected readonly socket: DialSocket | null;
  protected registered: boolean;
  private mask: number;
  private near: Address | null = null;
  /** Dialled, and still without the options that an accepted connection inherits. */
  protected lacksOptions: boolean;
  private delays = true;

  private mayRead = false;
  /** Read on until 0 or EAGAIN: a FIN or RST was announced, and the edge will not come again. */
  private ending = false;
  protected finRead = false;
  private mayWrite = true;

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

  /** The second write at the latest: the first left with nothing in flight before it. */
  protected sendAtOnce(): void {
    if (!this.delays) return;
    this.delays = false;
    noDelay(this.fd);
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
}
