/**
 * A connected descriptor, and who tells of its news: a receive that stands with the ring while little comes, else epoll. What a receive
 * brought waits here until it is read.
 */
import type { Address } from "../../seam/snapshot.ts";
import { concatenated } from "../kernel/concatenated.ts";
import { EPOLL, ERRNO } from "../kernel/libc.ts";
import { ARRIVAL_BYTES } from "../kernel/memory.ts";
import { socketError } from "../kernel/syscalls.ts";
import type { Arrival, Receiver } from "../ring/arrivals.ts";
import type { Loop } from "./loop.ts";
import type { DialSocket } from "./sockets.ts";

/**
 * Edge-triggered; EPOLLOUT is asked for when the first write falls short and stays: asking at once would make every
 * registration an event of its own.
 */
const INPUT = EPOLL.IN | EPOLL.RDHUP;
const WATCHED = INPUT | EPOLL.ET;
/** A receive ended for want of something, not for an end of the stream. */
const SHORT_OF: ReadonlySet<number> = new Set([ERRNO.ENOBUFS, ERRNO.ENOMEM, ERRNO.EAGAIN, ERRNO.EINTR]);
/** Neither a FIN nor an error arrived. */
export const NO_END = 1;
/** So many full buffers in one turn are a stream, which is better read in large pieces. */
const STREAM_BUFFERS = 4;
/**
 * Whether a RST may have come that no receive told of: the kernel asks a socket for more only while it holds some, and so misses one that
 * came with the last bytes. "fresh" becomes "quiet" from one look to the next.
 */
type Unseen = "nothing" | "fresh" | "quiet";

