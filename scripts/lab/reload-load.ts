/** Clients for reload tests, small enough that two cores have room for edge-lb beside them. */
import net from "node:net";

export interface Clients {
  readonly done: () => number;
  /** What went wrong, one text per failed request. */
  readonly failures: () => readonly string[];
  stop(): Promise<void>;
}

/** So many clients, each asking on a new connection as soon as it has its answer. */
export function connectWithoutPause(count: number, port: number, hosts: readonly string[]): Clients {
  let done = 0;
  const ending = new AbortController();
  const failures: string[] = [];
  async function client(at: number): Promise<void> {
    for (let turn = at; !ending.signal.aborted; turn++) {
      const failure = await askOnce(port, hosts[turn % hosts.length] ?? "");
      if (failure === null) done += 1;
      else failures.push(failure);
    }
  }
  const all = Promise.all(Array.from({ length: count }, (_, at) => client(at)));
  return {
    done: () => done,
    failures: () => failures,
    async stop() {
      ending.abort();
      await all;
    },
  };
}

/** One request on one connection. @returns null, or what went wrong */
function askOnce(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = net.connect({ port, host: "127.0.0.1" });
    socket.setTimeout(20_000, () => socket.destroy(new Error("no answer within 20 s")));
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", (error) => resolve(`${host}: ${error.message}`));
    socket.on("close", () => resolve(answer.startsWith("HTTP/1.1 200 ") ? null : `${host}: ${answer.slice(0, 80)}`));
    socket.write(`GET /version HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
}

export interface Tunnels {
  /** Tunnels that have ended, and why. */
  lost(): readonly string[];
  /** Longest time from a message to its echo since the last call, over all tunnels, in ms. */
  longestEcho(): number;
  close(): void;
}

/** Upgraded connections that echo a byte for ever, each with a pause between the echo and the next byte. */
export async function holdTunnels(count: number, port: number, host: string, pauseMs: number): Promise<Tunnels> {
  const tunnels = new EchoTunnels(pauseMs);
  for (let at = 0; at < count; at++) await tunnels.open(port, host);
  return tunnels;
}

class EchoTunnels implements Tunnels {
  private readonly pauseMs: number;
  private readonly ended: string[] = [];
  private readonly sockets: net.Socket[] = [];
  /** When the byte was sent whose echo is awaited. */
  private readonly waiting = new Map<net.Socket, number>();
  private longestMs = 0;
  private closing = false;

  constructor(pauseMs: number) {
    this.pauseMs = pauseMs;
  }

  lost(): readonly string[] {
    return this.ended;
  }

  longestEcho(): number {
    const now = performance.now();
    // one that still waits counts as well
    const most = Math.max(this.longestMs, ...[...this.waiting.values()].map((sentAt) => now - sentAt));
    this.longestMs = 0;
    return most;
  }

  close(): void {
    this.closing = true;
    for (const socket of this.sockets) socket.destroy();
  }

  open(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.setNoDelay(true);
      this.sockets.push(socket);
      socket.once("data", (chunk) => {
        if (!chunk.toString("latin1").startsWith("HTTP/1.1 101 ")) return reject(new Error(String(chunk)));
        socket.on("data", () => this.echoed(socket));
        this.pingLater(socket);
        return resolve();
      });
      socket.on("error", (error) => {
        if (!this.closing) this.ended.push(error.message);
        reject(error);
      });
      socket.on("end", () => (this.closing ? undefined : this.ended.push("ended")));
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
    });
  }

  private echoed(socket: net.Socket): void {
    const sentAt = this.waiting.get(socket);
    if (sentAt !== undefined) this.longestMs = Math.max(this.longestMs, performance.now() - sentAt);
    this.waiting.delete(socket);
    this.pingLater(socket);
  }

  private pingLater(socket: net.Socket): void {
    setTimeout(() => {
      this.waiting.set(socket, performance.now());
      socket.write("x");
    }, this.pauseMs);
  }
}
