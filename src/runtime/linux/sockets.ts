/**
 * Sockets for dialling. One whose connection ended well is kept for the next: connect(2) to AF_UNSPEC dissolves the
 * association, and the descriptor, its registration with epoll and the kernel's socket need not be made again, which is
 * a tenth of what the node's side of a short connection costs.
 *
 * Only after both FINs and with everything acknowledged: dissolving earlier would lose bytes. The last event of the earlier
 * connection is the EPOLLHUP of its dissolving, in a later turn; until it came the socket is not taken, so no event that was
 * fetched for one connection meets the next.
 */
import { AF, EPOLL } from "../kernel/libc.ts";
import { familyOf, type Family } from "../kernel/sockaddr.ts";
import { ackWithData } from "../kernel/socket-options.ts";
import { openFrom } from "../kernel/transparent.ts";
import { close, dissolve, openSocket, unacknowledged } from "../kernel/syscalls.ts";
import { TimerNode, type TimerWheel } from "./timers.ts";
import type { Watcher } from "./watcher.ts";

/** Kept per address family; an idle socket costs the kernel about 2 KB. */
const KEPT = 64;
const SHED_MS = 500;

/** What the pool needs of the loop, which owns it. */
interface PoolLoop {
  readonly now: number;
  readonly turns: number;
  readonly timers: TimerWheel;
  generation(): number;
  adopt(watcher: Watcher, what: string): void;
  release(fd: number, owned: boolean): void;
}

/** One socket of ours, through all its connections. As a watcher it waits for the end of the last one. */
export class DialSocket implements Watcher {
  readonly fd: number;
  readonly family: Family;
  readonly generation: number;
  /** What epoll was told to watch; 0: it does not know this descriptor. */
  mask = 0;
  /** It is bound to a client's address: nobody else can use it. */
  isBound = false;
  /** No event of an earlier connection can come any more; there is none where epoll did not watch. */
  settled = true;
  private readonly loop: PoolLoop;
  private dissolvedIn = 0;
  /** The handshake's last ACK waits for the first bytes. */
  private isAckHeld = false;

  constructor(loop: PoolLoop, fd: number, family: Family) {
    this.loop = loop;
    this.fd = fd;
    this.family = family;
    this.generation = loop.generation();
  }

  /** The next connection begins with bytes of ours, or does not. Nearly all do, so the option is set once. */
  acksWithData(on: boolean): void {
    if (this.isAckHeld === on) return;
    this.isAckHeld = on;
    ackWithData(this.fd, on);
  }

  /** Epoll watches its input, or nothing of it: the next connection finds it as it needs it. */
  get isWhole(): boolean {
    return this.mask === 0 || (this.mask & EPOLL.IN) !== 0;
  }

  unsettle(): void {
    this.settled = this.mask === 0;
    this.dissolvedIn = this.loop.turns;
  }

  onReady(): void {
    if (this.loop.turns > this.dissolvedIn) this.settled = true;
  }

  /** The pool closes it. */
  shutDown(): void {}
}

export class SocketPool extends TimerNode {
  private readonly loop: PoolLoop;
  /** Oldest first: the first one is settled if any is. */
  private readonly idle: Record<Family, DialSocket[]> = { [AF.INET]: [], [AF.INET6]: [] };
  /** Sockets that nobody asked for since the last round. */
  private readonly spare: Record<Family, number> = { [AF.INET]: 0, [AF.INET6]: 0 };

  constructor(loop: PoolLoop) {
    super();
    this.loop = loop;
  }

  /** @returns An unconnected socket, or the errno negated. */
  take(family: Family): DialSocket | number {
    const idle = this.idle[family];
    if (idle[0]?.settled !== true) return this.open(family);
    const socket = idle.shift();
    if (socket === undefined) return this.open(family);
    this.loop.release(socket.fd, true);
    this.spare[family] = Math.min(this.spare[family], idle.length);
    return socket;
  }

  /** One that dials from that address, whoever has it. */
  openFrom(ip: string): DialSocket | number {
    const fd = openFrom(ip);
    if (fd < 0) return fd;
    const socket = new DialSocket(this.loop, fd, familyOf(ip));
    socket.isBound = true;
    return socket;
  }

  private open(family: Family): DialSocket | number {
    const fd = openSocket(family);
    return fd < 0 ? fd : new DialSocket(this.loop, fd, family);
  }

  /** Keep or close a socket whose connection ended with both FINs. */
  recycle(socket: DialSocket): void {
    const { fd, family } = socket;
    const idle = this.idle[family];
    if (socket.isBound || !socket.isWhole || idle.length >= KEPT || unacknowledged(fd) !== 0 || dissolve(fd) < 0) {
      close(fd);
      return;
    }
    socket.unsettle();
    this.loop.adopt(socket, "idle socket");
    idle.push(socket);
    if (this.slot < 0) this.loop.timers.add(this, this.loop.now + SHED_MS);
  }

  /** Close what was not needed since the last round. */
  override fire(): void {
    this.shed(AF.INET, this.spare[AF.INET]);
    this.shed(AF.INET6, this.spare[AF.INET6]);
    if (this.idle[AF.INET].length + this.idle[AF.INET6].length > 0) {
      this.loop.timers.add(this, this.loop.now + SHED_MS);
    }
  }

  /** Close all. */
  clear(): void {
    this.shed(AF.INET, KEPT);
    this.shed(AF.INET6, KEPT);
  }

  private shed(family: Family, count: number): void {
    for (const socket of this.idle[family].splice(0, count)) {
      this.loop.release(socket.fd, true);
      close(socket.fd);
    }
    this.spare[family] = this.idle[family].length;
  }
}
