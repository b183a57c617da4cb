/**
 * The smallest loop that serves a load generator: raw descriptors on the linux engine's system calls, edge-triggered, without the
 * engine's connections, timers or tunnels. What is measured is never at both ends of the wire.
 */
import { eventFd, eventGeneration, eventMask, Poller } from "../../src/runtime/linux/epoll.ts";
import { AF, EPOLL, ERRNO, SO, SOL, TCP } from "../../src/runtime/linux/libc.ts";
import { encodeAddress } from "../../src/runtime/linux/sockaddr.ts";
import * as calls from "../../src/runtime/linux/syscalls.ts";

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
/** Pick the port at connect, so that one source address serves one port many times over, ip(7). */
const IP_BIND_ADDRESS_NO_PORT = 24;
const BACKLOG = 4096;

export class Net {
  private readonly poller = new Poller();
  private readonly watchers: (Watcher | null)[] = [];
  private readonly generations: number[] = [];
  private lastGeneration = 0;

  watch(fd: number, watcher: Watcher, mask: number = READ): void {
    this.lastGeneration = (this.lastGeneration + 1) | 0;
    this.watchers[fd] = watcher;
    this.generations[fd] = this.lastGeneration;
    check("epoll_ctl", this.poller.add(fd, this.lastGeneration, mask));
  }

  /** Another watcher takes over a descriptor that is watched. */
  give(fd: number, watcher: Watcher): void {
    this.watchers[fd] = watcher;
  }

  /** Tell once more of what waits to be read: its watcher stopped early to let others have their turn. */
  again(fd: number): void {
    check("epoll_ctl", this.poller.modify(fd, this.generations[fd] ?? 0, READ));
  }

  /** Also tell when the socket takes bytes again. */
  watchWriting(fd: number): void {
    check("epoll_ctl", this.poller.modify(fd, this.generations[fd] ?? 0, READ | EPOLL.OUT));
  }

  close(fd: number): void {
    this.watchers[fd] = null;
    calls.close(fd);
  }

  closeWithReset(fd: number): void {
    this.watchers[fd] = null;
    calls.closeWithReset(fd);
  }

  /** Wait at most `timeoutMs` (-1: for ever), then tell the watchers. */
  turn(timeoutMs: number): void {
    const count = this.poller.wait(timeoutMs);
    for (let i = 0; i < count; i++) {
      const fd = eventFd(i);
      const watcher = this.watchers[fd];
      if (watcher !== null && watcher !== undefined && this.generations[fd] === eventGeneration(i)) {
        watcher.onReady(eventMask(i));
      }
    }
  }
}

/** @throws Error naming the call when `result` is an errno negated. */
export function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed with errno ${-result}`);
  return result;
}

/** A listening socket on one loopback address; port 0 takes any. */
export function openListener(at: At): number {
  const fd = check("socket", calls.openSocket(AF.INET));
  calls.setOption(fd, SOL.SOCKET, SO.REUSEADDR, 1);
  calls.setOption(fd, SOL.TCP, TCP.NODELAY, 1);
  check(`bind ${at.ip}:${at.port}`, calls.bind(fd, encodeAddress(at.ip, at.port)));
  check("listen", calls.listen(fd, BACKLOG));
  return fd;
}

/** A connection under way from `source`. @returns The descriptor, or the errno negated when refused at once. */
export function connectFrom(source: string, to: At): number {
  const fd = check("socket", calls.openSocket(AF.INET));
  calls.setOption(fd, SOL.TCP, TCP.NODELAY, 1);
  calls.setOption(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  check(`bind ${source}`, calls.bind(fd, encodeAddress(source, 0)));
  const code = calls.connect(fd, encodeAddress(to.ip, to.port));
  if (code >= 0 || code === -ERRNO.EINPROGRESS) return fd;
  calls.close(fd);
  return code;
}
