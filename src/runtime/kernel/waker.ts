/** How control rouses a worker that sits in epoll_wait. */
import { close, openEventfd, writeEventfd } from "./syscalls.ts";

export interface Waker {
  /** An eventfd; goes to the worker as a number. */
  readonly fd: number;
  /** After `postMessage`: the worker takes its mail in its next turn. */
  wake(): void;
  close(): void;
}

/** @throws Error when no descriptor is left. */
export function createWaker(): Waker {
  const fd = openEventfd();
  if (fd < 0) throw new Error(`Cannot make an eventfd: errno ${-fd}`);
  let open = true;
  return {
    fd,
    wake: () => {
      if (open) writeEventfd(fd);
    },
    close: () => {
      if (open) close(fd);
      open = false;
    },
  };
}
