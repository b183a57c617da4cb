/**
 * The C library: which one is here, the functions the engine calls and the numbers it passes.
 * Sizes travel as `u64_fast` and results as `i32` (no call here moves 2 GB), so no call makes a BigInt.
 */
import { dlopen, FFIType, type Pointer } from "bun:ffi";

const SIGNATURES = {
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", FFIType.u64_fast, "ptr"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  madvise: { args: ["ptr", FFIType.u64_fast, "i32"], returns: "i32" },
  mmap: { args: ["ptr", FFIType.u64_fast, "i32", "i32", "i32", FFIType.u64_fast], returns: "ptr" },
  munmap: { args: ["ptr", FFIType.u64_fast], returns: "i32" },
  capset: { args: ["ptr", "ptr"], returns: "i32" },
  prctl: {
    args: ["i32", FFIType.u64_fast, FFIType.u64_fast, FFIType.u64_fast, FFIType.u64_fast],
    returns: "i32",
  },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  poll: { args: ["ptr", FFIType.u64_fast, "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", FFIType.u64_fast], returns: "i32" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  splice: { args: ["i32", "ptr", "i32", "ptr", FFIType.u64_fast, "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", FFIType.u64_fast], returns: "i32" },
  _exit: { args: ["i32"], returns: "void" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/**
 * What every connection asks for, by number: glibc's own functions are cancellation points, which costs every call of a
 * process with threads two atomic operations, 30 of 170 ns.
 */
const RAW_SIGNATURE = {
  syscall: {
    args: ["i32", "i32", "ptr", FFIType.u64_fast, "i32", FFIType.u64_fast, FFIType.u64_fast],
    returns: "i32",
  },
} as const;
const URING = { uringSetup: 425, uringEnter: 426, uringRegister: 427 } as const;
export const SYS =
  process.arch === "x64"
    ? { close: 3, connect: 42, sendto: 44, recvfrom: 45, accept4: 288, ...URING }
    : { close: 57, connect: 203, sendto: 206, recvfrom: 207, accept4: 242, ...URING };

type RawCall = ReturnType<typeof dlopen<typeof RAW_SIGNATURE>>["symbols"]["syscall"];
type Libc = ReturnType<typeof dlopen<typeof SIGNATURES>>["symbols"];

/** glibc under its one name; musl under the loader's, which Alpine also links as libc. */
function candidates(): string[] {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  return ["libc.so.6", `libc.musl-${machine}.so.1`, `ld-musl-${machine}.so.1`];
}

interface Loaded {
  readonly libc: Libc;
  readonly raw: RawCall;
  readonly problem: string | null;
}

function load(): Loaded {
  const tried = candidates();
  if (process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64")) {
    for (const name of tried) {
      try {
        return {
          libc: dlopen(name, SIGNATURES).symbols,
          raw: dlopen(name, RAW_SIGNATURE).symbols.syscall,
          problem: null,
        };
      } catch {
        // the next name may be the right one
      }
    }
    return absent(`no C library found (tried ${tried.join(", ")})`);
  }
  return absent(`it needs Linux on x64 or arm64, this is ${process.platform} on ${process.arch}`);
}

/** Every call fails, so that importing this module is safe anywhere and the probe can say why. */
function absent(problem: string): Loaded {
  const names = Object.keys(SIGNATURES);
  const stubs = Object.fromEntries(names.map((name) => [name, () => (name === "__errno_location" ? 0 : -1)]));
  return { libc: stubs as unknown as Libc, raw: (() => -1) as unknown as RawCall, problem };
}

const loaded = load();
/** Raw functions; only `memory.ts` and `syscalls.ts` may call them, because they take addresses. */
export const libc: Libc = loaded.libc;
/** A system call by its number: see `SYS`. */
export const rawCall: RawCall = loaded.raw;
/** Why there is no C library to call, in words; null when there is one. */
export const libcProblem: string | null = loaded.problem;
export type { Pointer };

/** errno values; the same on x64 and arm64. */
export const ERRNO = {
  EPERM: 1,
  EINTR: 4,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EPIPE: 32,
  ENOSYS: 38,
  ETIME: 62,
  EPROTO: 71,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETOOMANYREFS: 109,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
  ECANCELED: 125,
} as const;

export const AF = { INET: 2, INET6: 10 } as const;
export const AF_UNIX = 1;
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC. */
export const STREAM = 1 | 0o4000 | 0o2000000;
/** SOCK_NONBLOCK | SOCK_CLOEXEC; O_ and EFD_ flags have the same values. */
export const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
export const MSG = { PEEK: 0x2, DONTWAIT: 0x40, WAITALL: 0x100, NOSIGNAL: 0x4000 } as const;
/** SPLICE_F_MOVE | SPLICE_F_NONBLOCK. */
export const SPLICE_FLAGS = 1 | 2;
export const SHUT_WR = 1;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const O_NONBLOCK = 0o4000;
export const F_DUPFD_CLOEXEC = 1030;
export const F_SETPIPE_SZ = 1031;
export const RLIMIT_NOFILE = 7;
export const FIONREAD = 0x541b;
export const SIOCOUTQ = 0x5411;

export const SOL = { SOCKET: 1, TCP: 6, IPV6: 41 } as const;
export const SO = { REUSEADDR: 2, ERROR: 4, SNDBUF: 7, KEEPALIVE: 9, LINGER: 13, REUSEPORT: 15 } as const;
export const TCP = { NODELAY: 1, KEEPIDLE: 4, KEEPINTVL: 5, KEEPCNT: 6, DEFER_ACCEPT: 9 } as const;
export const IPV6_V6ONLY = 26;
export const SOL_IP = 0;
export const IP = { TRANSPARENT: 19, BIND_ADDRESS_NO_PORT: 24 } as const;
export const IPV6_TRANSPARENT = 75;

export const EPOLL = {
  IN: 0x1,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDHUP: 0x2000,
  EXCLUSIVE: 1 << 28,
  ET: 1 << 31,
} as const;
export const EPOLL_CTL = { ADD: 1, DEL: 2, MOD: 3 } as const;
