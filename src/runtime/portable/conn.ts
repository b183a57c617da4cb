/**
 * One connection of a runtime: the state machine between a `Wire` and a session, a pass or a tunnel.
 * The runtimes on Bun, on `node:net` and in memory share it, so that they cannot differ in more than their sockets.
 */
import type { Address } from "../../seam/snapshot.ts";
import { wireAddress } from "./addresses.ts";
import type { Cancel, CloseCause, Conn, ConnEvents } from "../port.ts";
import type { Flow, Host, Wire } from "./wire.ts";

/**
 * A paused connection goes on reading until it holds this much: a pause then costs no system call while a node is dialled,
 * and a FIN or RST behind a few bytes is noticed, which no portable socket tells once reading stopped.
 */
const HOLD_BYTES = 65_536;

/** Idle time before the first probe. */
export const KEEP_ALIVE_MS = 30_000;

const SILENT: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

/** Who has the connection once no session does: a pass or a tunnel. */
export interface Owner extends Flow {
  /** The source's FIN, behind its last byte. */
  sourceEnded(source: Link): void;
  /** `source.left` bytes were asked for, and the sink has taken them all. */
  sourceDone(source: Link): void;
  /** One of its links is gone, as the source or as the sink. */
  linkClosed(link: Link, cause: CloseCause): void;
}

export class Link implements Conn {
  readonly wire: Wire;
  readonly host: Host;
  readonly remote: Address;
  private events: ConnEvents = SILENT;
  /** A tunnel has it: no event reaches the session any more. */
  private given = false;

  /** Where the next `left` bytes go instead of to the session, and whose bytes come here. */
  sink: Link | null = null;
  feeder: Link | null = null;
  left = 0;
  /** Bytes forwarded and not yet told by `owner.flush`. */
  moved = 0;
  owner: Owner | null = null;

  /** What the wire did not take yet, oldest first. */
  private queue: Uint8Array[] | null = null;
  /** What came while nobody wanted it, oldest first. */
  private held: Uint8Array[] | null = null;
  private heldBytes = 0;
  private paused = false;
  private wirePaused = false;
  private discarding = false;
  private finAsked = false;
  private drainOwed = false;
  /** The peer's FIN was read from the wire; `endTold`: the session or the owner knows. */
  endSeen = false;
  private endTold = false;
  over = false;
  /** The wire is gone, but the session has not read everything yet. */
  private pendingClose: CloseCause | null = null;
  private pumping = false;
  private keptAlive = false;
  private localAt: Address | null = null;
  private linger: Cancel | null = null;

  /** @param remote Where it leads, if known already; a closed socket no longer tells. */
  constructor(wire: Wire, host: Host, remote: Address | null) {
    this.wire = wire;
    this.host = host;
    this.remote = remote ?? wireAddress(wire.remoteAddress, wire.remotePort);
    host.links.add(this);
  }

  /** The session that onAccept or onOpen gave, unless it gave the connection away already. */
  serve(events: ConnEvents): void {
    if (!this.given) this.events = events;
  }

  // ── Conn: called by sessions ──

  get local(): Address {
    this.localAt ??= wireAddress(this.wire.localAddress, this.wire.localPort);
    return this.localAt;
  }

