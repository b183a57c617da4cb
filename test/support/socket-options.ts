/** The keepalive settings of another process' TCP sockets, as the kernel has them. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Seconds, and tries. */
export interface KeepAlive {
  readonly on: boolean;
  readonly idle: number;
  readonly interval: number;
  readonly tries: number;
}

/** The same numbers on every architecture; pidfd_open(2), pidfd_getfd(2). */
const [PIDFD_OPEN, PIDFD_GETFD] = [434, 438];
const [SOL_SOCKET, SO_KEEPALIVE, IPPROTO_TCP] = [1, 9, 6];
const TCP = { idle: 4, interval: 5, tries: 6 } as const;

/** Of every TCP socket of the process whose ports these are; either may be null: any. */
export function keepAliveOf(pid: number, local: number | null, remote: number | null): readonly KeepAlive[] {
  const libc = dlopen("libc.so.6", {
    syscall: { args: [FFIType.i64, FFIType.i64, FFIType.i64, FFIType.i64], returns: FFIType.i64 },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  });
  const { syscall, getsockopt } = libc.symbols;
  const option = (fd: number, level: number, name: number): number => {
    const [value, size] = [new Int32Array(1), new Int32Array([4])];
    if (getsockopt(fd, level, name, ptr(value), ptr(size)) !== 0) throw new Error(`Cannot read option ${name}`);
    return value[0] ?? 0;
  };
  const process = Number(syscall(PIDFD_OPEN, pid, 0, 0));
  if (process < 0) throw new Error(`Cannot open process ${pid}`);
  try {
    return socketsOf(pid, local, remote).map((theirs) => {
      const fd = Number(syscall(PIDFD_GETFD, process, theirs, 0));
      if (fd < 0) throw new Error(`Cannot have descriptor ${theirs} of process ${pid}`);
      const tcp = (name: keyof typeof TCP): number => option(fd, IPPROTO_TCP, TCP[name]);
      const on = option(fd, SOL_SOCKET, SO_KEEPALIVE) !== 0;
      const found = { on, idle: tcp("idle"), interval: tcp("interval"), tries: tcp("tries") };
      closeSync(fd);
      return found;
    });
  } finally {
    closeSync(process);
    libc.close();
  }
}

const ESTABLISHED = "01";

function socketsOf(pid: number, local: number | null, remote: number | null): readonly number[] {
  const inodes = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    for (const cell of readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)) {
      const [, here = "", there = "", state, , , , , , inode = ""] = cell.trim().split(/\s+/);
      const fits = (address: string, port: number | null): boolean =>
        port === null || Number.parseInt(address.split(":")[1] ?? "", 16) === port;
      if (state === ESTABLISHED && fits(here, local) && fits(there, remote)) inodes.add(`socket:[${inode}]`);
    }
  }
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)) ? [Number(fd)] : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}
