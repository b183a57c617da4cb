/**
 * What a turn of the loop sends and closes, until its end: then one system call does it all where there is a ring, and one
 * each where there is none. Both are over when `enter` returns. What a send did not take, its sender hears. Where receives stand,
 * the call that waits for news does it.
 */
import { ERRNO } from "../kernel/libc.ts";
import { ARENA_BYTES, arena, keepRead } from "../kernel/memory.ts";
import { close, sendKept } from "../kernel/syscalls.ts";
import { Arrivals } from "./arrivals.ts";
import { ENTRIES } from "./queues.ts";
import type { Outcomes, Ring } from "./ring.ts";

/** A larger send goes by itself: copying it would cost more than the call that is saved. */
export const QUEUED_BYTES = 16_384;
/** Operations that are no sends, where a send has its length. */
const CLOSE = -1;
const RECEIVE = -2;
const CANCEL = -3;
/** Operations of one round; the ring's last entry is for watching epoll. */
export const OPERATIONS = ENTRIES - 1;

/** A descriptor that sends. */
export interface Sender {
  readonly fd: number;
  /** The kernel took less than it was asked to: so many bytes, or none and this errno negated. `rest` is valid during the call only. */
  sentShort(result: number, rest: Uint8Array): void;
}

export class Batch implements Outcomes {
  /** Counts the times it was entered: a sender knows by it whether its send is still to come. */
  round = 0;
  /** False in a turn of one event while no receive stands: there is nothing to share a call with, and what is passed on leaves at once. */
  gathers = false;
  /** Null: plain calls. */
  private ring: Ring | null;
  /** By operation: who sends; null: it is no send. */
  private readonly senders: (Sender | null)[] = Array.from({ length: ENTRIES }, () => null);
  private readonly arrivals: Arrivals;
  private readonly onNoRing: () => void;
  private readonly fds = new Int32Array(ENTRIES);
  /** Where in the arena; of a receive the generation. */
  private readonly starts = new Int32Array(ENTRIES);
  /** Below 0: no send. */
  private readonly lengths = new Int32Array(ENTRIES);
  private count = 0;
  /** Bytes of the arena in use. */
  private filled = 0;

  /** @param onNoRing There is none any more, and no receive stands. */
  constructor(ring: Ring | null, arrivals = new Arrivals(() => null), onNoRing = (): void => {}) {
    this.ring = ring;
    this.arrivals = arrivals;
    this.onNoRing = onNoRing;
  }

  /** Receives can stand. */
  get receives(): boolean {
    return this.ring !== null;
  }

  /** Whether the last operation is a send of this descriptor: what it sends next is a longer one. */
  endsWith(sender: Sender): boolean {
    return this.count > 0 && this.senders[this.count - 1] === sender;
  }

  /** @param chunk At most `QUEUED_BYTES`; it is copied. */
  send(sender: Sender, chunk: Uint8Array): void {
    arena.set(chunk, this.room(sender, chunk.length));
  }

  /** The same for the first `length` bytes of the read buffer. */
  forward(sender: Sender, length: number): void {
    keepRead(this.room(sender, length), length);
  }

  /** Close the descriptor, after what it has to send. */
  close(fd: number): void {
    this.add(null, fd, 0, CLOSE);
  }

  /** Have a receive stand, where `receives`. */
  receive(fd: number, generation: number): void {
    this.add(null, fd, generation, RECEIVE);
    this.arrivals.standing++;
  }

  /** End one that stands. */
  cancel(fd: number, generation: number): void {
    this.add(null, fd, generation, CANCEL);
  }

  /** A send of so many bytes can be added before the others are done. */
  hasRoom(length: number): boolean {
    return this.count < OPERATIONS && this.filled + length <= ARENA_BYTES;
  }

  private room(sender: Sender, length: number): number {
    if (!this.hasRoom(length)) this.enter();
    const at = this.filled;
    if (this.endsWith(sender)) this.lengths[this.count - 1] = (this.lengths[this.count - 1] ?? 0) + length;
    else this.add(sender, sender.fd, at, length);
    this.filled += length;
    return at;
  }

