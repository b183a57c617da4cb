/** The smallest loop that serves a load generator: descriptors, edge-triggered, and who watches them. */
import * as calls from "./calls.ts";
import { check, EPOLL, ERRNO, eventAt, Poller } from "./calls.ts";

export interface At {
  readonly ip: string;
  readonly port: number;
}

export interface Watcher {
  /** `mask`: EPOLL bits; read on until EAGAIN, the edge does not come again. */
  onReady(mask: number): void;
}

const READ = EPOLL.IN | EPOLL.RDHUP | EPOLL.ET;
const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_TCP = 6;
const TCP_NODELAY = 1;
const SO_REUSEADDR = 2;
/** Pick the port at connect, so that one source address serves one port many times over, ip(7). */
const IP_BIND_ADDRESS_NO_PORT = 24;
const BACKLOG = 4_096;

export class Net {
  private readonly poller = new Poller();
  private readonly watchers: (Watcher | null)[] = [];
  private readonly generations: number[] = [];
  private lastGeneration = 0;

  watch(fd: number, watcher: Watcher, mask: number = READ): void {
    this.lastGeneration = (this.lastGeneration + 1) | 0;
    this.watchers[fd] = watcher;
    this.generations[fd] = this.lastGeneration;
    this.poller.add(fd, this.lastGeneration, mask);
  }

  /** Another watcher takes over a descriptor that is watched. */
  give(fd: number, watcher: Watcher): void {
    this.watchers[fd] = watcher;
  }

  /** Tell once more of what waits to be read: its watcher stopped early to let others have their turn. */
  again(fd: number): void {
    this.poller.modify(fd, this.generations[fd] ?? 0, READ);
  }

  /** Also tell when the socket takes bytes again. */
  watchWriting(fd: number): void {
    this.poller.modify(fd, this.generations[fd] ?? 0, READ | EPOLL.OUT);
  }

  close(fd: number): void {
    this.watchers[fd] = null;
    calls.close(fd);
  }

  /** Wait at most `timeoutMs` (-1: for ever), then tell the watchers. */
  turn(timeoutMs: number): void {
    const count = this.poller.wait(timeoutMs);
    for (let i = 0; i < count; i++) {
      const fd = eventAt(i, 1);
      if (this.generations[fd] === eventAt(i, 2)) this.watchers[fd]?.onReady(eventAt(i, 0));
    }
  }
}

/** A listening socket on one loopback address. */
export function openListener(at: At): number {
  const fd = check("socket", calls.openSocket());
  calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  calls.setOption(fd, SOL_TCP, TCP_NODELAY, 1);
  check(`bind ${at.ip}:${at.port}`, calls.bind(fd, at.ip, at.port));
  check("listen", calls.listen(fd, BACKLOG));
  return fd;
}

/** A connection under way from `source`. @returns The descriptor, or the errno negated when refused at once. */
export function connectFrom(source: string, to: At): number {
  const fd = check("socket", calls.openSocket());
  calls.setOption(fd, SOL_TCP, TCP_NODELAY, 1);
  calls.setOption(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  check(`bind ${source}`, calls.bind(fd, source, 0));
  const code = calls.connect(fd, to.ip, to.port);
  if (code >= 0 || code === -ERRNO.EINPROGRESS) return fd;
  calls.close(fd);
  return code;
}
