/** Connecting to an endpoint: the first bytes leave at once when the network is near enough. */
import type { DialSpec } from "../port.ts";
import type { DialError } from "../../seam/mail.ts";
import { LinuxConn } from "./conn.ts";
import type { Opening } from "./lifetime.ts";
import { ERRNO } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { bytesAt, destinationSlot, familyAt } from "../kernel/sockaddr.ts";
import { close, connect } from "../kernel/syscalls.ts";
import { TimerNode } from "./timers.ts";

const ERRORS: ReadonlyMap<number, DialError> = new Map([
  [ERRNO.ECONNREFUSED, "refused"],
  [ERRNO.ETIMEDOUT, "timeout"],
  [ERRNO.ENETUNREACH, "unreachable"],
  [ERRNO.EHOSTUNREACH, "unreachable"],
  [ERRNO.EAFNOSUPPORT, "unreachable"],
  [ERRNO.EADDRNOTAVAIL, "no-ports"],
  [ERRNO.EMFILE, "no-descriptors"],
  [ERRNO.ENFILE, "no-descriptors"],
  [ERRNO.ENOBUFS, "no-descriptors"],
  [ERRNO.ENOMEM, "no-descriptors"],
]);

export function dial(loop: Loop, spec: DialSpec): Opening {
  return new Dialing(loop, spec);
}

class Dialing extends TimerNode implements Opening {
  queued = false;
  private readonly loop: Loop;
  private readonly spec: DialSpec;
  private conn: LinuxConn | null = null;
  /** A copy of the first bytes, when they could not be sent at once. */
  private first: Uint8Array | null = null;
  /** The first bytes were offered to the kernel, and what it did with them is known when the turn's sends are over. */
  private offered = false;
  private connected = false;
  private settled = false;
  private error: DialError | null = null;

  constructor(loop: Loop, spec: DialSpec) {
    super();
    this.loop = loop;
    this.spec = spec;
    const code = this.start();
    if (code < 0) this.failSoon(-code);
  }

  private failSoon(errno: number): void {
    this.first ??= this.spec.first?.slice() ?? null;
    this.error = ERRORS.get(errno) ?? "other";
    this.loop.soon(this);
  }

  /** @returns 0, or the errno negated. */
  private start(): number {
    const { to, from = null, first } = this.spec;
    if (this.loop.stopped) return -ERRNO.ECONNREFUSED; // nobody would close it
    const slot = destinationSlot(to.ip, to.port);
    if (slot < 0) return -ERRNO.EINVAL;
    const { sockets } = this.loop;
    const socket = from === null ? sockets.take(familyAt(slot)) : sockets.openFrom(from);
    if (typeof socket === "number") return socket;
    const { fd } = socket;
    socket.acksWithData(first !== null);
    const code = connect(fd, slot, bytesAt(slot));
    if (code < 0 && code !== -ERRNO.EINPROGRESS) {
      close(fd);
      return code;
    }
    this.conn = new LinuxConn(this.loop, fd, to, socket, this);
    this.loop.keepUp();
    if (first === null) this.await(this.conn);
    else this.offerFirst(this.conn, first);
    return 0;
  }

  /** On loopback and in a quick LAN the connection stands already, and a round through epoll is saved. */
  private offerFirst(conn: LinuxConn, first: Uint8Array): void {
    this.offered = true;
    this.loop.afterSends(this);
    conn.offer(first);
  }

  refused(errno: number, rest: Uint8Array): void {
    this.first = rest.slice();
    if (errno !== ERRNO.EAGAIN) this.error = ERRORS.get(errno) ?? "other";
  }

  private await(conn: LinuxConn): void {
    conn.awaitWritable();
    conn.startWatching();
    this.loop.timers.add(this, this.loop.now + this.spec.timeoutMs);
  }

  /** The socket has news, or the outcome was known before `dial` returned. */
  run(): void {
    if (this.settled) return;
    if (this.conn !== null && this.error === null) this.look(this.conn);
    if (this.error !== null) this.fail(this.error);
    else if (this.connected && this.conn !== null) this.open(this.conn);
  }

  private look(conn: LinuxConn): void {
    if (!this.offered) return this.askSocket(conn);
    this.offered = false;
    if (this.first === null) this.connected = true;
    else this.await(conn);
  }

  private askSocket(conn: LinuxConn): void {
    const errno = conn.connectError();
    if (errno !== 0) {
      this.error = ERRORS.get(errno) ?? "other";
      return;
    }
    this.connected = true;
    if (this.first !== null) conn.send(this.first);
    this.first = null;
  }

  private open(conn: LinuxConn): void {
    this.settle();
    conn.connected();
    try {
      conn.serve(this.spec.onOpen(conn));
    } catch (error) {
      conn.fault(error);
      return;
    }
    conn.startDialled();
  }

  private fail(error: DialError): void {
    this.settle();
    this.conn?.close(true);
    try {
      this.spec.onFail(error, this.first);
    } catch (thrown) {
      this.loop.fault(thrown);
    }
  }

  private settle(): void {
    this.settled = true;
    this.loop.timers.remove(this);
  }

  /** No answer in time. */
  fire(): void {
    if (!this.settled) this.fail("timeout");
  }

  cancel(): void {
    if (this.settled) return;
    this.settle();
    this.conn?.close(true);
  }
}
