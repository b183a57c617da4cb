/** Can the linux engine run here? Every call it depends on is made once, harmlessly. */
import { eventFd, eventGeneration, Poller } from "./epoll.ts";
import { EPOLL, libcProblem } from "./libc.ts";
import { close, openEventfd, openPipe, pipeInput, splice, waiting, writeEventfd } from "./syscalls.ts";

/** Any number that is neither a descriptor nor 0: shows that the layout of epoll_event is right. */
const GENERATION = 0x5eed;

/** @returns Why the engine cannot run here, in words, or null when it can. */
export function probeLinux(): string | null {
  if (libcProblem !== null) return libcProblem;
  return probeEpoll() ?? probeSplice();
}

function probeEpoll(): string | null {
  const eventfd = openEventfd();
  if (eventfd < 0) return `eventfd failed with errno ${-eventfd}`;
  const poller = new Poller();
  try {
    if (poller.fd < 0) return `epoll_create1 failed with errno ${-poller.fd}`;
    const added = poller.add(eventfd, GENERATION, EPOLL.IN);
    if (added < 0) return `epoll_ctl failed with errno ${-added}`;
    writeEventfd(eventfd);
    if (poller.wait(0) !== 1) return "epoll_wait reports no event";
    return eventFd(0) === eventfd && eventGeneration(0) === GENERATION ? null : "epoll_event has an unknown layout";
  } catch (error) {
    return error instanceof Error ? error.message : "epoll_wait failed";
  } finally {
    poller.close();
    close(eventfd);
  }
}

/** A byte-counter of eight bytes travels from an eventfd's neighbour: one pipe to another. */
function probeSplice(): string | null {
  const from = openPipe();
  const fromInput = pipeInput();
  if (from < 0) return `pipe2 failed with errno ${-from}`;
  const to = openPipe();
  const toInput = pipeInput();
  try {
    if (to < 0) return `pipe2 failed with errno ${-to}`;
    writeEventfd(fromInput);
    const moved = splice(from, toInput, 8);
    if (moved < 0) return `splice failed with errno ${-moved}`;
    return waiting(to) === 8 ? null : "splice loses bytes";
  } finally {
    for (const fd of [from, fromInput, ...(to < 0 ? [] : [to, toInput])]) close(fd);
  }
}
