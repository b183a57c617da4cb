/**
 * System calls in terms of descriptors and numbers: no pointer goes in or comes out.
 * Like the kernel itself, each returns a result >= 0 or the errno negated.
 */
import {
  AF,
  AF_UNIX,
  F_DUPFD_CLOEXEC,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_NONBLOCK,
  F_SETPIPE_SZ,
  FIONREAD,
  libc,
  MSG,
  NONBLOCK_CLOEXEC,
  rawCall,
  RLIMIT_NOFILE,
  SHUT_WR,
  SIOCOUTQ,
  SO,
  SOL,
  SPLICE_FLAGS,
  STREAM,
  SYS,
} from "./libc.ts";
import { concatenated } from "./concatenated.ts";
import {
  arenaAddressAt,
  destinationAddress,
  errno,
  isReadView,
  lingerZeroAddress,
  nowhere,
  nowhereAddress,
  optionLength,
  optionLengthAddress,
  READ_BYTES,
  readAddress,
  readAddressAt,
  readBuffer,
  sockaddr,
  sockaddrAddress,
  sockaddrLength,
  sockaddrLengthAddress,
  stage,
  stageAddress,
  takenAddress,
  ticketAddress,
  words,
  wordsAddress,
} from "./memory.ts";

/** Below this, copying to the stage is cheaper than asking a view for its buffer. */
const COPY_BYTES = 4096;
const EVENTFD_BYTES = 8;

function result(value: number): number {
  return value === -1 ? -errno() : value;
}

/** Read into the shared buffer: bytes read, 0 at the peer's FIN. */
export function receive(fd: number, limit: number): number {
  const n = rawCall(SYS.recvfrom, fd, readAddress, limit, 0, 0, 0);
  return n === -1 ? -errno() : n;
}

/** 1 when a byte waits, 0 at the peer's FIN; nothing is consumed. */
export function peek(fd: number): number {
  return result(rawCall(SYS.recvfrom, fd, stageAddress, 1, MSG.PEEK, 0, 0));
}

/** Send `length` bytes of the shared read buffer, from `offset` on. */
export function sendRead(fd: number, offset: number, length: number): number {
  const n = rawCall(SYS.sendto, fd, readAddressAt(offset), length, MSG.NOSIGNAL, 0, 0);
  return n === -1 ? -errno() : n;
}

/** Send what of `chunk` lies behind `offset`, at most READ_BYTES of it. */
export function sendChunk(fd: number, chunk: Uint8Array, offset: number): number {
  if (isReadView(chunk)) return sendRead(fd, offset, chunk.length - offset);
  const length = Math.min(chunk.length - offset, READ_BYTES);
  if (length > COPY_BYTES && chunk.buffer === readBuffer.buffer) {
    return sendRead(fd, chunk.byteOffset + offset, length);
  }
  stage.set(offset === 0 && length === chunk.length ? chunk : chunk.subarray(offset, offset + length));
  return result(rawCall(SYS.sendto, fd, stageAddress, length, MSG.NOSIGNAL, 0, 0));
}

/** Send `length` bytes that lie at `at` in the arena. */
export function sendKept(fd: number, at: number, length: number): number {
  const n = rawCall(SYS.sendto, fd, arenaAddressAt(at), length, MSG.NOSIGNAL, 0, 0);
  return n === -1 ? -errno() : n;
}

/** Move at most `length` bytes between a pipe and a socket without copying them. */
export function splice(from: number, to: number, length: number): number {
  const n = libc.splice(from, null, to, null, length, SPLICE_FLAGS);
  return n === -1 ? -errno() : n;
}

export function close(fd: number): number {
  return result(rawCall(SYS.close, fd, wordsAddress, 0, 0, 0, 0));
}

/** Its close sends RST instead of FIN, and nothing lingers: no TIME_WAIT, bytes that were not sent are dropped. */
export function resetAtClose(fd: number): void {
  libc.setsockopt(fd, SOL.SOCKET, SO.LINGER, lingerZeroAddress, 8);
}

/** FIN after what the kernel still holds. */
export function shutdownWrite(fd: number): number {
  return result(libc.shutdown(fd, SHUT_WR));
}

export function openSocket(family: (typeof AF)[keyof typeof AF]): number {
  return result(libc.socket(family, STREAM, 0));
}

/** Make two connected unix sockets: the first is returned, the other one left for `otherEnd`. */
export function openPair(): number {
  const code = result(libc.socketpair(AF_UNIX, STREAM, 0, wordsAddress));
  return code < 0 ? code : (words[0] ?? -1);
}

