/** The memory a ring shares with the kernel: its two queues and the buffers' queue. io_uring_setup(2), io_uring_register(2). */
import { toArrayBuffer } from "bun:ffi";
import { ERRNO, libc, type Pointer, rawCall, SYS } from "../kernel/libc.ts";
import { ARRIVALS, errno, ringBuffers, ringBuffersAddress, ringParams, ringParamsAddress } from "../kernel/memory.ts";
import { close } from "../kernel/syscalls.ts";

/** Operations of one `submit`. A power of two. */
export const ENTRIES = 256;
/** Completions there is room for: thousands of tunnels may end at once. */
const COMPLETIONS = 4096;
export const SQE_WORDS = 16;
const CQE_BYTES = 16;

/**
 * CQSIZE, SUBMIT_ALL, TASKRUN_FLAG, SINGLE_ISSUER, DEFER_TASKRUN: room for `COMPLETIONS`; go on when an operation fails; what arrives is seen to
 * when the one thread that asks waits, and a flag says that something did. Linux 6.1.
 */
const SETUP = (1 << 3) | (1 << 7) | (1 << 9) | (1 << 12) | (1 << 13);
const TOO_OLD = "the kernel is older than 6.1";
const REGISTER_BUFFERS = 22;
const UNREGISTER_BUFFERS = 23;

const PROT_READ_WRITE = 1 | 2;
/** MAP_SHARED | MAP_POPULATE. */
const SHARED = 1 | 0x8000;
/** MAP_PRIVATE | MAP_ANONYMOUS. */
const OWN = 2 | 0x20;
const OFFSET_RINGS = 0;
const OFFSET_ENTRIES = 0x10000000;
/** mmap's error is the highest address, and no process has memory beyond 2^48. */
const ADDRESSES = 2 ** 48;
const WORD = 2 ** 32;
const BUFFER_ENTRY_BYTES = 16;

/** 32-bit words of struct io_uring_params: where things are, and of the fields behind sq_off and cq_off. */
const PARAM = { completions: 1, flags: 2, sq: 10, cq: 20 } as const;
const SQ = { head: 0, tail: 1, flags: 4, array: 6 } as const;
const CQ = { head: 0, tail: 1, entries: 5 } as const;

/** Indexes are those of 32-bit words in `rings`. */
export interface Rings {
  readonly fd: number;
  readonly rings: Int32Array;
  readonly entries: Int32Array;
  /** struct io_uring_buf_ring, twice. */
  readonly buffers: { readonly words: Int32Array; readonly halves: Uint16Array };
  readonly submitHead: number;
  readonly submitTail: number;
  readonly submitFlags: number;
  readonly doneHead: number;
  readonly doneTail: number;
  readonly doneEntries: number;
  readonly doneMask: number;
  close(): void;
}

interface Mapping {
  readonly address: Pointer;
  readonly bytes: number;
  readonly memory: ArrayBuffer;
}

/** @returns Why there is no ring, in words, where there is none. */
export function openRings(): Rings | string {
  ringParams.fill(0);
  ringParams[PARAM.flags] = SETUP;
  ringParams[PARAM.completions] = COMPLETIONS;
  const fd = rawCall(SYS.uringSetup, ENTRIES, ringParamsAddress, 0, 0, 0, 0);
  return fd < 0 ? setupProblem(errno()) : mapAll(fd);
}

function mapAll(fd: number): Rings | string {
  const at = (base: number, field: number): number => ringParams[base + field] ?? 0;
  const completions = ringParams[PARAM.completions] ?? 1;
  const size = Math.max(at(PARAM.cq, CQ.entries) + completions * CQE_BYTES, at(PARAM.sq, SQ.array) + ENTRIES * 4);
  const rings = map(fd, size, SHARED, OFFSET_RINGS);
  const entries = map(fd, ENTRIES * SQE_WORDS * 4, SHARED, OFFSET_ENTRIES);
  const buffers = openBuffers(fd);
  const problem = `its memory cannot be had (errno ${errno()})`;
  const closeAll = (): void => {
    if (buffers !== null) rawCall(SYS.uringRegister, fd, UNREGISTER_BUFFERS as Pointer, ringBuffersAddress, 1, 0, 0);
    close(fd);
    for (const mapping of [rings, entries, buffers]) if (mapping !== null) libc.munmap(mapping.address, mapping.bytes);
  };
  if (rings === null || entries === null || buffers === null) {
    closeAll();
    return problem;
  }
  const words = new Int32Array(rings.memory);
  const array = at(PARAM.sq, SQ.array) / 4;
  for (let i = 0; i < ENTRIES; i++) words[array + i] = i;
  return {
    fd,
    rings: words,
    entries: new Int32Array(entries.memory),
    buffers: { words: new Int32Array(buffers.memory), halves: new Uint16Array(buffers.memory) },
    submitHead: at(PARAM.sq, SQ.head) / 4,
    submitTail: at(PARAM.sq, SQ.tail) / 4,
    submitFlags: at(PARAM.sq, SQ.flags) / 4,
    doneHead: at(PARAM.cq, CQ.head) / 4,
    doneTail: at(PARAM.cq, CQ.tail) / 4,
    doneEntries: at(PARAM.cq, CQ.entries) / 4,
    doneMask: completions - 1,
    close: closeAll,
  };
}

/** Memory for the buffers' queue, registered; null: it cannot be had. */
function openBuffers(fd: number): Mapping | null {
  const queue = map(-1, ARRIVALS * BUFFER_ENTRY_BYTES, OWN, 0);
  if (queue === null) return null;
  ringBuffers.fill(0);
  ringBuffers[0] = queue.address % WORD;
  ringBuffers[1] = Math.floor(queue.address / WORD);
  ringBuffers[2] = ARRIVALS;
  if (rawCall(SYS.uringRegister, fd, REGISTER_BUFFERS as Pointer, ringBuffersAddress, 1, 0, 0) === 0) return queue;
  libc.munmap(queue.address, queue.bytes);
  return null;
}

function setupProblem(code: number): string {
  if (code === ERRNO.EPERM) return "the system forbids io_uring (seccomp, or kernel.io_uring_disabled)";
  if (code === ERRNO.ENOSYS) return "the kernel has no io_uring";
  if (code === ERRNO.EINVAL) return TOO_OLD;
  if (code === ERRNO.ENOMEM) return "no memory for it (RLIMIT_MEMLOCK)";
  return `io_uring_setup failed with errno ${code}`;
}

function map(fd: number, bytes: number, flags: number, offset: number): Mapping | null {
  const address = libc.mmap(null, bytes, PROT_READ_WRITE, flags, fd, offset);
  if (typeof address !== "number" || address === 0 || address >= ADDRESSES) return null;
  return { address, bytes, memory: toArrayBuffer(address, 0, bytes) };
}
