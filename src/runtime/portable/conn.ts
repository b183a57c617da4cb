/**
 * One connection of a runtime: the state machine between a `Wire` and a session, a pass or a tunnel.
 * The runtimes on Bun, on `node:net` and in memory share it, so that they cannot differ in more than their sockets.
 */
import type { Address } from "../../seam/snapshot.ts";
import type { CloseCause, Conn, ConnEvents } from "../port.ts";
import { wireAddress } from "./addresses.ts";
import { Inbox } from "./inbox.ts";
import { Linger } from "./linger.ts";
import { Outbox } from "./outbox.ts";
import type { Transfer } from "./transfer.ts";
import type { Host, Wire } from "./wire.ts";

/** Idle time before the first probe. */
export const KEEP_ALIVE_MS = 30_000;

const NO_EVENTS: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export class PortableConn implements Conn {
  readonly remote: Address;
  private readonly wire: Wire;
  private readonly host: Host;
  private readonly inbox: Inbox;
  private readonly outbox: Outbox;
  private events: ConnEvents = NO_EVENTS;
  /** A tunnel has it: no event reaches the session any more. */
  private joined = false;
  /** Takes what arrives here to another connection; null: the session reads. */
  private reader: Transfer | null = null;
  /** Brings what another connection sent; null: the session writes. */
  private feeder: Transfer | null = null;
  private paused = false;
  /** What arrives is thrown away. */
  private discarding = false;
  /** The session heard `false` and waits for onDrain. */
  private owesDrain = false;
  /** The peer's FIN was read from the wire; `endTold`: the session or the transfer knows. */
  private endSeen = false;
  private endTold = false;
  private over = false;
  /** The wire is gone, but the session has not read everything yet. */
  private pendingClose: CloseCause | null = null;
  private delivering = false;
  private keptAlive = false;
  private near: Address | null = null;
  private linger: Linger | null = null;

  /** @param remote Where it leads, if known already; a closed socket no longer tells. */
  constructor(wire: Wire, host: Host, remote: Address | null) {
    this.wire = wire;
    this.host = host;
    this.inbox = new Inbox(wire, host);
    this.outbox = new Outbox(wire, host);
    this.remote = remote ?? wireAddress(wire.remoteAddress, wire.remotePort);
    host.conns.add(this);
  }

  /** The session it belongs to, unless that has handed it on already. */
  serve(events: ConnEvents): void {
    if (!this.joined) this.events = events;
  }

  // ── what a session may do ──

  get local(): Address {
    this.near ??= wireAddress(this.wire.localAddress, this.wire.localPort);
    return this.near;
  }

  write(chunk: Uint8Array): boolean {
    if (this.over || this.outbox.isFinishing) return true;
    if (this.outbox.send(chunk, true)) return true;
    this.owesDrain = true;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.deliverSoon();
  }

  finish(): void {
    this.outbox.finish();
  }

  closeAfter(lingerMs: number): void {
    if (this.over || this.discarding) return;
    this.reader?.senderClosed("closed");
    this.feeder?.receiverClosed("closed");
    this.discardInput();
    this.finish();
    if (!this.over) this.linger = new Linger(this.host, this.outbox, lingerMs, (cause) => this.close(cause));
  }

  destroy(): void {
    this.reset("destroyed");
  }

  // ── what the wire reports ──

  received(chunk: Uint8Array): void {
    if (this.discarding) return;
    if (!this.inbox.isEmpty) this.inbox.push(chunk);
    else if (this.reader !== null) this.reader.take(chunk);
    else if (this.paused) this.inbox.push(chunk);
    else this.tell(chunk);
  }

  writable(): void {
    if (this.outbox.isEmpty) return;
    const taken = this.outbox.flush();
    if (this.over) return;
    if (taken > 0) this.feeder?.advanced();
    if (this.outbox.isEmpty) this.drained();
  }

  ended(): void {
    if (this.endSeen || this.over) return;
    this.endSeen = true;
    if (this.mayEnd) this.tellEnd();
  }

  /** @param cause "closed": both directions had finished. */
  closed(cause: CloseCause): void {
    if (this.over) return;
    // Bun tells nothing but the close when the peer's FIN comes after our own.
    if (cause === "closed") this.ended();
    if (this.over) return;
    if (cause !== "closed" || this.endTold) this.conclude(cause);
    else this.pendingClose = cause;
  }

  // ── for passes and tunnels ──

  /** From now on incoming bytes go to `transfer`, what is held first; call `deliver` soon. */
  readBy(transfer: Transfer): void {
    this.reader = transfer;
    this.paused = false;
  }

  /** `transfer` writes here. */
  feedBy(transfer: Transfer): void {
    this.feeder = transfer;
  }

  /** The transfer has done with this connection: incoming bytes are the session's again. */
  leave(transfer: Transfer): void {
    if (this.reader === transfer) this.reader = null;
    if (this.feeder === transfer) this.feeder = null;
  }

  /** No session has it any more; a FIN that was told is told again, to the tunnel. */
  leaveSession(): void {
    this.joined = true;
    this.events = NO_EVENTS;
    this.endTold = false;
  }

  send(chunk: Uint8Array, foreign: boolean): boolean {
    return this.outbox.send(chunk, foreign);
  }

  get full(): boolean {
    return !this.outbox.isEmpty;
  }

  /** FIN was sent. */
  get hasFinished(): boolean {
    return this.outbox.isFinished;
  }

  /** The peer's FIN was read. */
  get hasEnded(): boolean {
    return this.endSeen;
  }

  get isClosed(): boolean {
    return this.over;
  }

  /** Bytes that came after the last one which is wanted. */
  hold(chunk: Uint8Array): void {
    if (!this.discarding) this.inbox.push(chunk);
  }

  /** The same, as the rest of a chunk. */
  putBack(rest: Uint8Array): void {
    this.inbox.putBack(rest);
  }

  /** Until the next `deliver` that finds the way free. */
  pauseReading(): void {
    this.inbox.pauseWire();
  }

  /** The transfer ended with the FIN; now the session is to know. */
  tellEndAgain(): void {
    this.endTold = false;
    this.tellEnd();
  }

  /** Reads on without telling anybody. */
  discardInput(): void {
    this.discarding = true;
    this.inbox.clear();
    this.paused = false;
    this.inbox.resumeWire();
  }

  deliverSoon(): void {
    if (this.hasUndelivered) this.host.defer(() => this.deliver());
  }

  /** Tells what is held, and the FIN and the close behind it, as far as somebody wants it. */
  deliver(): void {
    if (this.delivering) return;
    this.delivering = true;
    while (!this.over && this.wantsBytes) {
      const chunk = this.inbox.shift();
      if (chunk === undefined) break;
      if (this.reader !== null) this.reader.take(chunk);
      else this.tell(chunk);
    }
    this.delivering = false;
    if (this.over || !this.inbox.isEmpty) return;
    if (this.endSeen && !this.endTold && this.mayEnd) this.tellEnd();
    if (this.pendingClose !== null && this.endTold) this.conclude(this.pendingClose);
    else if (this.discarding || this.reader?.isBlocked !== true) this.inbox.resumeWire();
  }

  // ── the end ──

  /** RST; safe twice. */
  reset(cause: CloseCause): void {
    if (this.over) return;
    this.over = true;
    this.wire.terminate();
    this.conclude(cause);
  }

  /** Close in order when all was sent, so that the system still delivers it; else RST: a cut stream must not look whole. */
  close(cause: CloseCause): void {
    if (this.over) return;
    this.over = true;
    if (this.hasFinished) this.wire.end();
    else this.wire.terminate();
    this.conclude(cause);
  }

  fault(error: unknown): void {
    this.host.fault(error);
    this.reset("fault");
  }

  /** A silent peer is asked for a sign of life. */
  keepAlive(): void {
    if (this.keptAlive) return;
    this.keptAlive = true;
    this.wire.setKeepAlive?.(true, KEEP_ALIVE_MS);
  }

  private conclude(cause: CloseCause): void {
    this.over = true;
    this.host.conns.delete(this);
    this.linger?.stop();
    this.outbox.close();
    this.inbox.close();
    this.discarding = true;
    const { reader, feeder } = this;
    reader?.senderClosed(cause);
    feeder?.receiverClosed(cause);
    if (!this.joined) this.host.defer(() => this.tellClose(cause));
  }

  private get hasUndelivered(): boolean {
    return !this.inbox.isEmpty || this.inbox.isWirePaused || (this.endSeen && !this.endTold);
  }

  /** Nothing is left to be read, and no pass waits for its receiver with all its bytes in hand. */
  private get mayEnd(): boolean {
    return this.inbox.isEmpty && (this.discarding || this.reader === null || this.reader.isUnfinished);
  }

  private get wantsBytes(): boolean {
    if (this.discarding) return false;
    if (this.reader !== null) return this.reader.isUnfinished && !this.reader.isBlocked;
    return !this.paused;
  }

  private drained(): void {
    if (this.outbox.isFinishing) return this.outbox.finishDrained();
    if (this.feeder !== null) return this.feeder.drained();
    if (!this.owesDrain) return;
    this.owesDrain = false;
    if (this.discarding) return;
    try {
      this.events.onDrain();
    } catch (error) {
      this.fault(error);
    }
  }

  private tell(chunk: Uint8Array): void {
    try {
      this.events.onData(chunk);
    } catch (error) {
      this.fault(error);
    }
    // whoever keeps a lent chunk shall find out in a test, not in production
    if (this.host.lends) chunk.fill(0xee);
  }

  private tellEnd(): void {
    this.endTold = true;
    if (this.discarding) return;
    if (this.reader !== null) return this.reader.ended();
    try {
      this.events.onEnd();
    } catch (error) {
      this.fault(error);
    }
  }

  private tellClose(cause: CloseCause): void {
    try {
      this.events.onClose(cause);
    } catch (error) {
      this.host.fault(error);
    }
  }
}
