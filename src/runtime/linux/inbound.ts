/** What a connection receives, every system call that reads from it, and the options it gets when it lives longer. */
import type { Address } from "../../seam/snapshot.ts";
import { ERRNO } from "../kernel/libc.ts";
import { decodeAddress } from "../kernel/sockaddr.ts";
import { keepAlive, noDelay } from "../kernel/socket-options.ts";
import { peek, readLocalAddress, receive, socketError, splice } from "../kernel/syscalls.ts";
import type { Arrival } from "../ring/arrivals.ts";
import type { Loop } from "./loop.ts";
import type { DialSocket } from "./sockets.ts";
import { NO_END, Watched } from "./watched.ts";

export abstract class Inbound extends Watched {
  private near: Address | null = null;
  /** Dialled, and still without the options that an accepted connection inherits. */
  protected lacksOptions: boolean;
  private delays = true;
  /** Read on until 0 or EAGAIN: a FIN or RST was announced, and the edge will not come again. */
  private ending = false;
  protected finRead = false;

  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null) {
    super(loop, fd, remote, socket);
    this.lacksOptions = socket !== null;
  }

  /** Bytes or an end may wait that were not read. */
  get readable(): boolean {
    return this.arrival !== null || this.arrivedEnd !== NO_END || (this.mayRead && !this.standing);
  }

  /** The peer's FIN was read. */
  get ended(): boolean {
    return this.finRead;
  }

  /** Asked for rarely, so it costs a call when it is; unknown once closed. */
  get local(): Address {
    if (this.near === null) {
      if (this.isClosed() || readLocalAddress(this.fd) < 0) return { ip: "", port: 0 };
      this.near = decodeAddress();
    }
    return this.near;
  }

  /** @param ending A FIN or RST may be among what waits. */
  markReadable(ending: boolean): void {
    if (ending) this.leaveRing();
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

  /** Read into the shared buffer. @returns Bytes read, 0 at the peer's FIN, or the errno negated. */
  read(limit: number): number {
    if (this.arrival !== null) return this.readArrival(this.arrival, limit);
    if (this.arrivedEnd !== NO_END) return this.readEnd();
    if (this.standing) return -ERRNO.EAGAIN;
    const n = receive(this.fd, limit);
    if (n <= 0) this.readNothing(n);
    // A short read emptied the socket: new bytes make a new edge. Not so when an end was announced with them.
    else if (n < limit && !this.ending) this.mayRead = false;
    return n;
  }

  private readArrival(arrival: Arrival, limit: number): number {
    const n = arrival.take(limit);
    if (arrival.isOver) this.arrival = arrival.next;
    return n;
  }

  private readEnd(): number {
    const code = this.arrivedEnd;
    this.arrivedEnd = NO_END;
    this.readNothing(code);
    return code;
  }

  /** Bytes come from the socket, not from what arrived. */
  get isRaw(): boolean {
    return !this.standing && this.arrival === null && this.arrivedEnd === NO_END;
  }

  /** The same into an empty pipe; where `isRaw`. */
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
    if (this.arrivedEnd < 0) return this.arrivedEnd;
    if (this.arrivedEnd === 0 && this.arrival === null) return this.readEnd();
    if (!this.ending) return 1;
    const n = this.arrival !== null ? 1 : peek(this.fd);
    if (n === -ERRNO.EAGAIN) return 1;
    if (n === 0) this.readNothing(n);
    if (n <= 0) return n;
    const errno = socketError(this.fd);
    return errno === 0 ? 1 : -errno;
  }
}
