/** Tunnels whose every byte is checked: what is written comes back from an echo behind edge-lb, in order and once. */
import { once } from "node:events";
import net from "node:net";

export interface EchoDoor {
  readonly port: number;
  /** Named by the request that upgrades. */
  readonly host: string;
}

const CHUNK = 4_096;
/** Written and not yet back, at most: stalls show as gaps, not as memory. */
const WINDOW = 65_536;

/** Its length is a prime, so that a lost or doubled piece shifts all that comes after it. */
const BLOCK = Buffer.from(Uint8Array.from({ length: 65_521 }, (_, at) => Math.imul(at + 1, 2_654_435_761) >>> 24));
const TWICE = Buffer.concat([BLOCK, BLOCK]);

/** The pattern's bytes from there on, at most a block. */
function patternAt(from: number, length: number): Buffer {
  const at = from % BLOCK.length;
  return TWICE.subarray(at, at + Math.min(length, BLOCK.length));
}

export class EchoStream {
  sent = 0;
  back = 0;
  /** Where what came back was not what had been written; null: nowhere. */
  fault: string | null = null;
  /** Longest time in which bytes were owed and none came, ms. */
  longestGapMs = 0;
  private readonly socket: net.Socket;
  private lastMs = performance.now();
  private running = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", (error) => (this.fault ??= error.message));
    socket.on("close", () => (this.fault ??= this.isOver ? null : `closed after ${this.back} of ${this.sent} bytes`));
  }

  private isOver = false;

  static async open({ port, host }: EchoDoor): Promise<EchoStream> {
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error(`no tunnel: ${head.toString("latin1")}`);
    return new EchoStream(socket);
  }

  /** Writes all the time from now on. */
  start(): void {
    this.running = true;
    this.lastMs = performance.now();
    this.fill();
  }

  /** Writes no more; resolves when all is back. */
  async rest(): Promise<void> {
    this.running = false;
    await this.until(() => this.back === this.sent);
  }

  /** Writes so much and reads nothing, until `resume`. */
  stall(bytes: number): void {
    this.socket.pause();
    while (this.sent < bytes) this.write();
  }

  resume(): void {
    this.socket.resume();
  }

  /** FIN; resolves once all is back and the other FIN with it. */
  async finish(): Promise<void> {
    this.running = false;
    this.isOver = true;
    const ended = once(this.socket, "end");
    this.socket.end();
    await ended;
    if (this.back !== this.sent) this.fault ??= `ended after ${this.back} of ${this.sent} bytes`;
  }

  close(): void {
    this.isOver = true;
    this.socket.destroy();
  }

  private async until(holds: () => boolean): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!holds() && this.fault === null) {
      if (performance.now() > deadline) this.fault = `${this.back} of ${this.sent} bytes came back in 20 s`;
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  }

  private fill(): void {
    while (this.running && this.sent - this.back < WINDOW) this.write();
  }

  private write(): void {
    this.socket.write(patternAt(this.sent, CHUNK));
    this.sent += CHUNK;
  }

  private take(chunk: Buffer): void {
    const nowMs = performance.now();
    if (this.running) this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
    for (let at = 0; at < chunk.length;) {
      const want = patternAt(this.back, chunk.length - at);
      if (!want.equals(chunk.subarray(at, at + want.length))) this.fault ??= `other bytes from ${this.back} on`;
      at += want.length;
      this.back += want.length;
    }
    this.fill();
  }
}
