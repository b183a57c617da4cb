/**
 * io_uring, as far as the engine needs it: sends and closes of connected sockets, many with one system call. Everything that
 * is submitted is over when `submit` returns, so nothing is ever under way: no cancelling, no buffer to keep. A send that
 * took all and a close say nothing; `outcomes` tells of the others. io_uring(7), io_uring_setup(2), io_uring_enter(2).
 */
import { toArrayBuffer } from "bun:ffi";
import { ERRNO, libc, MSG, type Pointer, rawCall, SYS } from "../kernel/libc.ts";
import { arenaAddress, errno, ringParams, ringParamsAddress } from "../kernel/memory.ts";
import { close } from "../kernel/syscalls.ts";

/** Operations of one `submit`. A power of two. */
export const ENTRIES = 256;

const OP = { CLOSE: 19, SEND: 26 } as const;
/** Go on with the next operation when one fails; Linux 5.18. */
const SETUP_SUBMIT_ALL = 1 << 7;
const FEAT_SINGLE_MMAP = 1 << 0;
/** An operation that succeeded may be left out of the completions; Linux 5.17. */
const FEAT_CQE_SKIP = 1 << 11;
const SQE_SKIP_SUCCESS = 1 << 6;
/** With MSG_WAITALL a short send counts as a failure, and is told; MSG_DONTWAIT keeps it from waiting for the rest. */
const SEND_FLAGS = MSG.DONTWAIT | MSG.WAITALL | MSG.NOSIGNAL;

const PROT_READ_WRITE = 1 | 2;
/** MAP_SHARED | MAP_POPULATE. */
const MAP_FLAGS = 1 | 0x8000;
const OFFSET_RINGS = 0;
const OFFSET_ENTRIES = 0x10000000;
/** mmap's error is the highest address, and no process has memory beyond 2^48. */
const ADDRESSES = 2 ** 48;
const WORD = 2 ** 32;

/** 32-bit words of struct io_uring_params: where things are, and of the fields behind sq_off and cq_off. */
const PARAM = { entries: 0, completions: 1, flags: 2, features: 5, sq: 10, cq: 20, words: 30 } as const;
const SQ = { head: 0, tail: 1, array: 6 } as const;
const CQ = { head: 0, tail: 1, entries: 5 } as const;
/** struct io_uring_sqe is 64 bytes. Its words: opcode and flags, fd, offset (2), address (2), length, flags of the call, user data (2). */
const SQE_WORDS = 16;
const SQE = { operation: 0, fd: 1, addressLow: 4, addressHigh: 5, length: 6, flags: 7, data: 8 } as const;
/** struct io_uring_cqe is 16 bytes: user data (2), result, flags. */
const CQE_WORDS = 4;
const CQE_RESULT = 2;

/** What became of an operation that is not wholly done. */
export interface Outcomes {
  /** @param result Bytes sent, fewer than asked, or the errno negated. */
  told(index: number, result: number): void;
}

interface Mapping {
  readonly address: Pointer;
  readonly bytes: number;
  readonly words: Int32Array;
}

export class Ring {
  readonly fd: number;
  private readonly mappings: readonly Mapping[];
  private readonly rings: Int32Array;
  private readonly entries: Int32Array;
  /** Indexes into `rings`. */
  private readonly submitHead: number;
  private readonly submitTail: number;
  private readonly doneHead: number;
  private readonly doneTail: number;
  private readonly doneEntries: number;
  private readonly doneMask: number;
  private readonly arenaLow = arenaAddress % WORD;
  private readonly arenaHigh = Math.floor(arenaAddress / WORD);
  private tail = 0;

  private constructor(fd: number, rings: Mapping, entries: Mapping) {
    this.fd = fd;
    this.mappings = [rings, entries];
    this.rings = rings.words;
    this.entries = entries.words;
    const at = (base: number, field: number): number => (ringParams[base + field] ?? 0) / 4;
    this.submitHead = at(PARAM.sq, SQ.head);
    this.submitTail = at(PARAM.sq, SQ.tail);
    this.doneHead = at(PARAM.cq, CQ.head);
    this.doneTail = at(PARAM.cq, CQ.tail);
    this.doneEntries = at(PARAM.cq, CQ.entries);
    this.doneMask = (ringParams[PARAM.completions] ?? 1) - 1;
    const array = at(PARAM.sq, SQ.array);
    for (let i = 0; i < ENTRIES; i++) this.rings[array + i] = i;
  }

