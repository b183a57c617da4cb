/** What the soak tests, a process: joins each client with the node, as a session of edge-lb would. `relay.ts PORT DEBUG RING` */
import { readdirSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import type { Cancel, Conn, ConnEvents } from "../../src/runtime/port.ts";
import { ownedDescriptors } from "../../src/runtime/linux/ledger.ts";
import { createLinuxRuntime } from "../../src/runtime/linux/runtime.ts";
import { decodePlan, HEADER_BYTES } from "./plan.ts";

const REPORT_MS = 250;
const runtime = createLinuxRuntime({ debug: process.argv[3] === "debug", ring: process.argv[4] === "ring" });
const nodeAt = { ip: "127.0.0.1", port: Number(process.argv[2]) };
const counts = { accepted: 0, tunnels: 0, ended: 0, faults: 0, refused: 0, up: 0, down: 0, spliced: 0 };
let open = 0;
runtime.onFault((error) => {
  counts.faults++;
  writeSync(2, `soak relay: ${error instanceof Error ? error.stack : String(error)}\n`);
});

/** Reads the header, dials with it, passes counted bodies if the plan says so, then joins. */
class Session implements ConnEvents {
  private readonly client: Conn;
  private dialing: Cancel | null = null;
  private node: Conn | null = null;
  private toJoin = 1;

  constructor(client: Conn) {
    this.client = client;
    counts.accepted++;
    open++;
  }

  onData(chunk: Uint8Array): void {
    if (chunk.length < HEADER_BYTES) return this.client.destroy();
    const plan = decodePlan(chunk);
    const excess = chunk.length - HEADER_BYTES;
    this.client.pause();
    this.dialing = runtime.dial({
      to: nodeAt,
      timeoutMs: 5_000,
      first: chunk,
      onOpen: (conn) => {
        this.node = conn;
        if (plan?.kind !== "pass") this.join(conn);
        else this.pass(conn, plan.up - excess, plan.down);
        return new NodeSide(this.client);
      },
      onFail: () => {
        counts.refused++;
        this.client.destroy();
      },
    });
  }

  private pass(conn: Conn, up: number, down: number): void {
    this.toJoin = 0;
    const bodies = [
      { from: this.client, to: conn, bytes: up },
      { from: conn, to: this.client, bytes: down },
    ].filter(({ bytes }) => bytes > 0);
    this.toJoin = bodies.length;
    if (bodies.length === 0) this.join(conn);
    for (const { from, to, bytes } of bodies) {
      const onDone = (): void => {
        from.pause();
        if (--this.toJoin === 0) this.join(conn);
      };
      runtime.pass(from, to, { bytes, onProgress: (moved) => void (counts.spliced += moved), onDone });
    }
  }

  private join(conn: Conn): void {
    counts.tunnels++;
    runtime.join(this.client, conn, {
      idleMs: 600_000,
      halfClosedMs: 60_000,
      toNode: [],
      toClient: [],
      onBytes: (up, down) => {
        counts.up += up;
        counts.down += down;
      },
      onEnd: () => {
        counts.ended++;
        open--;
      },
    });
  }

  onDrain(): void {}
  onEnd(): void {}
  onClose(): void {
    open--;
    this.dialing?.cancel();
    this.node?.destroy();
  }
}

/** The node's connection before the join: only its end matters. */
class NodeSide implements ConnEvents {
  private readonly client: Conn;

  constructor(client: Conn) {
    this.client = client;
  }

  onData(): void {
    counts.faults++; // nothing may arrive here: passed or joined
  }
  onDrain(): void {}
  onEnd(): void {}
  onClose(): void {
    this.client.destroy();
  }
}

function descriptors(): { all: number; pipes: number; sockets: number } {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the directory itself, gone again
    }
  });
  const starting = (kind: string): number => targets.filter((target) => target.startsWith(kind)).length;
  return { all: targets.length, pipes: starting("pipe:"), sockets: starting("socket:") };
}

/** What the debug mode's book says, when it is on: "2 idle socket, 8 pipe input, …". */
function owners(): string {
  const counted = new Map<string, number>();
  for (const owner of ownedDescriptors().values()) counted.set(owner, (counted.get(owner) ?? 0) + 1);
  return [...counted].map(([owner, count]) => `${count} ${owner}`).join(", ");
}

/** Kilobytes, after a full collection when nothing is open. */
function residentKb(): number {
  if (open === 0) Bun.gc(true);
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

const at = { ip: "127.0.0.1", port: 0 };
const listener = runtime.listen({ service: "https", at, fd: -1, reusePort: false }, (conn) => new Session(conn));
const report = (): void => {
  writeSync(
    1,
    `${JSON.stringify({ port: listener.at.port, open, rssKb: residentKb(), fds: descriptors(), counts, owners: owners() })}\n`,
  );
  runtime.timer(REPORT_MS, report);
};
report();
runtime.run();
