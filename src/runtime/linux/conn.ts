/** One TCP connection on the epoll loop, as its session knows it. */
import type { Conn } from "../port.ts";
import { EPOLL, ERRNO } from "../kernel/libc.ts";
import { READ_BYTES, readView } from "../kernel/memory.ts";
import { Lifetime } from "./lifetime.ts";
import { discard, Linger } from "./linger.ts";
import type { Transfer } from "./transfer.ts";

/** Reads of one connection in a row before the others get their turn. */
const ROUNDS = 8;
const ENDING = EPOLL.RDHUP | EPOLL.HUP | EPOLL.ERR;
const READING = EPOLL.IN | ENDING;

export class LinuxConn extends Lifetime implements Conn {
  private paused = false;
  /** The session heard `false` and waits for onDrain. */
  private owesDrain = false;
  private finishing = false;
  /** A send failed at the end of a turn, and whoever sent it was not told yet. */
  private breakUntold = false;

  // ── how it begins ──

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
    const code = this.watch(this.dialing === null);
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

  private finishAfterOutbox(): void {
    this.finishing = true;
    this.settle();
    if (!this.hasUnsent) this.sendFin();
  }

  // ── what the loop does ──

  get receiver(): this {
    return this;
  }

  protected override onNews(): void {
    this.loop.soon(this);
  }

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
    this.standOn();
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
}