  /** @returns A ring, or why there is none, in words. */
  static open(): Ring | string {
    ringParams.fill(0);
    ringParams[PARAM.flags] = SETUP_SUBMIT_ALL;
    const fd = rawCall(SYS.uringSetup, ENTRIES, ringParamsAddress, 0, 0, 0, 0);
    if (fd < 0) return setupProblem(errno());
    const features = ringParams[PARAM.features] ?? 0;
    if ((features & FEAT_CQE_SKIP) === 0 || (features & FEAT_SINGLE_MMAP) === 0) {
      close(fd);
      return "the kernel is older than 5.18";
    }
    const done = (ringParams[PARAM.cq + CQ.entries] ?? 0) + (ringParams[PARAM.completions] ?? 0) * CQE_WORDS * 4;
    const submitted = (ringParams[PARAM.sq + SQ.array] ?? 0) + ENTRIES * 4;
    const rings = map(fd, Math.max(done, submitted), OFFSET_RINGS);
    const entries = map(fd, ENTRIES * SQE_WORDS * 4, OFFSET_ENTRIES);
    if (rings !== null && entries !== null) return new Ring(fd, rings, entries);
    const problem = `its memory cannot be mapped (errno ${errno()})`;
    for (const mapping of [rings, entries]) if (mapping !== null) libc.munmap(mapping.address, mapping.bytes);
    close(fd);
    return problem;
  }

  /** The operation with this index: send `length` bytes that lie at `at` in the arena. */
  send(index: number, fd: number, at: number, length: number): void {
    const low = this.arenaLow + at;
    const entry = this.next(OP.SEND, index, fd);
    this.entries[entry + SQE.addressLow] = low;
    this.entries[entry + SQE.addressHigh] = low < WORD ? this.arenaHigh : this.arenaHigh + 1;
    this.entries[entry + SQE.length] = length;
    this.entries[entry + SQE.flags] = SEND_FLAGS;
  }

  close(index: number, fd: number): void {
    const entry = this.next(OP.CLOSE, index, fd);
    this.entries[entry + SQE.addressLow] = 0;
    this.entries[entry + SQE.addressHigh] = 0;
    this.entries[entry + SQE.length] = 0;
    this.entries[entry + SQE.flags] = 0;
  }

  private next(operation: number, index: number, fd: number): number {
    const entry = (this.tail & (ENTRIES - 1)) * SQE_WORDS;
    this.tail = (this.tail + 1) | 0;
    this.entries[entry + SQE.operation] = operation | (SQE_SKIP_SUCCESS << 8);
    this.entries[entry + SQE.fd] = fd;
    this.entries[entry + SQE.data] = index;
    return entry;
  }

  /** Do what was asked for. @returns How many operations are over, from the first on; fewer than `count`: the others were not begun. */
  submit(count: number): number {
    this.rings[this.submitTail] = this.tail;
    const n = rawCall(SYS.uringEnter, this.fd, count as Pointer, 0, 0, 0, 0);
    if (n === count) return n;
    // the kernel will not look at the rest again before they are asked for anew
    this.tail = this.rings[this.submitHead] ?? this.tail;
    return n < 0 ? 0 : n;
  }

  /** Tell of the operations that did not do all they were asked for. */
  tell(outcomes: Outcomes): void {
    const { rings, doneHead } = this;
    const tail = rings[this.doneTail] ?? 0;
    for (let head = rings[doneHead] ?? 0; head !== tail; head = (head + 1) | 0) {
      const entry = this.doneEntries + (head & this.doneMask) * CQE_WORDS;
      rings[doneHead] = (head + 1) | 0;
      outcomes.told(rings[entry] ?? 0, rings[entry + CQE_RESULT] ?? 0);
    }
  }

  dispose(): void {
    for (const { address, bytes } of this.mappings) libc.munmap(address, bytes);
    close(this.fd);
  }
}

function setupProblem(code: number): string {
  if (code === ERRNO.EPERM) return "the system forbids io_uring (seccomp, or kernel.io_uring_disabled)";
  if (code === ERRNO.ENOSYS) return "the kernel has no io_uring";
  if (code === ERRNO.EINVAL) return "the kernel is older than 5.18";
  if (code === ERRNO.ENOMEM) return "no memory for it (RLIMIT_MEMLOCK)";
  return `io_uring_setup failed with errno ${code}`;
}

function map(fd: number, bytes: number, offset: number): Mapping | null {
  const address = libc.mmap(null, bytes, PROT_READ_WRITE, MAP_FLAGS, fd, offset);
  if (typeof address !== "number" || address === 0 || address >= ADDRESSES) return null;
  return { address, bytes, words: new Int32Array(toArrayBuffer(address, 0, bytes)) };
}
