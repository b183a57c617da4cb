/**
 * What arrives on connections whose receives stand: the kernel fills one of these buffers for whichever of them has news, and the call that
 * waits tells whose it is. A buffer is its connection's until the end of the turn; what was not read by then is copied.
 */
import { ARRIVALS, bringArrived, copyArrived, readBuffer } from "../kernel/memory.ts";
import type { Ring } from "./ring.ts";

/** A descriptor whose receive may stand. */
export interface Receiver {
  /**
   * @param arrival What came; null: no bytes.
   * @param result Bytes, 0 at the peer's FIN, or the errno negated.
   * @param standing More may come.
   */
  onArrival(arrival: Arrival | null, result: number, standing: boolean): void;
  /** Find out what no receive tells. @returns Whether another look is due. */
  look(): boolean;
  /** None stands any more, whatever came. */
  onNoRing(): void;
}

/** Bytes of one receive. */
export class Arrival {
  /** Of the same connection. */
  next: Arrival | null = null;
  private readonly buffer: number;
  private taken = 0;
  private end = 0;
  /** Bytes of its own: the buffer serves others. */
  private kept: Uint8Array | null = null;

  constructor(buffer: number) {
    this.buffer = buffer;
  }

  fill(bytes: number): void {
    this.next = null;
    this.taken = 0;
    this.end = bytes;
  }

  /** All was taken, or nobody wants it. */
  get isOver(): boolean {
    return this.taken >= this.end;
  }

  /** Put at most `limit` bytes into the read buffer. @returns How many. */
  take(limit: number): number {
    const length = Math.min(this.end - this.taken, limit);
    if (this.kept === null) bringArrived(this.buffer, this.taken, length);
    else readBuffer.set(this.kept.subarray(this.taken, this.taken + length));
    this.taken += length;
    return length;
  }

  /** A copy of what was not taken. */
  rest(): Uint8Array {
    return this.kept?.slice(this.taken) ?? copyArrived(this.buffer, this.taken, this.end);
  }

  drop(): void {
    this.taken = this.end;
  }

  /** The buffer goes back. */
  keep(): void {
    this.kept = this.rest();
    this.taken = 0;
    this.end = this.kept.length;
  }
}

export class Arrivals {
  /** Receives that stand with the kernel, also those that were cancelled and are not over. */
  standing = 0;
  /** The epoll instance is watched by the ring. */
  watched = false;
  private epollReady = false;
  private readonly ownerOf: (fd: number, generation: number) => Receiver | null;
  private readonly arrivals = Array.from({ length: ARRIVALS }, (_, buffer) => new Arrival(buffer));
  /** Buffers filled in this turn. */
  private readonly filled: number[] = [];

  constructor(ownerOf: (fd: number, generation: number) => Receiver | null) {
    this.ownerOf = ownerOf;
  }

  /** @param buffer -1: none was used. */
  arrived(fd: number, generation: number, result: number, buffer: number, standing: boolean): void {
    if (!standing) this.standing--;
    if (buffer >= 0) this.filled.push(buffer);
    const owner = this.ownerOf(fd, generation);
    const arrival = result > 0 ? this.arrivals[buffer] : undefined;
    arrival?.fill(owner === null ? 0 : result);
    owner?.onArrival(arrival ?? null, result, standing);
  }

  /** Descriptors that epoll watches have news. */
  polled(): void {
    this.watched = false;
    this.epollReady = true;
  }

  /** Whether epoll has events; asked once. */
  takeEpollReady(): boolean {
    const ready = this.epollReady;
    this.epollReady = false;
    return ready;
  }

  /** The buffers may be filled again. */
  endTurn(ring: Ring | null): void {
    if (this.filled.length === 0) return;
    for (const buffer of this.filled) {
      const arrival = this.arrivals[buffer];
      if (arrival?.isOver === false) {
        arrival.keep();
        this.arrivals[buffer] = new Arrival(buffer);
      }
      ring?.offer(buffer);
    }
    this.filled.length = 0;
    ring?.publish();
  }
}
