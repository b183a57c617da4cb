/**
 * The debug mode: a book of who owns which descriptor, asked at every opening, closing and lending.
 * It is one book per thread, so two loops of a thread cannot own the same descriptor either. Off, it costs an empty call.
 */
import { waiting } from "../kernel/syscalls.ts";

export interface Ledger {
  readonly debug: boolean;
  /** @throws Error when the descriptor has an owner already. */
  own(fd: number, what: string): void;
  /** @throws Error when the descriptor has no owner. */
  disown(fd: number): void;
  /** @throws Error when the pipe still holds bytes. */
  assertEmpty(pipeOutput: number): void;
  /** @throws Error naming `invariant` when it does not hold. */
  assert(holds: boolean, invariant: string): void;
}

const owners = new Map<number, string>();

const silent: Ledger = { debug: false, own() {}, disown() {}, assertEmpty() {}, assert() {} };

const strict: Ledger = {
  debug: true,
  own(fd, what) {
    const owner = owners.get(fd);
    if (owner !== undefined) throw new Error(`Cannot give descriptor ${fd} to ${what}: ${owner} owns it`);
    owners.set(fd, what);
  },
  disown(fd) {
    if (!owners.delete(fd)) throw new Error(`Cannot close descriptor ${fd}: nobody owns it`);
  },
  assertEmpty(pipeOutput) {
    const bytes = waiting(pipeOutput);
    if (bytes !== 0) throw new Error(`Cannot pool pipe ${pipeOutput}: ${bytes} bytes inside, 0 wanted`);
  },
  assert(holds, invariant) {
    if (!holds) throw new Error(`Engine invariant broken: ${invariant}`);
  },
};

export function openLedger(debug: boolean): Ledger {
  return debug ? strict : silent;
}

/** What the debug mode's book holds: descriptor and owner, for tests that look for leaks. */
export function ownedDescriptors(): ReadonlyMap<number, string> {
  return owners;
}