/** The other end of the pair just made. */
export function otherEnd(): number {
  return words[1] ?? -1;
}

/** Connect to the address in a slot of `destinations`. */
export function connect(fd: number, slot: number, addressBytes: number): number {
  return result(rawCall(SYS.connect, fd, destinationAddress(slot), addressBytes, 0, 0, 0));
}

/** Undo a connection that is over: the socket can connect again. */
export function dissolve(fd: number): number {
  return result(rawCall(SYS.connect, fd, nowhereAddress, nowhere.byteLength, 0, 0, 0));
}

/** Bytes, FIN included, that the peer has not acknowledged. */
export function unacknowledged(fd: number): number {
  words[0] = 0;
  const code = result(libc.ioctl(fd, SIOCOUTQ, wordsAddress));
  return code < 0 ? code : (words[0] ?? 0);
}

/** Bind to the address that lies in the sockaddr buffer. */
export function bind(fd: number, addressBytes: number): number {
  return result(libc.bind(fd, sockaddrAddress, addressBytes));
}

export function listen(fd: number, backlog: number): number {
  return result(libc.listen(fd, backlog));
}

/** Take one connection; its remote address is left in the sockaddr buffer. */
export function accept(fd: number): number {
  sockaddrLength[0] = sockaddr.length;
  return result(rawCall(SYS.accept4, fd, sockaddrAddress, sockaddrLengthAddress, NONBLOCK_CLOEXEC, 0, 0));
}

/** Leave the local address in the sockaddr buffer. */
export function readLocalAddress(fd: number): number {
  sockaddrLength[0] = sockaddr.length;
  return result(libc.getsockname(fd, sockaddrAddress, sockaddrLengthAddress));
}

export function setOption(fd: number, level: number, name: number, value: number): number {
  words[0] = value;
  return result(libc.setsockopt(fd, level, name, wordsAddress, 4));
}

/** The pending error of a socket as errno, 0 for none; reading clears it. */
export function socketError(fd: number): number {
  words[0] = 0;
  optionLength[0] = 4;
  const code = result(libc.getsockopt(fd, SOL.SOCKET, SO.ERROR, wordsAddress, optionLengthAddress));
  return code < 0 ? -code : (words[0] ?? 0);
}

/** Make a pipe; its reading end is returned, its writing end left for `pipeInput`. */
export function openPipe(): number {
  const code = result(libc.pipe2(wordsAddress, NONBLOCK_CLOEXEC));
  return code < 0 ? code : (words[0] ?? -1);
}

/** The writing end of the pipe just made. */
export function pipeInput(): number {
  return words[1] ?? -1;
}

/** Take all that a pipe holds out of it. */
export function emptyPipe(output: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const n = libc.read(output, stageAddress, READ_BYTES);
    if (n <= 0) return concatenated(chunks);
    chunks.push(stage.slice(0, n));
  }
}

/** Ask for a pipe of this size: the size granted, or -EPERM when the user's share of pipe memory is used up. */
export function resizePipe(fd: number, bytes: number): number {
  return result(libc.fcntl(fd, F_SETPIPE_SZ, bytes));
}

/** Bytes that wait in a pipe or socket. */
export function waiting(fd: number): number {
  words[0] = 0;
  const code = result(libc.ioctl(fd, FIONREAD, wordsAddress));
  return code < 0 ? code : (words[0] ?? 0);
}

/** No call on it waits, and no program that is started here gets it. */
export function unblock(fd: number): void {
  libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
  libc.fcntl(fd, F_SETFL, libc.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

/** A second descriptor for the same thing; its owner closes it. */
export function duplicate(fd: number): number {
  return result(libc.fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

export function openEventfd(): number {
  return result(libc.eventfd(0, NONBLOCK_CLOEXEC));
}

export function writeEventfd(fd: number): number {
  return result(libc.write(fd, ticketAddress, EVENTFD_BYTES));
}

/** Empties the counter. */
export function readEventfd(fd: number): number {
  return result(libc.read(fd, takenAddress, EVENTFD_BYTES));
}

/** How many descriptors this process may have open; 1,024 when it cannot be told. */
export function descriptorLimit(): number {
  if (result(libc.getrlimit(RLIMIT_NOFILE, wordsAddress)) < 0) return 1024;
  const low = (words[0] ?? 0) >>> 0;
  const high = (words[1] ?? 0) >>> 0;
  return Math.min(low + high * 2 ** 32, 1 << 30);
}
