/** The bytes of a stream, sent from a fixed address, compared, or thrown away without a copy: calls that the engine does not have. */
import { dlopen, FFIType, type Pointer, ptr } from "bun:ffi";
import { errno, READ_BYTES, readAddress } from "../../src/runtime/linux/memory.ts";

const { symbols: libc } = dlopen("libc.so.6", {
  recv: { args: ["i32", "ptr", FFIType.u64_fast, "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", FFIType.u64_fast, "i32"], returns: "i32" },
});

const MSG_NOSIGNAL = 0x4000;
/** Take bytes off a TCP socket without copying them anywhere, tcp(7). */
const MSG_TRUNC = 0x20;

/** Throw away at most one read's worth of what arrived. @returns Bytes, 0 at FIN, or the errno negated. */
export function discard(fd: number): number {
  const n = libc.recv(fd, readAddress, READ_BYTES, MSG_TRUNC);
  return n === -1 ? -errno() : n;
}

/** A prime, so that bytes lost or sent twice shift the pattern wherever they are cut. */
const PERIOD = 65_521;
const LONGEST = 262_144;
/** Every offset of the pattern has {@link LONGEST} bytes after it in one piece. */
const pattern = Buffer.alloc(PERIOD + LONGEST);
for (let i = 0; i < pattern.length; i++) pattern[i] = ((i % PERIOD) * 2_654_435_761) >>> 24;

const patternAddress: Pointer = ptr(pattern);

/** Send what of a stream of `total` bytes lies behind `offset`. @returns Bytes taken, or the errno negated. */
export function sendPattern(fd: number, offset: number, total: number): number {
  const length = Math.min(total - offset, LONGEST);
  const n = libc.send(fd, (patternAddress + (offset % PERIOD)) as Pointer, length, MSG_NOSIGNAL);
  return n === -1 ? -errno() : n;
}

/** Whether `bytes` are what {@link sendPattern} sends at this offset. */
export function isPattern(bytes: Uint8Array, offset: number): boolean {
  const at = offset % PERIOD;
  return pattern.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}
