/**
 * Sockets for dialling. One whose connection ended well is kept for the next: connect(2) to AF_UNSPEC dissolves the
 * association, and the descriptor, its registration with epoll and the kernel's socket need not be made again, which is
 * a tenth of what the node's side of a short connection costs.
 *
 * Only after both FINs and with everything acknowledged: dissolving earlier would lose bytes. Events of the earlier
 * connection carry its generation; the next registration changes it.
 */
import type { Ledger } from "./ledger.ts";
import { AF } from "./libc.ts";
import type { Family } from "./sockaddr.ts";
import { TimerNode, type TimerWheel } from "./timers.ts";
import { close, dissolve, openSocket, unacknowledged } from "./syscalls.ts";

/** Kept per address family; an idle socket costs the kernel about 2 KB. */
const KEPT = 64;
const LOOK_MS = 500;

export class SocketPool extends TimerNode {
  private readonly loop: { readonly now: number; readonly timers: TimerWheel; readonly ledger: Ledger };
  private readonly idle: Record<Family, number[]> = { [AF.INET]: [], [AF.INET6]: [] };
  /** Sockets that nobody asked for since the last look. */
  private readonly spare: Record<Family, number> = { [AF.INET]: 0, [AF.INET6]: 0 };
  /** Whether the socket that `take` gave last is registered with epoll already. */
  registered = false;

  constructor(loop: { readonly now: number; readonly timers: TimerWheel; readonly ledger: Ledger }) {
    super();
    this.loop = loop;
  }

  /** @returns An unconnected socket, or the errno negated. */
  take(family: Family): number {
    const fd = this.idle[family].pop();
    this.registered = fd !== undefined;
    if (fd === undefined) return openSocket(family);
    this.loop.ledger.disown(fd);
    this.spare[family] = Math.min(this.spare[family], this.idle[family].length);
    return fd;
  }

  /** Keep or close a socket whose connection ended with both FINs. */
  give(fd: number, family: Family): void {
    const idle = this.idle[family];
    if (idle.length >= KEPT || unacknowledged(fd) !== 0 || dissolve(fd) < 0) {
      close(fd);
      return;
    }
    this.loop.ledger.own(fd, "idle socket");
    idle.push(fd);
    if (this.slot < 0) this.loop.timers.add(this, this.loop.now + LOOK_MS);
  }

  /** Close what was not needed since the last look. */
  override fire(): void {
    this.shed(AF.INET, this.spare[AF.INET]);
    this.shed(AF.INET6, this.spare[AF.INET6]);
    if (this.idle[AF.INET].length + this.idle[AF.INET6].length > 0) {
      this.loop.timers.add(this, this.loop.now + LOOK_MS);
    }
  }

  /** Close all. */
  clear(): void {
    this.shed(AF.INET, KEPT);
    this.shed(AF.INET6, KEPT);
  }

  private shed(family: Family, count: number): void {
    for (const fd of this.idle[family].splice(0, count)) {
      this.loop.ledger.disown(fd);
      close(fd);
    }
    this.spare[family] = this.idle[family].length;
  }
}
