/** Unix stream sockets that carry descriptors (SCM_RIGHTS), which neither Bun nor Node can send. For control; never blocks. */
import { ptr } from "bun:ffi";
import { ERRNO, libc, MSG, SOL } from "./libc.ts";
import { errno } from "./memory.ts";
import { close, openPair, otherEnd } from "./syscalls.ts";

const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** SCM_MAX_FD of the kernel is 253. */
export const MOST_DESCRIPTORS = 250;
const CHUNK_BYTES = 262_144;
/** struct cmsghdr: length, level, type; then the descriptors. */
const HEADER_BYTES = 16;

// addresses are taken of these, so they live as long as the thread
const chunk = new Uint8Array(new ArrayBuffer(CHUNK_BYTES));
const ancillary = new ArrayBuffer(HEADER_BYTES + MOST_DESCRIPTORS * 4);
const ancillaryLength = new BigUint64Array(ancillary, 0, 1);
const ancillaryKind = new Int32Array(ancillary, 8, 2);
const descriptors = new Int32Array(ancillary, HEADER_BYTES, MOST_DESCRIPTORS);
/** struct iovec: address, length. */
const vector = new BigUint64Array(new ArrayBuffer(16));
/** struct msghdr: name, namelen, iov, iovlen, control, controllen, flags; the same on x64 and arm64, glibc and musl. */
const header = new BigUint64Array(new ArrayBuffer(56));
/** struct pollfd: descriptor, then what is waited for and what came of it. */
const polled = new Int32Array(2);
const POLL = { IN: 1, OUT: 4 } as const;
const headerFlags = new Int32Array(header.buffer, 48, 1);

export interface Received {
  /** None: the other side has closed. */
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /** More were sent, and this process may have no more. */
  readonly isShort: boolean;
}

export class DescriptorSocket {
  readonly fd: number;
  private open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** @param fds At most `MOST_DESCRIPTORS`; they stay open here. @returns bytes taken, 0: not now. @throws Error when the other side is gone */
  send(bytes: Uint8Array, fds: readonly number[]): number {
    const length = Math.min(bytes.length, CHUNK_BYTES);
    chunk.set(bytes.subarray(0, length));
    describe(length, fds.length === 0 ? 0 : HEADER_BYTES + fds.length * 4);
    ancillaryLength[0] = BigInt(HEADER_BYTES + fds.length * 4);
    ancillaryKind.set([SOL.SOCKET, SCM_RIGHTS]);
    descriptors.set(fds);
    const n = libc.sendmsg(this.fd, header, MSG.NOSIGNAL | MSG.DONTWAIT);
    if (n >= 0) return n;
    const code = errno();
    // descriptors under way count against the user's limit until they are received
    if (code === ERRNO.EAGAIN || code === ERRNO.EINTR || code === ERRNO.ETOOMANYREFS) return 0;
    throw new Error(`errno ${code}`);
  }

  /** @returns null: nothing is there yet. @throws Error */
  receive(): Received | null {
    describe(CHUNK_BYTES, ancillary.byteLength);
    const n = libc.recvmsg(this.fd, header, MSG.DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0) {
      const code = errno();
      if (code === ERRNO.EAGAIN || code === ERRNO.EINTR) return null;
      // it closed without reading what it was sent
      if (code === ERRNO.ECONNRESET) return { bytes: new Uint8Array(0), fds: [], isShort: false };
      throw new Error(`errno ${code}`);
    }
    const fds = receivedDescriptors();
    if (((headerFlags[0] ?? 0) & MSG_CTRUNC) !== 0) {
      for (const fd of fds) close(fd);
      return { bytes: chunk.slice(0, n), fds: [], isShort: true };
    }
    return { bytes: chunk.slice(0, n), fds, isShort: false };
  }

  /** Holds this thread until it can be read, or written, or the time is over. */
  wait(forWhat: "bytes" | "room", ms: number): void {
    polled[0] = this.fd;
    polled[1] = forWhat === "bytes" ? POLL.IN : POLL.OUT;
    libc.poll(polled, 1, ms);
  }

  close(): void {
    if (this.open) close(this.fd);
    this.open = false;
  }
}

/** Two connected ends; the second one is a bare descriptor, for a child. @throws Error */
export function descriptorPair(): readonly [DescriptorSocket, number] {
  const fd = openPair();
  if (fd < 0) throw new Error(`Cannot make a pair of sockets: errno ${-fd}`);
  return [new DescriptorSocket(fd), otherEnd()];
}

export function closeDescriptor(fd: number): void {
  close(fd);
}

function describe(bytes: number, control: number): void {
  vector[0] = BigInt(ptr(chunk));
  vector[1] = BigInt(bytes);
  header.fill(0n);
  header[2] = BigInt(ptr(vector));
  header[3] = 1n;
  header[4] = control === 0 ? 0n : BigInt(ptr(ancillary));
  header[5] = BigInt(control);
}

function receivedDescriptors(): number[] {
  if (Number(header[5]) < HEADER_BYTES) return [];
  const count = (Number(ancillaryLength[0]) - HEADER_BYTES) / 4;
  return [...descriptors.subarray(0, count)];
}
