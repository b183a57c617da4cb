/**
 * Runs a command where the kernel refuses some system calls: `bun refused-calls.ts io_uring=1 COMMAND ARG …`, the number being
 * the error. A seccomp filter answers them, as container runtimes and security policies do, and stays over execve(2).
 */
import { dlopen, FFIType, type Pointer, ptr } from "bun:ffi";

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
/** By architecture, where they differ. */
const CALLS: Readonly<Record<string, readonly number[]>> = {
  // io_uring_setup, io_uring_enter, io_uring_register
  io_uring: [425, 426, 427],
  // accept, accept4
  accept: process.arch === "arm64" ? [202, 242] : [43, 288],
};
const [which = "", errno = ""] = (process.argv[2] ?? "").split("=");
const refused = CALLS[which] ?? [];

const { symbols: libc } = dlopen("libc.so.6", {
  prctl: { args: ["i32", FFIType.u64_fast, "ptr", FFIType.u64_fast, FFIType.u64_fast], returns: "i32" },
  execvp: { args: ["ptr", "ptr"], returns: "i32" },
});

/** struct sock_filter: code, how far to jump when it holds and when not, operand. */
type Step = readonly [code: number, yes: number, no: number, operand: number];
const LOAD_NUMBER: Step = [0x20, 0, 0, 0];
const ALLOW: Step = [0x06, 0, 0, 0x7fff_0000];
const REFUSE: Step = [0x06, 0, 0, 0x0005_0000 | Number(errno)];
const program: readonly Step[] = [
  LOAD_NUMBER,
  ...refused.map((number, i): Step => [0x15, refused.length - i, 0, number]),
  ALLOW,
  REFUSE,
];

const STEP_BYTES = 8;
const filter = new DataView(new ArrayBuffer(program.length * STEP_BYTES));
for (const [i, [code, yes, no, operand]] of program.entries()) {
  filter.setUint16(i * STEP_BYTES, code, true);
  filter.setUint8(i * STEP_BYTES + 2, yes);
  filter.setUint8(i * STEP_BYTES + 3, no);
  filter.setUint32(i * STEP_BYTES + 4, operand, true);
}
/** struct sock_fprog: how many steps, and where. */
const described = new BigUint64Array([BigInt(program.length), BigInt(ptr(filter.buffer))]);

const words = process.argv.slice(3).map((word) => Buffer.from(`${word}\0`));
const argv = new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]);
const path = words[0] ?? Buffer.from("\0");

if (
  libc.prctl(PR_SET_NO_NEW_PRIVS, 1, null as unknown as Pointer, 0, 0) !== 0 ||
  libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ptr(described), 0, 0) !== 0
) {
  throw new Error("Cannot set a seccomp filter");
}
libc.execvp(ptr(path), ptr(argv));
throw new Error(`Cannot run ${process.argv[3]}; ${filter.byteLength + described.length + argv.length + words.length}`);
