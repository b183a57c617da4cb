/** The two calls that streams need and the engine does not have: from a fixed address, and to nowhere. */
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

/** Bytes that stay where they are as long as the process lives: whoever makes one keeps `bytes`. */
export interface Fixed {
  readonly bytes: Buffer;
  readonly address: Pointer;
}

export function fix(bytes: Buffer): Fixed {
  return { bytes, address: ptr(bytes) };
}

/** Send `length` bytes from `offset` on. @returns Bytes taken, or the errno negated. */
export function sendFixed(fd: number, fixed: Fixed, offset: number, length: number): number {
  const n = libc.send(fd, (fixed.address + offset) as Pointer, length, MSG_NOSIGNAL);
  return n === -1 ? -errno() : n;
}
