/** One tunnel of the upgrade soak as its client sees it: every byte that comes is compared, and the longest silence is known. */
import type { CloseCause, Conn, ConnEvents, Runtime } from "../../../src/runtime/port.ts";
import { patternAt, patternHolds } from "../plan.ts";
import { greeting, headEnd, MODE, type Door, type Mode } from "./talk.ts";

/** What a tunnel is used for; `beat` and `slow` send a piece each time the last one is back and a while has passed. */
export const USES = ["beat", "slow", "idle", "stalled", "half-closed"] as const;
export type Use = (typeof USES)[number];

const PAUSE_MS = { beat: 5, slow: 300 } as const;
const PIECE_BYTES = 1_500;
/** Written to a tunnel whose client reads nothing: more than the buffers of both sides take in the end. */
const STALLED_BYTES = 3_000_000;
/** So much is sent before the client's FIN. */
const BEFORE_FIN_BYTES = 5_000;

export class Stream implements ConnEvents {
  readonly use: Use;
  sent = 0;
  back = 0;
  /** Null: all is as it should be. */
  fault: string | null = null;
  isOpen = false;
  ended = false;
  private readonly runtime: Runtime;
  private readonly door: Door;
  private conn: Conn | null = null;
  private head: Buffer | null;
  private running = false;
  private waiting = false;
  private over = false;
  private sentMs = 0;
  private gapMs = 0;
  private readonly onOpen: () => void;

  constructor(runtime: Runtime, door: Door, use: Use, onOpen: () => void) {
    this.runtime = runtime;
    this.door = door;
    this.use = use;
    this.onOpen = onOpen;
    this.head = door === "http" ? Buffer.alloc(0) : null;
  }

  dial(ip: string, port: number): void {
    this.runtime.dial({
      to: { ip, port },
      timeoutMs: 20_000,
      first: greeting(this.door),
      onOpen: (conn) => {
        this.conn = conn;
        if (this.head === null) this.open();
        return this;
      },
      onFail: (error) => this.fail(`not connected: ${error}`),
    });
  }

  private get mode(): Mode {
    return this.use === "half-closed" ? "drip" : "echo";
  }

  private open(): void {
    this.isOpen = true;
    this.conn?.write(Uint8Array.of(MODE[this.mode]));
    this.onOpen();
    this.run();
  }

  private run(): void {
    switch (this.use) {
      case "beat":
      case "slow":
        this.running = true;
        return this.beat();
      case "idle":
        return this.write(PIECE_BYTES);
      case "stalled":
        this.conn?.pause();
        while (this.sent < STALLED_BYTES) this.write(100_000);
        return undefined;
      case "half-closed":
        for (let sent = 0; sent < BEFORE_FIN_BYTES; sent += PIECE_BYTES) this.conn?.write(patternAt(0, PIECE_BYTES));
        return this.conn?.finish();
    }
  }

  private write(bytes: number): void {
    const piece = patternAt(this.sent, bytes);
    this.sent += piece.length;
    this.conn?.write(piece);
  }

  private beat(): void {
    if (!this.running || this.over) return;
    this.sentMs = performance.now();
    this.waiting = true;
    this.write(PIECE_BYTES);
  }

  onData(chunk: Uint8Array): void {
    if (this.head === null) return this.take(chunk);
    this.head = Buffer.concat([this.head, chunk]);
    const end = headEnd(this.head);
    if (end < 0) return undefined;
    if (!this.head.toString("latin1").startsWith("HTTP/1.1 101 ")) return this.fail("no 101");
    const rest = this.head.subarray(end);
    this.head = null;
    this.open();
    if (rest.length > 0) this.take(rest);
    return undefined;
  }

  private take(chunk: Uint8Array): void {
    if (!patternHolds(chunk, this.back)) this.fail(`other bytes from ${this.back} on`);
    this.back += chunk.length;
    if (this.mode === "echo" && this.back > this.sent) this.fail(`${this.back} bytes for ${this.sent}`);
    if (!this.waiting || this.back < this.sent) return;
    this.waiting = false;
    this.gapMs = Math.max(this.gapMs, performance.now() - this.sentMs);
    if (this.use === "beat" || this.use === "slow") this.runtime.timer(PAUSE_MS[this.use], () => this.beat());
  }

  /** The longest that a piece took since this was asked last; one that is under way counts as far as it is. */
  gap(): number {
    const longest = this.waiting ? Math.max(this.gapMs, performance.now() - this.sentMs) : this.gapMs;
    this.gapMs = 0;
    return longest;
  }

  /** Send nothing more, read everything. */
  rest(): void {
    this.running = false;
    this.conn?.resume();
  }

  /** All that was sent is back. */
  get isWhole(): boolean {
    return this.mode === "drip" ? this.back > 0 : this.back === this.sent;
  }

  finish(): void {
    this.over = true;
    if (this.mode === "drip") this.conn?.destroy();
    else this.conn?.finish();
  }

  onDrain(): void {}

  onEnd(): void {
    this.ended = true;
    if (!this.over) this.fail(`FIN after ${this.back} of ${this.sent} bytes`);
    else if (!this.isWhole) this.fail(`ended after ${this.back} of ${this.sent} bytes`);
  }

  onClose(cause: CloseCause): void {
    this.ended = true;
    if (!this.over) this.fail(`${cause} after ${this.back} of ${this.sent} bytes`);
  }

  private fail(what: string): void {
    this.fault ??= `${this.use} by ${this.door}: ${what}`;
  }
}
