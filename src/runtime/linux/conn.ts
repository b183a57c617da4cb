/** One TCP connection on the epoll loop, as its session knows it. */
import type { Cancel, CloseCause, Conn, ConnEvents } from "../port.ts";
import type { Address } from "../../seam/snapshot.ts";
import { EPOLL, ERRNO } from "./libc.ts";
import { READ_BYTES, readView } from "./memory.ts";
import { Linger } from "./linger.ts";
import type { Loop, Source, Task } from "./loop.ts";
import type { Pump } from "./pump.ts";
import type { DialSocket } from "./sockets.ts";
import { Stream } from "./stream.ts";
import { close, closeWithReset, peek, receive, socketError } from "./syscalls.ts";

/** Reads of one connection in a row before the others get their turn. */
const ROUNDS = 8;
const ENDING = EPOLL.RDHUP | EPOLL.HUP | EPOLL.ERR;
const READING = EPOLL.IN | ENDING;

/**
 * - dialing: not connected yet, `dialing` decides
 * - open: the session reads and writes
 * - lingering: written and FIN sent, what arrives is thrown away
 * - joined: two pumps read and write
 * - closed: the descriptor is gone
 */
export type ConnState = "dialing" | "open" | "lingering" | "joined" | "closed";

const NO_EVENTS: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class LinuxConn extends Stream implements Conn, Source, Task {
  queued = false;
  state: ConnState = "open";
  events: ConnEvents = NO_EVENTS;
  /** Takes what arrives here to another connection; null: the session reads. */
  pump: Pump | null = null;
  /** Brings what another connection sent; null: the session writes. */
  feeder: Pump | null = null;
  /** Whoever waits for this connection to open. */
  dialing: (Task & Cancel) | null = null;
  /** Whoever joined this connection with another. */
  tunnel: { cut(reason: "shutdown"): void } | null = null;
  /** The kernel may hold bytes or a FIN that were not read. */
  readable = false;
  /** Read on until 0 or EAGAIN: a FIN or RST was announced, and the edge will not come again. */
  ending = false;
  /** The peer's FIN was read. */
  ended = false;
  private paused = false;
  /** The session heard `false` and waits for onDrain. */
  private owesDrain = false;
  private finishing = false;
  /** Why it closed, until the session was told. */
  private cause: CloseCause | null = null;
  private linger: Linger | null = null;

  /** @param socket null: accepted; else one of ours. */
  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null) {
    super(loop, fd, remote, socket);
    loop.claim(this, "connection");
  }

  protected override outOfUse(): boolean {
    return this.state === "closed";
  }

  // ── what a session may do ──

  write(chunk: Uint8Array): boolean {
    this.assertOwn();
    if (this.state !== "open" || this.finishing || this.broken) return true;
    if (this.send(chunk) < 0) this.writeFailed();
    if (this.outbox === null) return true;
    this.owesDrain = true;
    return false;
  }

  pause(): void {
    this.assertOwn();
    this.paused = true;
  }

  resume(): void {
    this.assertOwn();
    if (!this.paused) return;
    this.paused = false;
    if (this.readable) this.loop.soon(this);
  }

  finish(): void {
    this.assertOwn();
    if (this.state !== "open" || this.finishing) return;
    this.finishing = true;
    if (this.outbox === null) this.sendFin();
    if (this.finished && this.ended) this.loop.soon(this);
  }

  closeAfter(lingerMs: number): void {
    this.assertOwn();
    if (this.state !== "open") return;
    this.unhook();
    this.state = "lingering";
    this.finishing = true;
    if (this.outbox === null) this.sendFin();
    this.linger = new Linger(this.loop, this, lingerMs);
    this.loop.soon(this);
  }

  destroy(): void {
    this.assertOwn();
    if (this.state === "closed") return;
    this.cause = "destroyed";
    this.drop(true);
    this.loop.soon(this);
  }

  private assertOwn(): void {
    if (this.state === "joined") throw new Error("Cannot use a connection after join: the runtime owns it");
  }

  // ── what the loop does ──

  /** Just accepted: with TCP_DEFER_ACCEPT the first bytes are there already, and a round through epoll is saved. */
  start(): void {
    if (this.state === "open") {
      this.readable = true;
      this.proceed();
    }
    this.register();
  }

  register(): void {
    if (this.registered || this.state === "closed") return;
    const code = this.watch();
    if (code < 0) this.fail(-code);
  }

  onReady(mask: number): void {
    this.loop.ledger.assert(this.state !== "closed", "a closed connection gets no events");
    if ((mask & EPOLL.OUT) !== 0 && !this.writable) {
      this.writable = true;
      if (this.feeder !== null) this.feeder.run();
      else this.drain();
      if (this.outOfUse()) return;
    }
    if ((mask & READING) !== 0) {
      this.readable = true;
      if ((mask & ENDING) !== 0) this.ending = true;
      if (this.pump !== null) this.pump.run();
      else this.proceed();
    } else if (this.dialing !== null) this.dialing.run();
  }

  /** As a task: go on after a resume, a join, a turn's share of reads, or tell of a close. */
  run(): void {
    if (this.state === "closed") this.tellClosed();
    else if (this.pump !== null) this.pump.run();
    else this.proceed();
  }

  private proceed(): void {
    if (this.state === "open") this.proceedOpen();
    else if (this.linger !== null) this.linger.proceed();
    else if (this.dialing !== null) this.dialing.run();
  }

  private proceedOpen(): void {
    if (this.ended) {
      if (this.finished) this.end("closed", false);
    } else if (!this.readable) return;
    else if (this.paused) this.lookForEnd();
    else this.read();
  }

  /** Read until the kernel has nothing more, the session pauses or hands the connection on, or its share is used up. */
  private read(): void {
    for (let round = 0; round < ROUNDS; round++) {
      const n = receive(this.fd, READ_BYTES);
      if (n <= 0) {
        this.readable = false;
        if (n === 0) this.endOfStream();
        else if (n !== -ERRNO.EAGAIN || this.broken) this.fail(-n);
        return;
      }
      // A short read emptied the socket: new bytes make a new edge. Not so when an end was announced with them.
      if (n < READ_BYTES && !this.ending) this.readable = false;
      this.deliver(n);
      if (!this.readable || this.paused || this.pump !== null || this.state !== "open") return;
    }
    this.loop.again(this);
  }

  private deliver(bytes: number): void {
    try {
      this.events.onData(readView(bytes));
    } catch (error) {
      this.fault(error);
    }
  }

  /** While paused, a FIN is told when no byte lies before it, and a RST always. */
  private lookForEnd(): void {
    if (!this.ending) return;
    const n = peek(this.fd);
    if (n === 0) this.endOfStream();
    else if (n < 0 && n !== -ERRNO.EAGAIN) this.fail(-n);
    else if (n > 0) this.failOn(socketError(this.fd));
  }

  private failOn(errno: number): void {
    if (errno !== 0) this.fail(errno);
  }

  /** The peer's FIN; after a failed write it was none. */
  endOfStream(): void {
    this.readable = false;
    this.ended = true;
    if (this.broken) {
      this.end("reset", true);
      return;
    }
    try {
      this.events.onEnd();
    } catch (error) {
      this.fault(error);
      return;
    }
    if (this.state === "open" && this.finished) this.end("closed", false);
  }

  // ── writing ──

  private drain(): void {
    if (this.outbox === null) return;
    const code = this.flush();
    if (code < 0) this.writeFailed();
    if (code <= 0) return;
    if (this.finishing) this.sendFin();
    if (this.finished && this.ended) this.loop.soon(this);
    else this.settle();
  }

  /** Tell of the drain that an earlier write waits for. */
  private settle(): void {
    if (!this.owesDrain || this.state !== "open") return;
    this.owesDrain = false;
    try {
      this.events.onDrain();
    } catch (error) {
      this.fault(error);
    }
  }

  /** The peer reset: what it sent before that is still read, then the close is told. */
  writeFailed(): void {
    this.broken = true;
    this.outbox = null;
    this.readable = true;
    this.ending = true;
    if (this.paused || this.ended || this.state === "lingering") {
      this.cause = "reset";
      this.drop(true);
    }
    this.loop.soon(this);
  }

  // ── handing on ──

  /** A `pass` takes over reading; a pause that the session asked for before is over. */
  lendTo(pump: Pump): void {
    this.pump = pump;
    this.paused = false;
  }

  /** A `pass` is over: whatever it wrote has left. */
  settleAfterPass(): void {
    if (this.outbox === null) this.settle();
  }

  /** Stop giving bytes to the session: the rest of a body whose receiver is gone is not its next request. */
  hush(): void {
    this.paused = true;
  }

  /** Take the connection away from its session, which hears nothing of it any more. */
  handOver(tunnel: { cut(reason: "shutdown"): void }): void {
    this.events = NO_EVENTS;
    this.cause = null;
    this.tunnel = tunnel;
    if (this.state !== "closed") this.state = "joined";
  }

  /** Leave the pumps of a `pass` that is under way. */
  private unhook(): void {
    this.pump?.abandon();
    this.feeder?.abandon();
  }

  // ── the end ──

  fail(errno: number): void {
    this.end(errno === ERRNO.ETIMEDOUT || errno === ERRNO.EHOSTUNREACH ? "timeout" : "reset", true);
  }

  fault(error: unknown): void {
    this.loop.fault(error);
    this.end("fault", true);
  }

  /** Close and tell at once: only from the loop, never from inside a session's call. */
  end(cause: CloseCause, reset: boolean): void {
    if (this.state === "closed") return;
    this.cause = cause;
    this.drop(reset);
    this.tellClosed();
  }

  private tellClosed(): void {
    const { cause, events } = this;
    if (cause === null) return;
    this.cause = null;
    this.events = NO_EVENTS;
    try {
      events.onClose(cause);
    } catch (error) {
      this.loop.fault(error);
    }
  }

  /**
   * Close the descriptor, with RST or FIN; whoever owns the connection is not told.
   * @param recycle A short connection of ours: its socket may serve again if it ended well.
   */
  drop(reset: boolean, recycle = false): void {
    if (this.state === "closed") return;
    this.unhook();
    this.state = "closed";
    this.outbox = null;
    this.dialing = null;
    this.linger?.stop();
    this.loop.forget(this, true);
    if (reset) closeWithReset(this.fd);
    else if (recycle && this.socket !== null && this.bare && this.ended && this.finished) {
      this.loop.sockets.give(this.socket);
    } else close(this.fd);
  }

  /** The runtime stops: end it as its owner expects. */
  shutDown(): void {
    if (this.tunnel !== null) this.tunnel.cut("shutdown");
    else if (this.dialing !== null) this.dialing.cancel();
    else this.destroy();
  }
}
