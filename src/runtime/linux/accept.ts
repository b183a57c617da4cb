/** A listening socket on the loop: accepting, reading at once, and standing aside when descriptors run out. */
import { formatEndpoint } from "../../core/address.ts";
import type { ConnEvents, Listener } from "../port.ts";
import type { Address } from "../../seam/snapshot.ts";
import { ACCEPT_SHARE } from "../descriptors.ts";
import type { ListenSpec } from "../../seam/mail.ts";
import { LinuxConn } from "./conn.ts";
import { AF, EPOLL, ERRNO } from "../kernel/libc.ts";
import { listenSocket } from "../kernel/listen-socket.ts";
import type { Loop } from "./loop.ts";
import { decodeAddress } from "../kernel/sockaddr.ts";
import { accept, close, openSocket, readLocalAddress } from "../kernel/syscalls.ts";
import { TimerNode } from "./timers.ts";
import type { Watcher } from "./watcher.ts";
import { codeOf } from "../../errors.ts";
import { listenError } from "../listen-error.ts";

/** Connections taken in one turn at most; the listener is level-triggered, so the rest come with the next one. */
const MOST = 64;
/** How long accepting rests when it fails: descriptors or memory ran out, or something nobody thought of. */
const REST_MS = 100;
const SHORTAGES: ReadonlySet<number> = new Set([ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.ENOBUFS, ERRNO.ENOMEM]);
/** The client gave up before, or a signal came: the next one may be taken. As many of these in a row as a turn may take are something else. */
const GONE: ReadonlySet<number> = new Set([ERRNO.ECONNABORTED, ERRNO.EPROTO, ERRNO.EINTR]);

export type OnAccept = (conn: LinuxConn) => ConnEvents;

/** @throws EdgeError when the address cannot be listened on. */
export function listen(loop: Loop, spec: ListenSpec, onAccept: OnAccept): Listener {
  const own = spec.fd < 0;
  const fd = own ? openOwn(spec) : spec.fd;
  return new LinuxListener(loop, fd, own, onAccept);
}

function openOwn({ at, reusePort }: ListenSpec): number {
  try {
    return listenSocket(at, { reusePort, deferAccept: false }).fd;
  } catch (error) {
    throw listenError(at, codeOf(error), error);
  }
}

/** The words say it all. */
class AcceptError extends Error {
  override readonly name = "AcceptError";
  override readonly stack = this.message;
}

class LinuxListener extends TimerNode implements Listener, Watcher {
  readonly fd: number;
  readonly generation: number;
  readonly at: Address;
  private readonly loop: Loop;
  /** Made here, not by control. */
  private readonly own: boolean;
  private readonly onAccept: OnAccept;
  /** A descriptor from this number on says that few are left: the kernel gives the lowest one that is free. */
  private readonly ceiling: number;
  private watching = false;
  private batch = 1;
  private goneInRow = 0;
  private paused = false;
  private closed = false;

  constructor(loop: Loop, fd: number, own: boolean, onAccept: OnAccept) {
    super();
    this.loop = loop;
    this.fd = fd;
    this.own = own;
    this.onAccept = onAccept;
    this.ceiling = loop.descriptors * ACCEPT_SHARE;
    this.generation = loop.generation();
    readLocalAddress(fd);
    this.at = decodeAddress();
    loop.adopt(this, own ? "listener" : null);
    this.watch();
  }

  /**
   * A shared descriptor wakes one worker per connection, not all, unless they wait in their rings. A poll of the ring itself would keep to one there,
   * but it holds the socket open for some milliseconds after a process that was killed, and clients would still be let in.
   */
  private watch(): void {
    if (this.watching || this.paused || this.closed) return;
    this.watching = true;
    const { poller } = this.loop;
    const alone = this.own || poller.add(this.fd, this.generation, EPOLL.IN | EPOLL.EXCLUSIVE) < 0;
    if (alone) poller.add(this.fd, this.generation, EPOLL.IN); // a kernel before 4.5 wakes all
  }

  private unwatch(): void {
    if (this.watching) this.loop.poller.remove(this.fd);
    this.watching = false;
  }

  /** An accept that finds nobody costs the kernel a whole socket, so a turn asks for as many as the last ones found. */
  onReady(): void {
    if (this.paused) return;
    const taken = this.acceptSome(this.batch);
    this.batch = taken < this.batch ? Math.max(taken, 1) : Math.min(this.batch * 2, MOST);
  }

  /** @returns How many were taken or had given up before; fewer than `most`: no more wait, or none can be taken. */
  private acceptSome(most: number): number {
    for (let i = 0; i < most; i++) {
      const fd = accept(this.fd);
      this.goneInRow = GONE.has(-fd) ? this.goneInRow + 1 : 0;
      if (fd >= 0) this.take(fd);
      else if (fd === -ERRNO.EAGAIN) return i;
      if (fd >= this.ceiling || (fd < 0 && (this.goneInRow === 0 || this.goneInRow > MOST))) {
        if (fd < 0 && !SHORTAGES.has(-fd)) this.tell(-fd);
        this.rest();
        return i;
      }
      if (this.paused || this.closed) return i;
    }
    return most;
  }

  private take(fd: number): void {
    const conn = new LinuxConn(this.loop, fd, decodeAddress(), null, null);
    try {
      conn.serve(this.onAccept(conn));
    } catch (error) {
      conn.fault(error);
      return;
    }
    conn.startAccepted();
  }

  /** Not a shortage, which is told elsewhere: a firewall rule, a network that went down, … */
  private tell(errno: number): void {
    const code = Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? `error ${errno}`;
    this.loop.fault(
      new AcceptError(`Cannot accept at ${formatEndpoint(this.at.ip, this.at.port)}: ${code}; trying again`),
    );
  }

  /** Out of descriptors, or nearly, or accepting fails: a listener that stays watched would spin, or leave none to reach the nodes with. */
  private rest(): void {
    this.unwatch();
    this.loop.relieve();
    this.loop.timers.add(this, this.loop.now + REST_MS);
  }

  /** Rested: those who wait come in once there is room for them. */
  fire(): void {
    if (this.isShort()) this.rest();
    else this.watch();
  }

  /** Asked with a socket of our own, since a client that was accepted to find out would take one of the last. */
  private isShort(): boolean {
    const fd = openSocket(AF.INET);
    if (fd >= 0) close(fd);
    return fd < 0 || fd >= this.ceiling;
  }

  pause(): void {
    this.paused = true;
    this.unwatch();
  }

  resume(): void {
    this.paused = false;
    this.watch();
  }

  close(): void {
    if (this.closed) return;
    this.paused = false;
    while (this.acceptSome(MOST) === MOST);
    this.shutDown();
  }

  shutDown(): void {
    if (this.closed) return;
    this.closed = true;
    this.unwatch();
    this.loop.timers.remove(this);
    this.loop.release(this.fd, this.own);
    if (this.own) close(this.fd);
  }
}
