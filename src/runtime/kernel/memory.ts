/**
 * Every byte of memory the kernel sees, and every address of it. Nothing else in edge-lb holds a pointer.
 *
 * The rule that keeps it safe: an address does not keep its buffer alive, so each buffer here is a module constant
 * that is exported and used as long as the thread lives. All are views over an explicit ArrayBuffer, because a small
 * typed array without one lives in the collector's heap and moves when its `buffer` is first asked for.
 */
import { ptr, read } from "bun:ffi";
import { ERRNO, libc, type Pointer } from "./libc.ts";

/** One read of a socket, at most: 128 KB is where a larger one stopped paying. */
export const READ_BYTES = 131_072;
/** What one turn may queue for its end; when it is full the turn sends in two goes. */
export const ARENA_BYTES = 262_144;
/** Longest sockaddr the engine handles is sockaddr_in6, 28 bytes. */
const SOCKADDR_BYTES = 128;
/** Events taken from one epoll_wait; more wait for the next turn. */
export const EVENTS = 512;
/** The larger of both layouts of struct epoll_event, in bytes. */
const EVENT_BYTES = 16;

function fixed(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}

/** What the kernel fills before anybody asks: a hello, a request or most answers fit into one of these buffers. */
export const ARRIVAL_BYTES = 8192;
/** A power of two. */
export const ARRIVALS = 64;
const ARRIVALS_AT = READ_BYTES + ARENA_BYTES;

/** The read buffer, behind it the arena, then what arrived: in one piece, bytes go from one to the other without a view of either. */
const transit = fixed(ARRIVALS_AT + ARRIVALS * ARRIVAL_BYTES);
/** What `receive` fills; sessions see views of it during `onData`. */
export const readBuffer = new Uint8Array(transit, 0, READ_BYTES);
export const readAddress: Pointer = ptr(readBuffer);
/** What is sent at the end of the turn lies here until then; see `batch.ts`. */
export const arena = new Uint8Array(transit, READ_BYTES, ARENA_BYTES);
export const arenaAddress: Pointer = ptr(arena);
const whole = new Uint8Array(transit);

/** Copy the first `length` bytes of the read buffer to `at` in the arena. */
export function keepRead(at: number, length: number): void {
  whole.copyWithin(READ_BYTES + at, 0, length);
}

const arrived = new Uint8Array(transit, ARRIVALS_AT);
export const arrivedAddress: Pointer = ptr(arrived);

/** Put `length` bytes of a buffer, from `offset` on, into the read buffer. */
export function bringArrived(buffer: number, offset: number, length: number): void {
  const at = ARRIVALS_AT + buffer * ARRIVAL_BYTES + offset;
  whole.copyWithin(0, at, at + length);
}

/** A copy of the bytes of a buffer from `offset` to `end`. */
export function copyArrived(buffer: number, offset: number, end: number): Uint8Array {
  const at = buffer * ARRIVAL_BYTES;
  return arrived.slice(at + offset, at + end);
}

/** Address of the byte `at` of the arena. */
export function arenaAddressAt(at: number): Pointer {
  return (arenaAddress + at) as Pointer;
}

const VIEWS = 4096;
/** Views of what was read, by their length: making one costs as much as the copy it saves. */
const views: (Uint8Array | undefined)[] = Array.from({ length: VIEWS + 1 });

/** The first `bytes` of the read buffer. */
export function readView(bytes: number): Uint8Array {
  const known = views[bytes];
  if (known !== undefined) return known;
  const view = readBuffer.subarray(0, bytes);
  if (bytes <= VIEWS) views[bytes] = view;
  return view;
}

/** Whether `chunk` came from `readView`: it lies where the kernel can take it from. */
export function isReadView(chunk: Uint8Array): boolean {
  return views[chunk.length] === chunk;
}

/** Where bytes that live in the collector's heap are copied before a `send`. */
export const stage = new Uint8Array(fixed(READ_BYTES));
export const stageAddress: Pointer = ptr(stage);

/** struct sockaddr, in and out, and its length. */
export const sockaddr = new Uint8Array(fixed(SOCKADDR_BYTES));
export const sockaddrAddress: Pointer = ptr(sockaddr);
export const sockaddrLength = new Int32Array(fixed(4));
export const sockaddrLengthAddress: Pointer = ptr(sockaddrLength);

/** struct sockaddr of family AF_UNSPEC: no address. */
export const nowhere = new Uint8Array(fixed(16));
export const nowhereAddress: Pointer = ptr(nowhere);
/** struct sockaddr of the endpoints dialled lately, one per slot. */
export const DESTINATION_BYTES = 32;
export const DESTINATIONS = 256;
export const destinations = new Uint8Array(fixed(DESTINATIONS * DESTINATION_BYTES));
const destinationsAddress: Pointer = ptr(destinations);

/** struct epoll_event[], as 32-bit words. */
export const events = new Int32Array(fixed(EVENTS * EVENT_BYTES));
export const eventsAddress: Pointer = ptr(events);
/** The one struct epoll_event given to epoll_ctl. */
export const interest = new Int32Array(fixed(EVENT_BYTES));
export const interestAddress: Pointer = ptr(interest);

/** An int option, pipe2's two descriptors, struct linger, struct rlimit: four words, used at once. */
export const words = new Int32Array(fixed(16));
export const wordsAddress: Pointer = ptr(words);
export const optionLength = new Int32Array(fixed(4));
export const optionLengthAddress: Pointer = ptr(optionLength);

/** struct io_uring_params, as 32-bit words. */
export const ringParams = new Int32Array(fixed(120));
export const ringParamsAddress: Pointer = ptr(ringParams);

/** struct io_uring_buf_reg, as 32-bit words. */
export const ringBuffers = new Int32Array(fixed(40));
export const ringBuffersAddress: Pointer = ptr(ringBuffers);
/** struct io_uring_getevents_arg, and struct timespec behind it, as 32-bit words. */
export const ringWait = new Int32Array(fixed(40));
export const ringWaitAddress: Pointer = ptr(ringWait);

/** struct linger { l_onoff = 1, l_linger = 0 }: close sends RST. */
export const lingerZero = new Int32Array(fixed(8));
lingerZero[0] = 1;
export const lingerZeroAddress: Pointer = ptr(lingerZero);

/** The eight bytes written to and read from an eventfd: the number 1. */
export const ticket = new Int32Array(fixed(8));
ticket[0] = 1;
export const ticketAddress: Pointer = ptr(ticket);
export const taken = new Int32Array(fixed(8));
export const takenAddress: Pointer = ptr(taken);

/** Constant per thread, and each worker thread loads this module for itself. */
const errnoAddress = libc.__errno_location();

/** errno of the call just made; read before anything else runs. */
export function errno(): number {
  return errnoAddress === null || errnoAddress === 0 ? ERRNO.ENOSYS : read.i32(errnoAddress, 0);
}

/** Address of a slot of `destinations`. */
export function destinationAddress(slot: number): Pointer {
  return (destinationsAddress + slot * DESTINATION_BYTES) as Pointer;
}

/** Address of the byte `offset` into the read buffer. */
export function readAddressAt(offset: number): Pointer {
  return (readAddress + offset) as Pointer;
}
