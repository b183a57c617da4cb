/**
 * What a turn of the loop sends and closes, until its end: then one system call does it all where there is a ring, and one
 * each where there is none. Its operations are over when `enter` returns. What a send did not take, its sender hears.
 */
import { ARENA_BYTES, arena, keepRead } from "../kernel/memory.ts";
import { ENTRIES, type Outcomes, type Ring } from "./ring.ts";
import { close, sendKept } from "../kernel/syscalls.ts";

/** A larger send goes by itself: copying it would cost more than the call that is saved. */
export const QUEUED_BYTES = 16_384;
const CLOSE = -1;

/** A descriptor that sends. */
export interface Sender {
  readonly fd: number;
  /** The kernel took less than it was asked to: so many bytes, or none and this errno negated. `rest` is valid during the call only. */
  sentShort(result: number, rest: Uint8Array): void;
}

export class Batch implements Outcomes {
  /** Counts the times it was entered: a sender knows by it whether its send is still to come. */
  round = 0;
  /** False in a turn of one event: there is nothing to share a call with, and what is passed on leaves at once. */
  gathers = false;
  /** Null: plain calls. */
  private ring: Ring | null;
  /** By operation: who sends; null: a close. */
  private readonly senders: (Sender | null)[] = Array.from({ length: ENTRIES }, () => null);
  private readonly fds = new Int32Array(ENTRIES);
  private readonly starts = new Int32Array(ENTRIES);
  /** `CLOSE`: no send. */
  private readonly lengths = new Int32Array(ENTRIES);
  private count = 0;
  /** Bytes of the arena in use. */
  private filled = 0;

  constructor(ring: Ring | null) {
    this.ring = ring;
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
    if (this.count === ENTRIES) this.enter();
    this.add(null, fd, CLOSE);
  }

  /** A send of so many bytes can be added before the others are done. */
  hasRoom(length: number): boolean {
    return this.count < ENTRIES && this.filled + length <= ARENA_BYTES;
  }

  private room(sender: Sender, length: number): number {
    if (!this.hasRoom(length)) this.enter();
    const at = this.filled;
    if (this.endsWith(sender)) this.lengths[this.count - 1] = (this.lengths[this.count - 1] ?? 0) + length;
    else this.add(sender, sender.fd, length);
    this.filled += length;
    return at;
  }

  private add(sender: Sender | null, fd: number, length: number): void {
    const index = this.count++;
    this.senders[index] = sender;
    this.fds[index] = fd;
    this.starts[index] = this.filled;
    this.lengths[index] = length;
  }

  /** Do it all now. */
  enter(): void {
    const { count } = this;
    if (count === 0) return;
    this.round++;
    const done = this.ring === null || count === 1 ? 0 : this.submit(this.ring, count);
    for (let index = done; index < count; index++) this.call(index);
    for (let index = 0; index < count; index++) this.senders[index] = null;
    this.count = 0;
    this.filled = 0;
  }

  private submit(ring: Ring, count: number): number {
    for (let index = 0; index < count; index++) {
      const length = this.lengths[index] ?? 0;
      if (length === CLOSE) ring.close(index, this.fds[index] ?? -1);
      else ring.send(index, this.fds[index] ?? -1, this.starts[index] ?? 0, length);
    }
    const done = ring.submit(count);
    ring.tell(this);
    if (done === 0) this.renounce(ring);
    return done;
  }

  /** It worked when it was tried and does not now: plain calls do the same. */
  private renounce(ring: Ring): void {
    this.ring = null;
    ring.dispose();
  }

  private call(index: number): void {
    const length = this.lengths[index] ?? 0;
    const fd = this.fds[index] ?? -1;
    if (length === CLOSE) close(fd);
    else this.told(index, sendKept(fd, this.starts[index] ?? 0, length));
  }

  told(index: number, result: number): void {
    const length = this.lengths[index] ?? 0;
    if (result === length) return;
    const from = (this.starts[index] ?? 0) + Math.max(result, 0);
    this.senders[index]?.sentShort(result, arena.subarray(from, (this.starts[index] ?? 0) + length));
  }

  /** From now on with plain calls. */
  dispose(): void {
    this.enter();
    if (this.ring !== null) this.renounce(this.ring);
  }
}
