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
  readonly lost: () => readonly string[];
  /** Longest time from a message to its echo since the last call, over all tunnels, in ms. */
  longestEcho(): number;
  close(): void;
}

/** Upgraded connections that echo a byte for ever, each with a pause between the echo and the next byte. */
export async function holdTunnels(count: number, port: number, host: string, pauseMs: number): Promise<Tunnels> {
  const lost: string[] = [];
  const sockets: net.Socket[] = [];
  let [longest, closing] = [0, false];
  const waiting = new Map<net.Socket, number>();

  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1" });
      socket.setNoDelay(true);
      sockets.push(socket);
      let isOpen = false;
      const ping = (): void => {
        waiting.set(socket, performance.now());
        socket.write("x");
      };
      socket.on("data", (chunk) => {
        if (!isOpen && !chunk.toString("latin1").startsWith("HTTP/1.1 101 ")) return reject(new Error(String(chunk)));
        const sentAt = waiting.get(socket);
        if (sentAt !== undefined) longest = Math.max(longest, performance.now() - sentAt);
        waiting.delete(socket);
        isOpen = true;
        setTimeout(ping, pauseMs);
        return resolve();
      });
      socket.on("error", (error) => {
        if (!closing) lost.push(error.message);
        reject(error);
      });
      socket.on("end", () => (closing ? undefined : lost.push("ended")));
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
    });
  for (let at = 0; at < count; at++) await open();

  return {
    lost: () => lost,
    longestEcho() {
      const now = performance.now();
      // one that still waits counts as well
      const most = Math.max(longest, ...[...waiting.values()].map((sentAt) => now - sentAt));
      longest = 0;
      return most;
    },
    close() {
      closing = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
