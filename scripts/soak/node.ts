/** The node of the soak, a process: serves what each connection's plan says. `node.ts DEBUG` */
import { writeSync } from "node:fs";
import type { Conn, ConnEvents } from "../../src/runtime/port.ts";
import { createLinuxRuntime } from "../../src/runtime/linux/runtime.ts";
import { emptyTally, StreamEnd } from "./end.ts";
import { decodePlan, HEADER_BYTES } from "./plan.ts";

const REPORT_MS = 250;
const runtime = createLinuxRuntime({ debug: process.argv[2] === "debug" });
const tally = emptyTally();
let open = 0;

/** Waits for the header, then becomes the node's end of the stream. */
class Arrival implements ConnEvents {
  private readonly conn: Conn;
  private header = new Uint8Array(0);
  private end: StreamEnd | null = null;

  constructor(conn: Conn) {
    this.conn = conn;
    open++;
  }

  onData(chunk: Uint8Array): void {
    if (this.end !== null) return this.end.onData(chunk);
    this.header = Buffer.concat([this.header, chunk]);
    if (this.header.length < HEADER_BYTES) return;
    const plan = decodePlan(this.header);
    if (plan === null) {
      tally.wrong++;
      return this.conn.destroy();
    }
    this.end = new StreamEnd(runtime, this.conn, plan, "node", tally, () => open--);
    this.end.pump();
    if (this.header.length > HEADER_BYTES) this.end.onData(this.header.subarray(HEADER_BYTES));
  }

  onDrain(): void {
    this.end?.onDrain();
  }

  onEnd(): void {
    if (this.end === null) this.conn.destroy();
    else this.end.onEnd();
  }

  onClose(cause: Parameters<ConnEvents["onClose"]>[0]): void {
    if (this.end === null) open--;
    else this.end.onClose(cause);
  }
}

const at = { ip: "127.0.0.1", port: 0 };
const listener = runtime.listen({ service: "https", at, fd: -1, reusePort: false }, (conn) => new Arrival(conn));
const report = (): void => {
  writeSync(1, `${JSON.stringify({ port: listener.at.port, open, tally })}\n`);
  runtime.timer(REPORT_MS, report);
};
report();
runtime.run();
