/** A crowd of clients: a new connection for every request, at a steady pace whatever the answers, and a record of each. */
import net from "node:net";
import tls from "node:tls";
import type { Listener } from "./lab.ts";

export interface Door {
  readonly listener: Listener;
  readonly ip: string;
  readonly port: number;
  /** Server name, or the Host field on plain HTTP. */
  readonly host: string;
  /** The client's address. @default whichever the kernel takes */
  readonly from?: string;
}

/** One request of one client. */
export interface Visit {
  readonly listener: Listener;
  /** When it began, ms since 1970. */
  readonly atMs: number;
  /** Until its answer was complete, or it failed. */
  readonly ms: number;
  /** Who answered; null: nobody, see `error`. */
  readonly cluster: string | null;
  readonly node: string | null;
  readonly error: string | null;
}

export interface Crowd {
  /** Those that are over. */
  visits(): readonly Visit[];
  /** No new requests; resolves when all are over. */
  stop(): Promise<readonly Visit[]>;
}

/** Clients wait longer than a load balancer may. */
const PATIENCE_MS = 20_000;

/**
 * One request through every door at once, again every so many ms.
 * @param dress Makes the clients of each turn different ones. @default all alike
 */
export function startCrowd(
  doors: readonly Door[],
  everyMs: number,
  dress: (door: Door, turn: number) => Door = (door) => door,
): Crowd {
  const done: Visit[] = [];
  const open = new Set<Promise<void>>();
  const enter = (door: Door): void => {
    const over = visit(door).then((one) => {
      done.push(one);
      open.delete(over);
    });
    open.add(over);
  };
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    for (const door of doors) enter(dress(door, turn));
  }, everyMs);
  return {
    visits: () => done,
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return done;
    },
  };
}

/** One request through one door; never throws for what comes back. */
export async function visit(door: Door): Promise<Visit> {
  const { listener } = door;
  const atMs = Date.now();
  const startedMs = performance.now();
  const took = (): number => performance.now() - startedMs;
  try {
    const { cluster, node } = JSON.parse(bodyOf(await exchange(door))) as { cluster: string; node: string };
    return { listener, atMs, ms: took(), cluster, node, error: null };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { listener, atMs, ms: took(), cluster: null, node: null, error: words };
  }
}

function bodyOf(answer: string): string {
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(head === "" ? "no answer" : (head.split("\r\n", 1)[0] ?? ""));
  return body;
}

function exchange({ listener, ip, port, host, from }: Door): Promise<string> {
  const path = listener === "api" ? "/version" : "/";
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let answer = "";
    const plain = listener === "http";
    const to = { host: ip, port, ...(from === undefined ? {} : { localAddress: from }) };
    const socket = plain ? net.connect(to) : tls.connect({ ...to, servername: host, rejectUnauthorized: false });
    const patience = setTimeout(() => socket.destroy(new Error("out of patience")), PATIENCE_MS);
    socket.on(plain ? "connect" : "secureConnect", () => socket.write(request));
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      clearTimeout(patience);
      resolve(answer);
    });
  });
}
