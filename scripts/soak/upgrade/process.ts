/** The processes of the upgrade soak: a node, the clients, and what is asked of them. */
import { once } from "node:events";
import net from "node:net";
import { join } from "node:path";
import type { Use } from "./stream.ts";

/** A process of the soak that prints where it can be reached and then works. */
export class Helper<Told> {
  private readonly process: Bun.Subprocess<"ignore", "pipe", "inherit">;

  constructor(file: string, args: readonly (string | number)[]) {
    const path = join(import.meta.dir, file);
    this.process = Bun.spawn([process.execPath, path, ...args.map(String)], { stdout: "pipe", stderr: "inherit" });
  }

  async told(): Promise<Told> {
    let text = "";
    const reader = this.process.stdout.getReader();
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("A process of the soak ended at its start");
      text += new TextDecoder().decode(value);
    }
    reader.releaseLock();
    return JSON.parse(text) as Told;
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }
}

export interface ClientsState {
  readonly streams: number;
  readonly bytes: number;
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly visits: { readonly served: number; readonly longestMs: number };
  /** Of each stream that beats, the longest time without the bytes it was owed, ms, since it was asked before. */
  readonly gaps: readonly number[];
  readonly slowGaps: readonly number[];
}

export type Crowd = Readonly<Record<Use, number>> & { readonly visitors: number };

/** How long all streams may take to do what is asked, ms. */
const ANSWER_MS = 120_000;

export class Clients {
  private readonly helper: Helper<{ readonly port: number }>;
  private socket: net.Socket | null = null;

  constructor(ports: readonly number[], crowd: Crowd) {
    const { beat, slow, idle, stalled, visitors } = crowd;
    const counts = [beat, slow, idle, stalled, crowd["half-closed"], visitors];
    this.helper = new Helper("clients.ts", [...ports, ...counts]);
  }

  async start(): Promise<void> {
    const { port } = await this.helper.told();
    this.socket = net.connect(port, "127.0.0.1");
    await once(this.socket, "connect");
  }

  /** @throws Error when no answer comes */
  async ask(what: "open" | "gaps" | "rest" | "finish"): Promise<ClientsState> {
    const { socket } = this;
    if (socket === null) throw new Error("Cannot ask clients that were not started");
    socket.write(`${what}\n`);
    let text = "";
    const signal = AbortSignal.timeout(ANSWER_MS);
    while (!text.endsWith("\n")) {
      const [chunk] = (await once(socket, "data", { signal })) as [Buffer];
      text += chunk.toString("latin1");
    }
    return JSON.parse(text) as ClientsState;
  }

  stop(): void {
    this.socket?.destroy();
    this.helper.stop();
  }
}
