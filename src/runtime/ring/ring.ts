/**
 * io_uring, as far as the engine needs it. Sends and closes of connected sockets, many with one system call: they are over when `submit`
 * returns, and tell only when they did not do all. Receives that stand: the kernel fills a buffer whenever something came, until a FIN,
 * an error or `cancel`. io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_prep_recv_multishot(3).
 */
import { EPOLL, ERRNO, MSG, type Pointer, rawCall, SYS } from "../kernel/libc.ts";
import {
  ARRIVAL_BYTES,
  ARRIVALS,
  arenaAddress,
  arrivedAddress,
  errno,
  ringWait,
  ringWaitAddress,
} from "../kernel/memory.ts";
import { Patience } from "./patience.ts";
import { ENTRIES, openRings, type Rings, SQE_WORDS } from "./queues.ts";

const OP = { POLL: 6, CANCEL: 14, CLOSE: 19, SEND: 26, RECEIVE: 27 } as const;
/** Flags of an entry, as they stand beside the operation. */
const BUFFER_SELECT = (1 << 5) << 8;
const SKIP_SUCCESS = (1 << 6) << 8;
/** As they stand in the entry's ioprio: go on after the first; look for news before the first try, since there was nothing lately. */
const RECEIVE_ON = ((1 << 1) | (1 << 0)) << 16;
/** With MSG_WAITALL a short send counts as a failure, and is told; MSG_DONTWAIT keeps it from waiting for the rest. */
const SEND_FLAGS = MSG.DONTWAIT | MSG.WAITALL | MSG.NOSIGNAL;
const ENTER = { GETEVENTS: 1 << 0, EXT_ARG: 1 << 3 } as const;
/** Of a completion: a buffer was used, more will come. */
const DONE = { BUFFER: 1 << 0, MORE: 1 << 1 } as const;
const BUFFER_SHIFT = 16;
/** How a wait may end with nothing: its time is up, a signal came. */
const NO_NEWS: ReadonlySet<number> = new Set([ERRNO.ETIME, ERRNO.EINTR]);
/** Of the submission queue: more is done than the completions have room for; something came. The kernel sees to it when it is entered. */
const OVERFLOW = 1 << 1;
const WORK_WAITS = 1 << 2;

/** The upper word of an entry's user data. A receive has its owner's generation there, which is above 0. */
const OF = { SEND_OR_CLOSE: 0, POLL: -1, NOBODY: -2 } as const;

/** struct io_uring_sqe is 64 bytes. Its words: opcode, flags and ioprio, fd, offset (2), address (2), length, flags of the call, user data (2). */
const SQE = { operation: 0, fd: 1, addressLow: 4, addressHigh: 5, length: 6, flags: 7, data: 8, of: 9 } as const;
/** struct io_uring_cqe is 16 bytes: user data (2), result, flags. */
const CQE_WORDS = 4;
const CQE = { data: 0, of: 1, result: 2, flags: 3 } as const;
/** struct io_uring_getevents_arg: signal mask (2), its size, -, address of the timespec (2); then the timespec: seconds (2), nanoseconds (2). */
const WAIT = { addressLow: 4, addressHigh: 5, seconds: 6, nanoseconds: 8 } as const;
const WAIT_BYTES = 24;
const WORD = 2 ** 32;

/** An address as the kernel's two words. */
interface Base {
  readonly low: number;
  readonly high: number;
}

const baseOf = (address: number): Base => ({ low: address % WORD, high: Math.floor(address / WORD) });
const ARENA = baseOf(arenaAddress);
const ARRIVED = baseOf(arrivedAddress);
const TIMESPEC = baseOf(ringWaitAddress + WAIT_BYTES);

/** What became of operations. */
export interface Outcomes {
  /** A send or close is not wholly done. @param result Bytes sent, fewer than asked, or the errno negated. */
  told(index: number, result: number): void;
  arrived(fd: number, generation: number, result: number, buffer: number, standing: boolean): void;
  polled(): void;
}

export class Ring {
  private readonly memory: Rings;
  private readonly patience = new Patience();
  private tail = 0;
  private offered = 0;

  private constructor(memory: Rings) {
    this.memory = memory;
    for (let buffer = 0; buffer < ARRIVALS; buffer++) this.offer(buffer);
    this.publish();
  }

  /** @returns A ring, or why there is none, in words. */
  static open(): Ring | string {
    const memory = openRings();
    return typeof memory === "string" ? memory : new Ring(memory);
  }

  /** The operation with this index: send `length` bytes that lie at `at` in the arena. */
  send(index: number, fd: number, at: number, length: number): void {
    const entry = this.next(OP.SEND | SKIP_SUCCESS, fd, index, OF.SEND_OR_CLOSE);
    const { entries } = this.memory;
    const low = ARENA.low + at;
    entries[entry + SQE.addressLow] = low;
    entries[entry + SQE.addressHigh] = low < WORD ? ARENA.high : ARENA.high + 1;
    entries[entry + SQE.length] = length;
    entries[entry + SQE.flags] = SEND_FLAGS;
  }

  close(index: number, fd: number): void {
    this.clear(this.next(OP.CLOSE | SKIP_SUCCESS, fd, index, OF.SEND_OR_CLOSE));
  }

  /** Have a receive stand. */
  receive(fd: number, generation: number): void {
    this.clear(this.next(OP.RECEIVE | BUFFER_SELECT | RECEIVE_ON, fd, fd, generation));
  }

  /** End one that stands: `arrived` tells when it is over. */
  cancel(fd: number, generation: number): void {
    const entry = this.next(OP.CANCEL | SKIP_SUCCESS, -1, 0, OF.NOBODY);
    this.clear(entry);
    this.memory.entries[entry + SQE.addressLow] = fd;
    this.memory.entries[entry + SQE.addressHigh] = generation;
  }

