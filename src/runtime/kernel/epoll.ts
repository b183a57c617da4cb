/** One epoll instance: who wants which events, and the events of one wait. */
import { EPOLL_CTL, ERRNO, libc } from "./libc.ts";
import { errno, EVENTS, events, eventsAddress, interest, interestAddress } from "./memory.ts";
import { close } from "./syscalls.ts";

/**
 * struct epoll_event is packed on x86-64 (12 bytes, data at 4) and naturally aligned on arm64 (16 bytes, data at 8).
 * `data` holds the descriptor in its lower half and the generation of its owner in the upper one.
 */
const WORDS = process.arch === "x64" ? 3 : 4;
const DATA_AT = process.arch === "x64" ? 1 : 2;

export class Poller {
  readonly fd: number;

  /** Check `fd`: below 0 it is the errno negated. */
  constructor() {
    const fd = libc.epoll_create1(0o2000000);
    this.fd = fd === -1 ? -errno() : fd;
  }

  add(fd: number, generation: number, mask: number): number {
    return this.control(EPOLL_CTL.ADD, fd, generation, mask);
  }

  modify(fd: number, generation: number, mask: number): number {
    return this.control(EPOLL_CTL.MOD, fd, generation, mask);
  }

  /** Only for descriptors that stay open: closing the last one removes it as well. */
  remove(fd: number): number {
    return this.control(EPOLL_CTL.DEL, fd, 0, 0);
  }

  private control(operation: number, fd: number, generation: number, mask: number): number {
    interest[0] = mask;
    interest[DATA_AT] = fd;
    interest[DATA_AT + 1] = generation;
    return libc.epoll_ctl(this.fd, operation, fd, interestAddress) === -1 ? -errno() : 0;
  }

  /** Wait at most `timeoutMs` (-1: for ever). @returns How many events lie ready; a signal counts as none. */
  wait(timeoutMs: number): number {
    const n = libc.epoll_wait(this.fd, eventsAddress, EVENTS, timeoutMs);
    if (n >= 0) return n;
    const code = errno();
    if (code === ERRNO.EINTR) return 0;
    throw new Error(`epoll_wait failed with errno ${code}`);
  }

  close(): void {
    if (this.fd >= 0) close(this.fd);
  }
}

/** What happened to the `index`-th ready descriptor: EPOLL bits. */
export function eventMask(index: number): number {
  return events[index * WORDS] ?? 0;
}

export function eventFd(index: number): number {
  return events[index * WORDS + DATA_AT] ?? -1;
}

export function eventGeneration(index: number): number {
  return events[index * WORDS + DATA_AT + 1] ?? 0;
}
