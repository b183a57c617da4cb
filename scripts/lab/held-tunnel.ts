/** A TLS connection that a client keeps open without a word, as `kubectl exec` does. */
import tls from "node:tls";
import type { Door } from "./crowd.ts";

export interface HeldTunnel {
  /** Who answered at its beginning. */
  readonly node: string;
  readonly localPort: number;
  /** When it ended, ms since 1970; null: it is open. */
  endedMs(): number | null;
  close(): void;
}

/** Asks for /version once, so that it is known which node it ends at. */
export function holdTunnel({ ip, port, host }: Door): Promise<HeldTunnel> {
  return new Promise((resolve, reject) => {
    let endedMs: number | null = null;
    let answer = "";
    const socket = tls.connect({ host: ip, port, servername: host, rejectUnauthorized: false });
    socket.on("secureConnect", () => socket.write(`GET /version HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      const node = answer.match(/"node":"([^"]+)"/)?.[1];
      if (node !== undefined) {
        resolve({
          node,
          localPort: socket.localPort ?? 0,
          endedMs: () => endedMs,
          close: () => socket.destroy(),
        });
      }
    });
    socket.on("error", reject); // after it was resolved this says nothing more
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      endedMs = Date.now();
      reject(new Error(`closed early: ${answer.slice(0, 200)}`));
    });
  });
}