export abstract class Watched implements Receiver {
  readonly fd: number;
  readonly generation: number;
  readonly remote: Address;
  protected readonly loop: Loop;
  /** Where it was dialled: the socket, which outlives the connection; null: accepted. */
  protected readonly socket: DialSocket | null;
  /** Epoll knows the descriptor. */
  protected registered: boolean;
  private mask: number;
  private watched: boolean;
  /** A receive stands: epoll does not tell what comes. */
  protected standing = false;
  /** It ended by itself and more may come. */
  private lapsed = false;
  /** Buffers that it filled in this turn. */
  private fullBuffers = 0;
  private unseen: Unseen = "nothing";
  /** What arrived and was not read, the oldest first. */
  protected arrival: Arrival | null = null;
  /** Behind it: 0 the peer's FIN, below 0 an errno negated. */
  protected arrivedEnd = NO_END;
  /** The kernel may hold something. */
  protected mayRead = false;
  private mayWrite = true;

  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null) {
    this.loop = loop;
    this.fd = fd;
    this.remote = remote;
    this.socket = socket;
    this.mask = socket === null || socket.mask === 0 ? WATCHED : socket.mask;
    this.registered = socket !== null && socket.mask !== 0;
    this.watched = this.registered;
    this.generation = socket === null ? loop.generation() : socket.generation;
  }

  /** The descriptor is gone. */
  protected abstract isClosed(): boolean;

  /** Something arrived, or an end. */
  protected abstract onNews(): void;

  /** The kernel took everything that was offered last. */
  get writable(): boolean {
    return this.mayWrite;
  }

  // ── epoll, or a receive ──

  /**
   * Have news told; what came before is told at once.
   * @param connected A receive may stand.
   * @returns 0, or the errno negated.
   */
  protected watch(connected: boolean): number {
    if (this.watched || this.isClosed()) return 0;
    this.watched = true;
    if (!connected || !this.loop.batch.receives) return this.register();
    this.stand();
    return (this.mask & EPOLL.OUT) === 0 ? 0 : this.register();
  }

  private stand(): void {
    this.standing = true;
    this.loop.batch.receive(this.fd, this.generation);
  }

  /** Have epoll tell what no receive tells. */
  private register(): number {
    const mask = this.standing ? this.mask & ~INPUT : this.mask;
    const { poller } = this.loop;
    if (this.socket !== null) this.socket.mask = mask;
    if (this.registered) return poller.modify(this.fd, this.generation, mask);
    const code = poller.add(this.fd, this.generation, mask);
    this.registered = code >= 0;
    return code;
  }

  /** The same in mid-life: where epoll has no room for it, it ends. */
  private registerOrEnd(): void {
    const code = this.isClosed() ? 0 : this.register();
    if (code >= 0) return;
    this.arrivedEnd = code;
    this.onNews();
  }

  /** No receive stands when it returns: what came before has arrived, and epoll tells of news. */
  protected leaveRing(): void {
    if (!this.standing) return;
    this.loop.withdraw(this.fd, this.generation, () => this.standing);
    this.lapsed = false;
    this.registerOrEnd();
  }

  /** It closes: what still comes is nobody's. */
  protected cancelReceive(): void {
    if (!this.standing) return;
    this.standing = false;
    this.loop.batch.cancel(this.fd, this.generation);
  }

  onNoRing(): void {
    if (!this.standing) return;
    this.standing = false;
    this.registerOrEnd();
  }

  /** The kernel refused bytes: have the loop tell when it takes more. */
  awaitWritable(): void {
    this.mayWrite = false;
    if ((this.mask & EPOLL.OUT) !== 0) return;
    this.mask |= EPOLL.OUT;
    if (this.watched) this.registerOrEnd();
  }

  /** @returns Whether that is news. */
  protected markWritable(): boolean {
    if (this.mayWrite) return false;
    this.mayWrite = true;
    return true;
  }

  // ── what a receive brought ──

  onArrival(arrival: Arrival | null, result: number, standing: boolean): void {
    const short = SHORT_OF.has(-result);
    if (!standing) {
      this.standing = false;
      this.lapsed = result > 0 || short;
    }
    if (short) this.mayRead = true; // by itself this time, or many that speak at once would wait for the same few buffers
    if (arrival !== null) {
      if (result === ARRIVAL_BYTES) this.fullBuffers++;
      this.append(arrival);
      this.unseen = "fresh";
      this.loop.lookLater();
    } else if (!short && result !== -ERRNO.ECANCELED) this.arrivedEnd = result;
    this.onNews();
  }

  private append(arrival: Arrival): void {
    if (this.arrival === null) {
      this.arrival = arrival;
      return;
    }
    let last = this.arrival;
    while (last.next !== null) last = last.next;
    last.next = arrival;
  }

  /** After what arrived was told: go on, or leave it to epoll where nobody reads or a stream comes. */
  protected standOn(): void {
    const behind = this.arrival !== null || this.fullBuffers >= STREAM_BUFFERS;
    this.fullBuffers = 0;
    if (this.isClosed()) return;
    if (this.standing) {
      if (behind) this.leaveRing();
    } else if (this.lapsed) {
      this.lapsed = false;
      if (behind || this.registered || !this.loop.batch.receives) this.registerOrEnd();
      else this.stand();
    } else if (this.arrivedEnd === 0 && behind && !this.registered) this.registerOrEnd(); // a RST may follow the FIN that nobody reads
  }

  /** Bytes that arrived and nobody read; nothing of them stays here. The FIN behind them can be read again. */
  takeArrived(): Uint8Array {
    const chunks: Uint8Array[] = [];
    for (let { arrival } = this; arrival !== null; arrival = arrival.next) chunks.push(arrival.rest());
    this.dropArrived();
    this.arrivedEnd = NO_END;
    return concatenated(chunks);
  }

  protected dropArrived(): void {
    for (let { arrival } = this; arrival !== null; arrival = arrival.next) arrival.drop();
    this.arrival = null;
  }

  // ── what it does not tell ──

  look(): boolean {
    const { unseen } = this;
    this.unseen = unseen === "fresh" ? "quiet" : "nothing";
    if (unseen === "quiet" && this.standing) this.lookForReset();
    return unseen === "fresh";
  }

  private lookForReset(): void {
    const errno = socketError(this.fd);
    if (errno === 0) return;
    this.leaveRing();
    if (this.arrivedEnd >= 0) this.arrivedEnd = -errno;
    this.onNews();
  }
}
