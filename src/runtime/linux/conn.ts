/** One TCP connection on the epoll loop, as its session knows it. */
import type { Cancel, CloseCause, Conn, ConnEvents } from "../port.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { EndState } from "../../seam/tunnel-state.ts";
import { EPOLL, ERRNO } from "../kernel/libc.ts";
import { discard, Linger, type Lingering } from "./linger.ts";
import type { Loop } from "./loop.ts";
import { READ_BYTES, readView } from "../kernel/memory.ts";
import type { DialSocket } from "./sockets.ts";
import { type Joint, type Transfer, TransferEnd } from "./transfer.ts";
import type { Task, Watcher } from "./watcher.ts";

/** Reads of one connection in a row before the others get their turn. */
const ROUNDS = 8;
const ENDING = EPOLL.RDHUP | EPOLL.HUP | EPOLL.ERR;
const READING = EPOLL.IN | ENDING;

/** Dialing: `dialing` decides. Lingering: FIN was sent, what arrives is thrown away. Joined: two pumps read and write. */
export type ConnState = "dialing" | "open" | "lingering" | "joined" | "closed";

/** A dial that is under way. */
export interface Opening extends Task, Cancel {
  /** The first bytes could not leave; `rest` is valid during the call only. */
  refused(errno: number, rest: Uint8Array): void;
}