  write(chunk: Uint8Array): boolean {
    if (this.over || this.finAsked) return true;
    if (this.send(chunk, true)) return true;
    this.drainOwed = true;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.needsPump) this.host.defer(() => this.pump());
  }

  finish(): void {
    if (this.over || this.finAsked) return;
    this.finAsked = true;
    if (this.queue === null) this.wire.shutdown();
  }

  closeAfter(lingerMs: number): void {
    if (this.over || this.discarding) return;
    this.owner?.linkClosed(this, "closed");
    this.feeder?.owner?.linkClosed(this, "closed");
    this.drop();
    this.finish();
    if (!this.over) this.watchLinger(lingerMs, this.queue);
  }

  destroy(): void {
    this.shut("destroyed");
  }

  // ── The wire's reports ──

  received(chunk: Uint8Array): void {
    if (this.held !== null) return this.hold(chunk, this.host.lends);
    if (this.sink !== null) return this.forward(this.sink, chunk);
    if (this.discarding || this.over) return;
    if (this.paused) return this.hold(chunk, this.host.lends);
    this.tell(chunk);
  }

  writable(): void {
    const { queue } = this;
    if (queue === null) return;
    for (let at = 0; at < queue.length; at++) {
      const chunk = queue[at];
      if (chunk === undefined) continue;
      const taken = this.wire.write(chunk);
      if (this.over) return;
      if (taken > 0) this.feeder?.markMoved();
      if (taken === chunk.length) {
        this.host.spent?.(chunk);
        continue;
      }
      if (taken > 0) queue[at] = chunk.subarray(taken);
      if (at > 0) this.queue = queue.slice(at);
      return;
    }
    this.queue = null;
    this.drained();
  }

  ended(): void {
    if (this.endSeen || this.over) return;
    this.endSeen = true;
    if (this.mayEnd) this.tellEnd();
  }

  /** @param cause "closed": both directions had finished. */
  closed(cause: CloseCause): void {
    if (this.over) return;
    if (cause === "closed") {
      // Bun tells nothing but the close when the peer's FIN comes after our own.
      this.ended();
      if (!this.endTold && !this.over) {
        this.pendingClose = cause;
        return;
      }
    }
    this.conclude(cause);
  }

  // ── For passes and tunnels ──

  /** From now on incoming bytes go to `sink`, at most `count`, what is held first; call `pump` soon. */
  pour(sink: Link, count: number, owner: Owner): void {
    this.sink = sink;
    this.left = count;
    this.owner = owner;
    this.paused = false;
    sink.feeder = this;
  }

  /** No session has it any more; a FIN that was told is told again, to the tunnel. */
  giveAway(): void {
    this.given = true;
    this.events = SILENT;
    this.endTold = false;
  }

  get needsPump(): boolean {
    return this.held !== null || this.wirePaused || (this.endSeen && !this.endTold);
  }

  /** Incoming bytes are the session's again. */
  endPour(): void {
    if (this.sink !== null) this.sink.feeder = null;
    this.sink = null;
    this.owner = null;
  }

  /** What was read before the tunnel stood, as if it came now. */
  forwardFirst(chunk: Uint8Array): void {
    if (this.sink === null || chunk.length === 0) return;
    this.moved += chunk.length;
    this.markMoved();
    if (!this.sink.send(chunk, true)) this.pauseWire();
  }

  /** The owner ended with the FIN; now the session is to know. */
  retellEnd(): void {
    this.endTold = false;
    this.tellEnd();
  }

  /** Tells what is held, and the FIN and the close behind it, as far as somebody wants it. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.held !== null && !this.over && this.wanted()) {
      const chunk = this.held.shift();
      if (this.held.length === 0) this.held = null;
      if (chunk === undefined) break;
      this.heldBytes -= chunk.length;
      if (this.sink !== null) this.forward(this.sink, chunk);
      else this.tell(chunk);
    }
    this.pumping = false;
    if (this.over || this.held !== null) return;
    if (this.endSeen && !this.endTold && this.mayEnd) this.tellEnd();
    if (this.pendingClose !== null && this.endTold) this.conclude(this.pendingClose);
    else if (this.sink === null || this.sink.queue === null) this.resumeWire();
  }

  /**
   * Sends now what fits and keeps the rest.
   * @param foreign The chunk is its owner's again after the call.
   * @returns whether everything fitted
   */
  send(chunk: Uint8Array, foreign: boolean): boolean {
    if (this.queue !== null) {
      this.queue.push(foreign ? copyOf(chunk) : chunk);
      return false;
    }
    const copied = foreign && this.host.borrows;
    const own = copied ? copyOf(chunk) : chunk;
    const taken = this.wire.write(own);
    if (taken === own.length || this.over) return true;
    const rest = taken > 0 ? own.subarray(taken) : own;
    this.queue = [foreign && !copied ? copyOf(rest) : rest];
    return false;
  }

  get finSent(): boolean {
    return this.finAsked && this.queue === null;
  }

  /** Reads on without telling anybody. */
  drop(): void {
    this.discarding = true;
    this.sink = null;
    this.held = null;
    this.heldBytes = 0;
    this.paused = false;
    this.resumeWire();
  }

  /** RST; safe twice. */
  shut(cause: CloseCause): void {
    if (this.over) return;
    this.over = true;
    this.wire.terminate();
    this.conclude(cause);
  }

  /** Close in order when all was sent, so that the system still delivers it; else RST: a cut stream must not look whole. */
  give(cause: CloseCause): void {
    if (this.over) return;
    this.over = true;
    if (this.finSent) this.wire.end();
    else this.wire.terminate();
    this.conclude(cause);
  }

  /** A silent peer is asked for a sign of life. */
  keepAlive(): void {
    if (this.keptAlive) return;
    this.keptAlive = true;
    this.wire.setKeepAlive?.(true, KEEP_ALIVE_MS);
  }

  markMoved(): void {
    const { owner } = this;
    if (owner !== null && !owner.dirty) this.host.pulse.mark(owner);
  }

  fault(error: unknown): void {
    this.host.fault(error);
    this.shut("fault");
  }

  // ── Inside ──

  /** Nothing is left to be read, and no pass waits for its sink with all its bytes in hand. */
  private get mayEnd(): boolean {
    return this.held === null && (this.sink === null || this.left > 0);
  }

  private wanted(): boolean {
    if (this.discarding) return false;
    if (this.sink !== null) return this.left > 0 && this.sink.queue === null;
    return !this.paused;
  }

  /** The byte path: one chunk in, one write out. */
  private forward(sink: Link, chunk: Uint8Array): void {
    let part = chunk;
    if (chunk.length > this.left) {
      if (this.left === 0) return this.hold(chunk, this.host.lends);
      part = chunk.subarray(0, this.left);
      this.holdFirst(chunk.subarray(this.left));
    }
    this.left -= part.length;
    this.moved += part.length;
    this.markMoved();
    if (!sink.send(part, this.host.lends)) return this.pauseWire();
    if (this.left === 0) this.owner?.sourceDone(this);
    else this.host.spent?.(part);
    return undefined;
  }

  private drained(): void {
    if (this.finAsked) return this.wire.shutdown();
    const { feeder } = this;
    if (feeder !== null) return feeder.sinkDrained();
    if (!this.drainOwed) return;
    this.drainOwed = false;
    if (this.discarding) return;
    try {
      this.events.onDrain();
    } catch (error) {
      this.fault(error);
    }
  }

  private sinkDrained(): void {
    if (this.left === 0) this.owner?.sourceDone(this);
    else this.pump();
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
    const { owner } = this;
    if (owner !== null) return owner.sourceEnded(this);
    try {
      this.events.onEnd();
    } catch (error) {
      this.fault(error);
    }
  }

  private conclude(cause: CloseCause): void {
    this.over = true;
    this.host.links.delete(this);
    this.linger?.cancel();
    this.queue = null;
    this.held = null;
    this.discarding = true;
    const { owner, feeder } = this;
    const feeding = feeder?.owner ?? null;
    if (owner !== null) owner.linkClosed(this, cause);
    if (feeding !== null && feeding !== owner) feeding.linkClosed(this, cause);
    if (!this.given) this.host.defer(() => this.tellClose(cause));
  }

  private tellClose(cause: CloseCause): void {
    try {
      this.events.onClose(cause);
    } catch (error) {
      this.host.fault(error);
    }
  }

  private hold(chunk: Uint8Array, copy: boolean): void {
    if (this.over || this.discarding) return;
    this.held ??= [];
    this.held.push(copy ? copyOf(chunk) : chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes >= HOLD_BYTES) this.pauseWire();
  }

  private holdFirst(chunk: Uint8Array): void {
    this.held ??= [];
    this.held.unshift(this.host.lends ? copyOf(chunk) : chunk);
    this.heldBytes += chunk.length;
  }

  private pauseWire(): void {
    if (this.wirePaused || this.over) return;
    this.wirePaused = true;
    this.wire.pause();
  }

  private resumeWire(): void {
    if (!this.wirePaused || this.over) return;
    this.wirePaused = false;
    this.wire.resume();
  }

  private watchLinger(lingerMs: number, before: readonly Uint8Array[] | null): void {
    const oldest = before?.[0];
    this.linger = this.host.timer(lingerMs, () => {
      const moving = this.queue !== null && this.queue[0] !== oldest;
      if (moving) this.watchLinger(lingerMs, this.queue);
      else this.give(this.queue === null ? "closed" : "timeout");
    });
  }
}

/** A copy also of a `Buffer`, whose own `slice` is a view. */
export function copyOf(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk);
}
