/**
 * The system calls of load and nodes, their own and not the engine's: what is measured is never at both ends of the wire.
 * Each returns a result of 0 or more, or the errno negated. Every buffer whose address the kernel gets is a constant of this module.
 */
import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", FFIType.u64_fast, "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", FFIType.u64_fast, "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});

export const ERRNO = { EINTR: 4, EAGAIN: 11, EPIPE: 32, ECONNRESET: 104, ECONNREFUSED: 111, EINPROGRESS: 115 } as const;
export const EPOLL = { IN: 0x1, OUT: 0x4, RDHUP: 0x2000, ET: 1 << 31 } as const;
export const READ_BYTES = 131_072;

const AF_INET = 2;
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC. */
const STREAM = 1 | 0o4000 | 0o2000000;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** Take bytes off a TCP socket without copying them anywhere, tcp(7). */
const MSG_TRUNC = 0x20;
const SOCKADDR_BYTES = 16;
const EVENTS = 512;
/** struct epoll_event is packed on x86-64 and aligned elsewhere; `data` has the descriptor and a generation. */
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const DATA_AT = process.arch === "x64" ? 1 : 2;

/** What {@link receive} fills. */
export const readBuffer = Buffer.from(new ArrayBuffer(READ_BYTES));
const readAddress = ptr(readBuffer);
const stage = new Uint8Array(new ArrayBuffer(4_096));
const stageAddress = ptr(stage);
const sockaddr = new DataView(new ArrayBuffer(SOCKADDR_BYTES));
const sockaddrAddress = ptr(sockaddr);
const word = new Int32Array(new ArrayBuffer(4));
const wordAddress = ptr(word);
const interest = new Int32Array(new ArrayBuffer(16));
const interestAddress = ptr(interest);
const events = new Int32Array(new ArrayBuffer(EVENTS * 16));
const eventsAddress = ptr(events);
const errnoAddress = libc.__errno_location();

function result(value: number): number {
  return value === -1 && errnoAddress !== null ? -read.i32(errnoAddress, 0) : value;
}

/** @throws Error naming the call when `code` is an errno negated. */
export function check(call: string, code: number): number {
  if (code < 0) throw new Error(`${call} failed with errno ${-code}`);
  return code;
}

export function openSocket(): number {
  return result(libc.socket(AF_INET, STREAM, 0));
}

export function setOption(fd: number, level: number, name: number, value: number): number {
  word[0] = value;
  return result(libc.setsockopt(fd, level, name, wordAddress, 4));
}

const numbers = new Map<string, number>();

/** Dotted IPv4 text, as all addresses of the benchmark are, and few enough to keep. */
function numberOf(ip: string): number {
  const known = numbers.get(ip);
  if (known !== undefined) return known;
  const number = ip.split(".").reduce((sum, byte) => (sum << 8) | Number(byte), 0);
  numbers.set(ip, number);
  return number;
}

function encode(ip: string, port: number): void {
  sockaddr.setUint16(0, AF_INET, true);
  sockaddr.setUint16(2, port);
  sockaddr.setInt32(4, numberOf(ip));
}

export function bind(fd: number, ip: string, port: number): number {
  encode(ip, port);
  return result(libc.bind(fd, sockaddrAddress, SOCKADDR_BYTES));
}

export function connect(fd: number, ip: string, port: number): number {
  encode(ip, port);
  return result(libc.connect(fd, sockaddrAddress, SOCKADDR_BYTES));
}

export function listen(fd: number, backlog: number): number {
  return result(libc.listen(fd, backlog));
}

export function accept(fd: number): number {
  return result(libc.accept4(fd, null, null, NONBLOCK_CLOEXEC));
}

export function close(fd: number): number {
  return result(libc.close(fd));
}

/** @returns Bytes, 0 at FIN. */
export function receive(fd: number): number {
  return result(libc.recv(fd, readAddress, READ_BYTES, 0));
}

/** Throw away at most one read's worth of what arrived. @returns Bytes, 0 at FIN. */
export function discard(fd: number): number {
  return result(libc.recv(fd, readAddress, READ_BYTES, MSG_TRUNC));
}

/** At most 4 KB. */
export function send(fd: number, bytes: Uint8Array): number {
  stage.set(bytes);
  return result(libc.send(fd, stageAddress, bytes.length, MSG_NOSIGNAL));
}

/** The address of a buffer that its owner keeps for ever. */
export function addressOf(buffer: Uint8Array): Pointer {
  return ptr(buffer);
}

export function sendAt(fd: number, address: Pointer, offset: number, length: number): number {
  return result(libc.send(fd, (address + offset) as Pointer, length, MSG_NOSIGNAL));
}

export class Poller {
  private readonly fd = check("epoll_create1", result(libc.epoll_create1(CLOEXEC)));

  add(fd: number, generation: number, mask: number): void {
    this.control(1, fd, generation, mask);
  }

  modify(fd: number, generation: number, mask: number): void {
    this.control(3, fd, generation, mask);
  }

  private control(operation: number, fd: number, generation: number, mask: number): void {
    interest[0] = mask;
    interest[DATA_AT] = fd;
    interest[DATA_AT + 1] = generation;
    check("epoll_ctl", result(libc.epoll_ctl(this.fd, operation, fd, interestAddress)));
  }

  /** @returns How many events lie ready for {@link eventAt}. */
  wait(timeoutMs: number): number {
    const n = result(libc.epoll_wait(this.fd, eventsAddress, EVENTS, timeoutMs));
    return n === -ERRNO.EINTR ? 0 : check("epoll_wait", n);
  }
}

/** `part` 0: EPOLL bits, 1: the descriptor, 2: its generation. */
export function eventAt(index: number, part: 0 | 1 | 2): number {
  return events[index * EVENT_WORDS + (part === 0 ? 0 : DATA_AT + part - 1)] ?? 0;
}