  /** Tell once that a descriptor can be read from. */
  poll(fd: number): void {
    const entry = this.next(OP.POLL, fd, 0, OF.POLL);
    this.clear(entry);
    this.memory.entries[entry + SQE.flags] = EPOLL.IN;
  }

  private next(operation: number, fd: number, data: number, of: number): number {
    const { entries } = this.memory;
    const entry = (this.tail & (ENTRIES - 1)) * SQE_WORDS;
    this.tail = (this.tail + 1) | 0;
    entries[entry + SQE.operation] = operation;
    entries[entry + SQE.fd] = fd;
    entries[entry + SQE.data] = data;
    entries[entry + SQE.of] = of;
    return entry;
  }

  private clear(entry: number): void {
    const { entries } = this.memory;
    entries[entry + SQE.addressLow] = 0;
    entries[entry + SQE.addressHigh] = 0;
    entries[entry + SQE.length] = 0;
    entries[entry + SQE.flags] = 0;
  }

  /** Do what was asked for. @returns How many operations were begun, from the first on; fewer than `count`: the others were not. */
  submit(count: number): number {
    return this.enter(count, 0, 0, 0, 0);
  }

  /** The same, then wait at most `timeoutMs` (-1: for ever) until there is something to tell of. @returns Below 0: it does not work any more. */
  submitAndWait(count: number, timeoutMs: number): number {
    if (timeoutMs !== 0 && !this.patience.looksNow()) return this.sleep(count, timeoutMs);
    const done = this.enter(count, 0, ENTER.GETEVENTS, 0, 0);
    if (timeoutMs === 0 || done < count || this.hasNews) return done;
    const { rings, submitFlags } = this.memory;
    if (this.patience.look(rings, submitFlags, WORK_WAITS)) this.enter(0, 0, ENTER.GETEVENTS, 0, 0);
    if (!this.hasNews) this.sleep(0, timeoutMs); // should it fail, so does the next one
    return done;
  }

  private sleep(count: number, timeoutMs: number): number {
    if (timeoutMs < 0) return this.enter(count, 1, ENTER.GETEVENTS, 0, 0);
    ringWait[WAIT.addressLow] = TIMESPEC.low;
    ringWait[WAIT.addressHigh] = TIMESPEC.high;
    ringWait[WAIT.seconds] = Math.floor(timeoutMs / 1000);
    ringWait[WAIT.nanoseconds] = (timeoutMs % 1000) * 1_000_000;
    return this.enter(count, 1, ENTER.GETEVENTS | ENTER.EXT_ARG, ringWaitAddress, WAIT_BYTES);
  }

  /** There is something to tell of. */
  private get hasNews(): boolean {
    const { rings, doneHead, doneTail } = this.memory;
    return rings[doneHead] !== rings[doneTail];
  }

  private enter(count: number, wanted: number, flags: number, argument: number, argumentBytes: number): number {
    const { rings, submitTail, submitHead, fd } = this.memory;
    rings[submitTail] = this.tail;
    const n = rawCall(SYS.uringEnter, fd, count as Pointer, wanted, flags, argument, argumentBytes);
    if (n === count) return n;
    if (count === 0) return n >= 0 || NO_NEWS.has(errno()) ? 0 : -1;
    // the kernel will not look at the rest again before they are asked for anew
    this.tail = rings[submitHead] ?? this.tail;
    return n < 0 ? 0 : n;
  }

  /** Tell what became of the operations that have something to tell. */
  tell(outcomes: Outcomes): void {
    const { rings, submitFlags } = this.memory;
    this.tellQueued(outcomes);
    while (((rings[submitFlags] ?? 0) & OVERFLOW) !== 0 && this.enter(0, 0, ENTER.GETEVENTS, 0, 0) === 0) {
      this.tellQueued(outcomes);
    }
  }

  private tellQueued(outcomes: Outcomes): void {
    const { rings, doneHead, doneTail, doneEntries, doneMask } = this.memory;
    for (let head = rings[doneHead] ?? 0; head !== rings[doneTail]; head = (head + 1) | 0) {
      const entry = doneEntries + (head & doneMask) * CQE_WORDS;
      const data = rings[entry + CQE.data] ?? 0;
      const of = rings[entry + CQE.of] ?? 0;
      const result = rings[entry + CQE.result] ?? 0;
      const flags = rings[entry + CQE.flags] ?? 0;
      rings[doneHead] = (head + 1) | 0;
      if (of === OF.SEND_OR_CLOSE) outcomes.told(data, result);
      else if (of > 0) {
        const buffer = (flags & DONE.BUFFER) === 0 ? -1 : flags >>> BUFFER_SHIFT;
        outcomes.arrived(data, of, result, buffer, (flags & DONE.MORE) !== 0);
      } else if (of === OF.POLL) outcomes.polled();
    }
  }

  /** Let the kernel fill this buffer, once it is published. */
  offer(buffer: number): void {
    const { buffers } = this.memory;
    const entry = (this.offered & (ARRIVALS - 1)) * 4;
    const low = ARRIVED.low + buffer * ARRIVAL_BYTES;
    buffers.words[entry] = low;
    buffers.words[entry + 1] = low < WORD ? ARRIVED.high : ARRIVED.high + 1;
    buffers.words[entry + 2] = ARRIVAL_BYTES;
    buffers.halves[entry * 2 + 6] = buffer;
    this.offered = (this.offered + 1) & 0xffff;
  }

  publish(): void {
    this.memory.buffers.halves[7] = this.offered; // the first entry's unused half
  }

  dispose(): void {
    this.memory.close();
  }
}
