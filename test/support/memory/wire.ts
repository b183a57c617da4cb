/** Both ends of a connection in memory, with the habits of TCP that a session can notice. */
import type { Address } from "../../../src/seam/snapshot.ts";
import type { PortableConn } from "../../../src/runtime/portable/conn.ts";
import type { Schedule } from "./schedule.ts";
import { copyOf, type Wire } from "../../../src/runtime/portable/wire.ts";

/** What a peer that does not read takes before its window is closed. */
const WINDOW_BYTES = 65_536;
/** Most that arrives in one piece. */
const PIECE_BYTES = 65_536;

/** The far end: a client, or a node that was dialled. */
export class MemoryPeer {
  readonly local: Address;
  readonly remote: Address;
  /** Whoever wants to answer at once; the default collects for `received`. */
  onData: (chunk: Uint8Array) => void = (chunk) => void this.chunks.push(chunk);
  /** Bytes that the runtime read. */
  taken = 0;
  /** The runtime's FIN was read. */
  ended = false;
  state: "open" | "closed" | "reset" = "open";
  private readonly schedule: Schedule;
  private chunks: Uint8Array[] = [];
  private wire: MemoryWire | null = null;
  private reading = true;
  private finished = false;
  /** Sent and not yet read by the runtime. */
  readonly outbox: Uint8Array[] = [];
  /** Written by the runtime and not yet read. */
  private inbox: Uint8Array[] = [];
  private inboxBytes = 0;
  private finArrived = false;

  constructor(local: Address, remote: Address, schedule: Schedule) {
    this.local = local;
    this.remote = remote;
    this.schedule = schedule;
  }

  /** All that arrived, unless `onData` was replaced. */
  get received(): Uint8Array {
    const whole = Buffer.concat(this.chunks);
    this.chunks = whole.length === 0 ? [] : [whole];
    return whole;
  }

  /** Keeps the chunk until the runtime reads it. */
  send(chunk: Uint8Array): void {
    if (this.state !== "open" || this.finished || chunk.length === 0) return;
    if (this.wire?.gone === true) return this.die("reset");
    this.outbox.push(chunk);
    this.wire?.wake();
  }

  /** FIN, behind what was sent. */
  finish(): void {
    if (this.finished || this.state !== "open") return;
    this.finished = true;
    this.wire?.wake();
    this.closeIfDone();
  }

  /** RST. */
  reset(): void {
    if (this.state !== "open") return;
    this.state = "reset";
    this.wire?.peerReset();
  }

  stopReading(): void {
    this.reading = false;
  }

  startReading(): void {
    this.reading = true;
    this.wake();
  }

  // ── For the wire and the runtime ──

  attach(wire: MemoryWire): void {
    this.wire = wire;
  }

  get finSent(): boolean {
    return this.finished && this.outbox.length === 0;
  }

  refused(): void {
    this.die("reset");
  }

  take(chunk: Uint8Array): number {
    if (this.state !== "open") return -1;
    const count = Math.min(chunk.length, WINDOW_BYTES - this.inboxBytes);
    if (count === 0) return 0;
    this.inbox.push(copyOf(chunk.subarray(0, count)));
    this.inboxBytes += count;
    this.wake();
    return count;
  }

  takeFin(): void {
    this.finArrived = true;
    this.wake();
  }

  die(how: "closed" | "reset"): void {
    if (this.state !== "open") return;
    this.state = how;
    if (how === "reset") this.inbox = [];
  }

  private wake(): void {
    this.schedule.defer(() => this.read());
  }

  private read(): void {
    if (!this.reading) return;
    const arrived = this.inbox;
    this.inbox = [];
    this.inboxBytes = 0;
    for (const chunk of arrived) this.onData(chunk);
    if (arrived.length > 0) this.wire?.windowOpened();
    if (this.finArrived && this.inbox.length === 0 && this.state !== "reset") this.ended = true;
    this.closeIfDone();
  }

  private closeIfDone(): void {
    if (this.finished && this.ended) this.die("closed");
  }
}

/** The runtime's end. */
export class MemoryWire implements Wire {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Closed by the runtime: what a peer sends now is answered by an RST. */
  gone = false;
  private readonly peer: MemoryPeer;
  private readonly schedule: Schedule;
  private conn: PortableConn | null = null;
  private paused = false;
  private full = false;
  private finSent = false;
  private endTold = false;
  private reset = false;
  private awake = false;

  constructor(peer: MemoryPeer, local: Address, schedule: Schedule) {
    this.peer = peer;
    this.schedule = schedule;
    this.remoteAddress = peer.local.ip;
    this.remotePort = peer.local.port;
    this.localAddress = local.ip;
    this.localPort = local.port;
    peer.attach(this);
  }

  /** From now on `conn` hears of it. */
  open(conn: PortableConn): void {
    this.conn = conn;
    this.reset = this.peer.state === "reset";
    this.wake();
  }

  write(chunk: Uint8Array): number {
    if (this.gone || this.finSent) return -1;
    const taken = this.peer.take(chunk);
    this.full = taken < chunk.length;
    return taken;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.wake();
  }

  shutdown(): void {
    if (this.finSent || this.gone) return;
    this.finSent = true;
    this.peer.takeFin();
    this.wake();
  }

  end(): void {
    if (this.gone) return;
    // as TCP does: input that nobody read makes the close an RST, which takes the last answer away from the peer
    if (this.peer.outbox.length > 0) return this.terminate();
    this.shutdown();
    this.gone = true;
  }

  terminate(): void {
    if (this.gone) return;
    this.gone = true;
    this.peer.die("reset");
  }

  wake(): void {
    if (this.awake || this.conn === null) return;
    this.awake = true;
    this.schedule.defer(() => this.tell());
  }

  windowOpened(): void {
    if (!this.full) return;
    this.full = false;
    this.schedule.defer(() => !this.gone && this.conn?.writable());
  }

  peerReset(): void {
    this.reset = true;
    this.wake();
  }

  /** One piece at a time, so that connections take turns. */
  private tell(): void {
    this.awake = false;
    const { conn, peer } = this;
    if (conn === null || this.gone) return;
    if (!this.paused && peer.outbox.length > 0) this.tellPiece(conn);
    else if (this.reset) this.die(conn, "reset");
    else if (!this.paused && peer.finSent && !this.endTold) this.tellFin(conn);
    if (this.endTold && this.finSent && !this.gone) this.die(conn, "closed");
  }

  private tellPiece(conn: PortableConn): void {
    const [chunk] = this.peer.outbox;
    if (chunk === undefined) return;
    const piece = copyOf(chunk.subarray(0, PIECE_BYTES));
    if (piece.length === chunk.length) this.peer.outbox.shift();
    else this.peer.outbox[0] = chunk.subarray(piece.length);
    this.peer.taken += piece.length;
    conn.received(piece);
    this.wake();
  }

  private tellFin(conn: PortableConn): void {
    this.endTold = true;
    conn.ended();
    this.wake();
  }

  private die(conn: PortableConn, cause: "closed" | "reset"): void {
    this.gone = true;
    conn.closed(cause);
  }
}
