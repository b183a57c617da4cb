/** One end of a stream of the soak, client or node: sends its pattern, compares the other's, and plays its part of the plan. */
import type { CloseCause, Conn, ConnEvents, Runtime } from "../../src/runtime/port.ts";
import { isOrderly, patternAt, patternHolds, patternStart, type Plan } from "./plan.ts";

/** What went wrong, or how much went well. */
export interface Tally {
  streams: number;
  bytes: number;
  /** Streams with a byte that is not the pattern's. */
  wrong: number;
  /** Orderly streams that ended early or too late. */
  incomplete: number;
  resets: number;
  examples: string[];
}

export function emptyTally(): Tally {
  return { streams: 0, bytes: 0, wrong: 0, incomplete: 0, resets: 0, examples: [] };
}

/** One write, at most: some small, some larger than a socket buffer. */
const PIECE_BYTES = 400_000;
/** Less than what makes the engine splice. */
const DRIP_BYTES = 20_000;

export class StreamEnd implements ConnEvents {
  private readonly runtime: Runtime;
  private readonly conn: Conn;
  private readonly plan: Plan;
  private readonly side: "client" | "node";
  private readonly tally: Tally;
  private readonly onOver: () => void;
  private sent = 0;
  private received = 0;
  private finished = false;
  private ended = false;
  private failed = false;
  private stalled = false;

  constructor(runtime: Runtime, conn: Conn, plan: Plan, side: "client" | "node", tally: Tally, onOver: () => void) {
    this.runtime = runtime;
    this.conn = conn;
    this.plan = plan;
    this.side = side;
    this.tally = tally;
    this.onOver = onOver;
  }

  private get toSend(): number {
    return this.side === "client" ? this.plan.up : this.plan.down;
  }

  private get toReceive(): number {
    return this.side === "client" ? this.plan.down : this.plan.up;
  }

  /** Write until the kernel takes no more; then FIN, at once or when the other end has sent its own. */
  pump(): void {
    if (this.plan.drips) return this.drip();
    const start = patternStart(this.plan.seed, this.side === "client" ? "up" : "down");
    while (this.sent < this.toSend) {
      const piece = patternAt(start + this.sent, Math.min(PIECE_BYTES, this.toSend - this.sent));
      this.sent += piece.length;
      if (!this.conn.write(piece)) return;
    }
    this.maybeFinish();
  }

  private drip(): void {
    const start = patternStart(this.plan.seed, this.side === "client" ? "up" : "down");
    const piece = patternAt(start + this.sent, Math.min(DRIP_BYTES, this.toSend - this.sent));
    this.sent += piece.length;
    const taken = this.conn.write(piece);
    if (this.sent === this.toSend) this.maybeFinish();
    else if (taken) this.runtime.timer(1, () => this.drip());
  }

  private maybeFinish(): void {
    const waits = this.side === "client" ? this.plan.clientWaits : this.plan.nodeWaits;
    if (this.finished || this.sent < this.toSend || (waits && !this.ended)) return;
    this.finished = true;
    this.conn.finish();
  }

  onData(chunk: Uint8Array): void {
    const start = patternStart(this.plan.seed, this.side === "client" ? "down" : "up");
    if (!this.failed && !patternHolds(chunk, start + this.received)) this.fail("wrong");
    this.received += chunk.length;
    this.tally.bytes += chunk.length;
    if (this.received > this.toReceive && !this.failed) this.fail("wrong");
    const resetAt = this.side === "client" ? this.plan.clientResetAt : this.plan.nodeResetAt;
    if (resetAt >= 0 && this.received >= resetAt) this.conn.destroy();
    else this.maybeStall();
  }

  private maybeStall(): void {
    const ms = this.side === "client" ? this.plan.clientStallMs : this.plan.nodeStallMs;
    if (ms === 0 || this.stalled) return;
    this.stalled = true;
    this.conn.pause();
    this.runtime.timer(ms, () => this.conn.resume());
  }

  onDrain(): void {
    this.pump();
  }

  onEnd(): void {
    this.ended = true;
    if (isOrderly(this.plan) && this.received !== this.toReceive) this.fail("incomplete");
    this.maybeFinish();
  }

  onClose(cause: CloseCause): void {
    this.tally.streams++;
    if (cause !== "closed") this.tally.resets++;
    if (isOrderly(this.plan) && (cause !== "closed" || this.received !== this.toReceive))
      this.fail("incomplete", cause);
    this.onOver();
  }

  private fail(kind: "wrong" | "incomplete", cause = ""): void {
    if (this.failed) return;
    this.failed = true;
    this.tally[kind]++;
    if (this.tally.examples.length < 5) {
      this.tally.examples.push(
        `${this.side} ${kind} ${cause} received ${this.received} of ${this.toReceive}: ${JSON.stringify(this.plan)}`,
      );
    }
  }
}
