/** The node of the upgrade soak, a process: three listeners on one address. `node.ts IP` */
import { writeSync } from "node:fs";
import { createLinuxRuntime } from "../../../src/runtime/linux/runtime.ts";
import type { Conn, ConnEvents } from "../../../src/runtime/port.ts";
import { patternAt } from "../plan.ts";
import { ANSWER, DOORS, greetingBytes, headEnd, MODE, SWITCHED, UPGRADES, type Door } from "./talk.ts";

const DRIP_BYTES = 700;
const DRIP_MS = 50;

const runtime = createLinuxRuntime({});
const ip = process.argv[2] ?? "127.0.0.1";

/** Waits for the greeting, then for the mode, then streams. */
class Served implements ConnEvents {
  private readonly conn: Conn;
  private readonly door: Door;
  private state: "greeting" | "mode" | keyof typeof MODE | "over" = "greeting";
  private early = Buffer.alloc(0);
  private dripped = 0;
  private ended = false;

  constructor(conn: Conn, door: Door) {
    this.conn = conn;
    this.door = door;
  }

  onData(chunk: Uint8Array): void {
    if (this.state === "echo") this.echo(chunk);
    else if (this.state === "greeting" || this.state === "mode") {
      this.early = Buffer.concat([this.early, chunk]);
      if (this.state === "greeting") this.greet();
      if (this.state === "mode") this.choose();
    }
  }

  private greet(): void {
    const bytes = greetingBytes(this.door) ?? headEnd(this.early);
    if (bytes < 0 || this.early.length < bytes) return;
    if (this.door === "http" && !this.early.toString("latin1", 0, bytes).toLowerCase().includes(UPGRADES)) {
      this.state = "over";
      this.conn.write(ANSWER);
      this.conn.finish();
      return;
    }
    if (this.door === "http") this.conn.write(SWITCHED);
    this.early = this.early.subarray(bytes);
    this.state = "mode";
  }

  private choose(): void {
    const [mode] = this.early;
    if (mode === undefined) return;
    if (mode === MODE.drip) {
      this.state = "drip";
      this.drip();
    } else {
      this.state = "echo";
      if (this.early.length > 1) this.echo(this.early.subarray(1));
    }
  }

  private echo(chunk: Uint8Array): void {
    if (!this.conn.write(chunk)) this.conn.pause();
  }

  private drip(): void {
    if (this.state !== "drip") return;
    const piece = patternAt(this.dripped, DRIP_BYTES);
    this.dripped += piece.length;
    this.conn.write(piece);
    runtime.timer(DRIP_MS, () => this.drip());
  }

  onDrain(): void {
    this.conn.resume();
    if (this.ended && this.state === "echo") this.conn.finish();
  }

  onEnd(): void {
    this.ended = true;
    if (this.state !== "drip") this.conn.finish();
  }

  onClose(): void {
    this.state = "over";
  }
}

const ports = DOORS.map((door) => {
  const spec = { service: door, at: { ip, port: 0 }, fd: -1, reusePort: false };
  return runtime.listen(spec, (conn) => new Served(conn, door)).at.port;
});
writeSync(1, `${JSON.stringify(ports)}\n`);
runtime.run();
