/** The connection between the two: messages with descriptors, in order, each within a time. */
import { encodeFrame, FrameReader } from "./frames.ts";

/** A unix socket that carries descriptors and never blocks. */
export interface Wire {
  /** @returns bytes taken, 0: not now. @throws Error */
  send(bytes: Uint8Array, fds: readonly number[]): number;
  /** @returns null: nothing is there yet; no bytes: the other side has closed. @throws Error */
  receive(): { readonly bytes: Uint8Array; readonly fds: readonly number[]; readonly isShort: boolean } | null;
  /** Holds the thread until that holds, for so long at most. */
  wait(forWhat: "bytes" | "room", ms: number): void;
  close(): void;
}

/** What arrived; its descriptors are the receiver's to close. */
export interface Arrived<M> {
  readonly message: M;
  readonly fds: readonly number[];
  /** Its descriptors are lost: this process may have no more. */
  readonly isShort: boolean;
}

/** How often the socket is looked at while something is waited for. */
const LOOK_MS = 1;
/** An idle connection is looked at less often. */
const IDLE_LOOK_MS = 20;
const BUSY_MS = 2_000;
/**
 * Tunnels rest while what is said of them travels, and each look would cost them a millisecond: so for a while the thread
 * itself waits, in pieces, between which it does what else there is.
 */
const SOON_MS = 100;
const PIECE_MS = 3;

/** What one sends goes out in the order of the calls. Nothing is said after `close`. */
export class Channel<Out extends object, In> {
  private readonly wire: Wire;
  private readonly reader = new FrameReader();
  private readonly fds: number[] = [];
  private sending: Promise<void> = Promise.resolve();
  private isShort = false;
  private ended = false;
  private closed = false;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** @param fds At most what one call takes. @throws Error when the other side is gone or takes nothing for so long */
  send(message: Out, fds: readonly number[] = [], withinMs = 10_000): Promise<void> {
    const frame = encodeFrame({ ...message, descriptors: fds.length });
    const mine = this.sending.then(() => this.sendFrame(frame, fds, withinMs));
    this.sending = mine.catch(() => undefined);
    return mine;
  }

  private async sendFrame(frame: Uint8Array, fds: readonly number[], withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (let at = 0; at < frame.length;) {
      if (this.closed) throw new Error("the connection was closed");
      const taken = this.wire.send(frame.subarray(at), at === 0 ? fds : []);
      at += taken;
      if (taken > 0) continue;
      if (performance.now() > deadline) throw new Error(`it took nothing for ${withinMs / 1_000} s`);
      this.wire.wait("room", PIECE_MS);
      await turn();
    }
  }

  /**
   * @param when `soon`: it is about to come.
   * @returns the next message; null: the other side has closed. @throws Error when none came within the time, or what came is none
   */
  async next(withinMs: number, when: "soon" | "any time" = "any time"): Promise<Arrived<In> | null> {
    const startMs = performance.now();
    for (;;) {
      const arrived = this.take();
      if (arrived !== null) return arrived;
      if (this.ended || this.closed) return null;
      const received = this.wire.receive();
      const waitedMs = performance.now() - startMs;
      if (received === null) {
        if (waitedMs > withinMs) throw new Error(`it said nothing for ${Math.round(withinMs / 1_000)} s`);
        if (when === "soon" && waitedMs < SOON_MS) {
          this.wire.wait("bytes", PIECE_MS);
          await turn();
        } else await later(waitedMs < BUSY_MS ? LOOK_MS : IDLE_LOOK_MS);
      } else if (received.bytes.length === 0) this.ended = true;
      else {
        this.fds.push(...received.fds);
        this.isShort ||= received.isShort;
        this.reader.push(received.bytes);
      }
    }
  }

  private take(): Arrived<In> | null {
    const message = this.reader.next();
    if (message === null) return null;
    const { descriptors = 0, ...rest } = message;
    const fds = this.fds.splice(0, Number(descriptors));
    const isShort = this.isShort && fds.length < Number(descriptors);
    if (isShort) this.isShort = false;
    else if (fds.length !== descriptors)
      throw new Error(`${fds.length} descriptors came, ${String(descriptors)} wanted`);
    return { message: rest as In, fds, isShort };
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.wire.close();
  }
}

/** What else waits in this thread has its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