const NO_EVENTS: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class LinuxConn extends TransferEnd implements Conn, Watcher, Task, Lingering {
  queued = false;
  private phase: ConnState;
  private events: ConnEvents = NO_EVENTS;
  /** Whoever waits for this connection to open. */
  private dialing: Opening | null;
  private paused = false;
  /** The session heard `false` and waits for onDrain. */
  private owesDrain = false;
  private finishing = false;
  /** Why it closed, until the session was told. */
  private cause: CloseCause | null = null;
  private linger: Linger | null = null;
  /** A send failed at the end of a turn, and whoever sent it was not told yet. */
  private breakUntold = false;

  /**
   * @param socket null: accepted; else one of ours.
   * @param dialing Hears of the descriptor until `connected`; null: it is connected.
   */
  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null, dialing: Opening | null) {
    super(loop, fd, remote, socket);
    this.dialing = dialing;
    this.phase = dialing === null ? "open" : "dialing";
    loop.adopt(this, "connection");
  }

  get state(): ConnState {
    return this.phase;
  }

  protected override isClosed(): boolean {
    return this.phase === "closed";
  }

  // ── how it begins ──

  /** The dial succeeded. */
  connected(): void {
    this.dialing = null;
    this.phase = "open";
  }

  /** The session it belongs to, unless that has handed it on already. */
  serve(events: ConnEvents): void {
    if (this.joint === null) this.events = events;
  }

  /** Just accepted: with TCP_DEFER_ACCEPT the first bytes are there already, and a round through epoll is saved. */
  startAccepted(): void {
    if (this.phase === "open") {
      this.markReadable(false);
      this.proceed();
    }
    this.startWatching();
  }

  /** Just connected: what came meanwhile is told after the call that is under way. */
  startDialled(): void {
    this.startWatching();
    if (this.broken) this.markReadable(false);
    if (this.readable) this.loop.soon(this);
  }

  startWatching(): void {
    const code = this.watch();
    if (code < 0) this.fail(-code);
  }

  // ── what a session may do ──

  write(chunk: Uint8Array): boolean {
    this.assertOwn();
    if (this.phase !== "open" || this.finishing || this.broken) return true;
    if (this.send(chunk) < 0) this.writeFailed();
    if (!this.hasUnsent) return true;
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
    if (this.phase !== "open" || this.finishing) return;
    this.finishAfterOutbox();
    if (this.finished && this.ended) this.loop.soon(this);
  }

  closeAfter(lingerMs: number): void {
    this.assertOwn();
    if (this.phase !== "open") return;
    this.abandonTransfers();
    this.phase = "lingering";
    this.finishAfterOutbox();
    this.linger = new Linger(this.loop, this, lingerMs);
    this.loop.soon(this);
  }

  destroy(): void {
    this.assertOwn();
    if (this.phase === "closed") return;
    this.cause = "destroyed";
    this.close(true);
    this.loop.soon(this);
  }

  private finishAfterOutbox(): void {
    this.finishing = true;
    this.settle();
    if (!this.hasUnsent) this.sendFin();
  }

  private assertOwn(): void {
    if (this.phase === "joined") throw new Error("Cannot use a connection after join: the runtime owns it");
  }

  // ── what the loop does ──

  onReady(mask: number): void {
    this.loop.ledger.assert(this.phase !== "closed", "a closed connection gets no events");
    if ((mask & EPOLL.OUT) !== 0 && this.markWritable()) {
      if (this.feeder !== null) this.feeder.run();
      else this.drain();
      if (this.isClosed()) return;
    }
    if ((mask & READING) !== 0) {
      this.markReadable((mask & ENDING) !== 0);
      if (this.reader !== null) this.reader.run();
      else this.proceed();
    } else if (this.dialing !== null) this.dialing.run();
  }

  /** As a task: go on after a resume, a join, a turn's share of reads, or tell of a close. */
  run(): void {
    if (this.breakUntold) this.tellBroken();
    if (this.phase === "closed") this.tellClosed();
    else if (this.reader !== null) this.reader.run();
    else this.proceed();
  }

  private proceed(): void {
    if (this.phase === "open") this.proceedOpen();
    else if (this.phase === "lingering") this.discardInput();
    else if (this.dialing !== null) this.dialing.run();
  }

  private proceedOpen(): void {
    if (this.ended) this.endIfFinished();
    else if (this.readable && this.paused) this.lookForEnd();
    else if (this.readable) this.readForSession();
  }

  /** Read until the kernel has nothing more, the session pauses or hands the connection on, or its share is used up. */
  private readForSession(): void {
    for (let round = 0; round < ROUNDS; round++) {
      const n = this.read(READ_BYTES);
      if (n === 0) return this.endOfStream();
      if (n < 0) return n === -ERRNO.EAGAIN && !this.broken ? undefined : this.fail(-n);
      this.deliver(n);
      if (!this.readable || this.paused || this.reader !== null || this.phase !== "open") return;
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
    const n = this.peekEnd();
    if (n === 0) this.endOfStream();
    else if (n < 0) this.fail(-n);
  }

  /** While lingering: read and forget. */
  private discardInput(): void {
    const code = discard(this, ROUNDS);
    if (code < 0) this.fail(-code);
    else if (this.readable) this.loop.again(this);
    else if (this.ended && this.finished) this.end("closed", false);
  }

  /** The peer's FIN was read; after a failed write it was none. */
  endOfStream(): void {
    if (this.broken) return this.end("reset", true);
    try {
      this.events.onEnd();
    } catch (error) {
      return this.fault(error);
    }
    if (this.phase === "open") this.endIfFinished();
  }

  private endIfFinished(): void {
    if (this.finished) this.end("closed", false);
  }

  // ── writing ──

  private drain(): void {
    const code = this.hasUnsent ? this.flush() : 0;
    if (code < 0) this.writeFailed();
    if (code <= 0) return;
    if (this.finishing) this.sendFin();
    if (this.finished && this.ended) this.loop.soon(this);
    else this.tellDrained();
  }

  private tellDrained(): void {
    if (!this.owesDrain || this.phase !== "open") return;
    this.owesDrain = false;
    try {
      this.events.onDrain();
    } catch (error) {
      this.fault(error);
    }
  }

  /** The peer reset: what it sent before that is still read, then the close is told. */
  writeFailed(): void {
    this.breakOff();
    this.markReadable(true);
    if (this.paused || this.ended || this.phase === "lingering") {
      this.cause = "reset";
      this.close(true);
    }
    this.loop.soon(this);
  }

  override sentShort(result: number, rest: Uint8Array): void {
    if (this.dialing === null || result >= 0) super.sentShort(result, rest);
    else this.dialing.refused(-result, rest);
  }

  protected override onBroken(): void {
    this.breakUntold = true;
    this.loop.soon(this);
  }

  private tellBroken(): void {
    this.breakUntold = false;
    if (this.feeder !== null) this.feeder.run();
    else if (this.phase === "open" || this.phase === "lingering") this.writeFailed();
  }

  // ── handing on ──

  /** A transfer takes what arrives here; a pause that the session asked for before is over. */
  override readBy(transfer: Transfer): void {
    super.readBy(transfer);
    this.paused = false;
  }

  /** A pass wrote here and is over. */
  passOver(): void {
    if (!this.hasUnsent) this.tellDrained();
  }

  /** No more bytes for the session: the rest of a body whose receiver is gone is not its next request. */
  stopDelivery(): void {
    this.paused = true;
  }

  /** Take the connection away from its session, which hears nothing of it any more. */
  override joinBy(joint: Joint): void {
    super.joinBy(joint);
    this.events = NO_EVENTS;
    this.cause = null;
    if (this.phase !== "closed") this.phase = "joined";
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
    if (this.phase === "closed") return;
    this.cause = cause;
    this.close(reset);
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
  close(reset: boolean, recycle = false): void {
    if (this.phase === "closed") return;
    this.abandonTransfers();
    this.phase = "closed";
    this.dialing = null;
    this.linger?.stop();
    this.disconnect(reset, recycle);
  }

  /** Its tunnel goes to another owner, and the descriptor with it. @param held Bytes for it, after those of its outbox. */
  giveAway(held: Uint8Array): EndState {
    this.phase = "closed";
    return this.letGo(held);
  }

  /** The runtime stops: end it as its owner expects. */
  shutDown(): void {
    if (this.joint !== null) this.joint.cut("shutdown");
    else if (this.dialing !== null) this.dialing.cancel();
    else this.destroy();
  }
}