  private add(sender: Sender | null, fd: number, start: number, length: number): void {
    if (this.count === OPERATIONS) this.enter();
    const index = this.count++;
    this.senders[index] = sender;
    this.fds[index] = fd;
    this.starts[index] = start;
    this.lengths[index] = length;
  }

  /** Do it all now. */
  enter(): void {
    const { count } = this;
    if (count === 0) return;
    this.round++;
    const { ring } = this;
    const alone = count === 1 && (this.lengths[0] ?? 0) >= CLOSE;
    if (ring === null || alone) this.finish(0);
    else {
      this.fill(ring);
      this.submitted(ring, ring.submit(count), count);
    }
  }

  /**
   * Do it all, then wait at most `timeoutMs` (-1: for ever) until something arrives or epoll has events: one call. Where receives stand.
   * @param epoll The instance to watch as well.
   */
  enterAndWait(epoll: number, timeoutMs: number): void {
    const { ring, count, arrivals } = this;
    if (ring === null) return this.enter();
    if (count > 0) this.round++;
    this.fill(ring);
    const watches = !arrivals.watched;
    if (watches) ring.poll(epoll);
    arrivals.watched = true;
    const all = watches ? count + 1 : count;
    const done = ring.submitAndWait(all, timeoutMs);
    if (watches && done < all) arrivals.watched = false;
    this.submitted(ring, done, all);
  }

  private fill(ring: Ring): void {
    for (let index = 0; index < this.count; index++) {
      const length = this.lengths[index] ?? 0;
      const fd = this.fds[index] ?? -1;
      const start = this.starts[index] ?? 0;
      if (length === CLOSE) ring.close(index, fd);
      else if (length === RECEIVE) ring.receive(fd, start);
      else if (length === CANCEL) ring.cancel(fd, start);
      else ring.send(index, fd, start, length);
    }
  }

  private submitted(ring: Ring, done: number, asked: number): void {
    ring.tell(this);
    this.finish(Math.max(0, Math.min(done, this.count)));
    if (done < asked || done < 0) this.renounce(ring);
  }

  /** What the ring did not begin is done with plain calls. @param done So many it did. */
  private finish(done: number): void {
    const { count } = this;
    for (let index = done; index < count; index++) this.call(index);
    for (let index = 0; index < count; index++) this.senders[index] = null;
    this.count = 0;
    this.filled = 0;
  }

  /** It worked when it was tried and does not now: plain calls do the same. */
  private renounce(ring: Ring): void {
    this.ring = null;
    ring.dispose();
    this.arrivals.standing = 0;
    this.onNoRing();
  }

  private call(index: number): void {
    const length = this.lengths[index] ?? 0;
    const fd = this.fds[index] ?? -1;
    if (length === CLOSE) close(fd);
    // a receive that was to be cancelled ends with the ring
    else if (length === RECEIVE) this.arrived(fd, this.starts[index] ?? 0, -ERRNO.ENOBUFS, -1, false); // to be asked for again
    else if (length >= 0) this.told(index, sendKept(fd, this.starts[index] ?? 0, length));
  }

  told(index: number, result: number): void {
    const length = this.lengths[index] ?? 0;
    if (result === length) return;
    const from = (this.starts[index] ?? 0) + Math.max(result, 0);
    this.senders[index]?.sentShort(result, arena.subarray(from, (this.starts[index] ?? 0) + length));
  }

  arrived(fd: number, generation: number, result: number, buffer: number, standing: boolean): void {
    this.arrivals.arrived(fd, generation, result, buffer, standing);
  }

  polled(): void {
    this.arrivals.polled();
  }

  /** The buffers that were filled in this turn may be filled again. */
  endTurn(): void {
    this.arrivals.endTurn(this.ring);
  }

  /** From now on with plain calls. */
  dispose(): void {
    this.enter();
    if (this.ring !== null) this.renounce(this.ring);
  }
}
