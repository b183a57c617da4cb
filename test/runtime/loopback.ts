/** The harness for runtimes on real sockets: peers are `node:net` sockets on loopback. */
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import net from "node:net";
import { Worker } from "node:worker_threads";
import type { Runtime } from "../../src/runtime/port.ts";
import type { FromWorker, ToWorker } from "../../src/seam/mail.ts";
import type { Address } from "../../src/seam/snapshot.ts";
import { createInbox, patternAt, type Harness, type NodeServer, type Peer } from "./harness.ts";
import { shortage } from "./shortage.ts";

/** The port a runtime is given in the suite; it keeps what was posted. */
export interface TestMail {
  on(event: "message", handler: (mail: ToWorker) => void): void;
  postMessage(mail: FromWorker): void;
}

export interface LoopbackOptions {
  /** Called again and again while the suite waits: for a runtime that does not run on this thread's event loop. */
  readonly turn?: () => void;
}

const WAIT_MS = 10_000;

/** @param make Builds the runtime around the given mail port. */
export async function loopbackHarness(
  make: (mail: TestMail) => Runtime,
  options: LoopbackOptions = {},
): Promise<Harness> {
  const posted: FromWorker[] = [];
  const handlers: ((mail: ToWorker) => void)[] = [];
  const runtime = make({
    on: (_event, handler) => void handlers.push(handler),
    postMessage: (mail) => void posted.push(mail),
  });
  const cleanups: (() => unknown)[] = [];
  const turn = options.turn ?? ((): void => {});
  const until = (what: string, condition: () => boolean): Promise<void> => waitFor(what, condition, turn);
  const fence = await openFence(runtime, until, cleanups);
  return {
    runtime,
    until,
    fence,
    client: (to) => track(cleanups, clientPeer(to)),
    node: (ip = "127.0.0.1", reading = true) => openNode(ip, reading, cleanups),
    shortage,
    nowhere: (kind) => nowhere(kind, cleanups),
    deliver: (mail) => void setImmediate(() => handlers.forEach((handler) => handler(mail))),
    posted: () => posted,
    sockets: countSockets,
    async close() {
      runtime.stop();
      for (const cleanup of cleanups.toReversed()) await cleanup();
      turn();
    },
  };
}

async function waitFor(what: string, condition: () => boolean, turn: () => void): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    turn();
    if (condition()) return;
    if (performance.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await nextTurn();
  }
}

/** One millisecond, so that waiting does not starve the loop that is waited for. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 1));
}

/** Two echoes over a connection of its own: whatever was ready before them has been seen by then. */
async function openFence(
  runtime: Runtime,
  until: Harness["until"],
  cleanups: (() => unknown)[],
): Promise<() => Promise<void>> {
  const at = { ip: "127.0.0.1", port: 0 };
  const listener = runtime.listen({ service: "http", at, fd: -1, reusePort: false }, (conn) => ({
    onData: (chunk) => void conn.write(chunk),
    onDrain: () => {},
    onEnd: () => conn.finish(),
    onClose: () => {},
  }));
  const peer = track(cleanups, clientPeer(listener.at));
  let echoes = 0;
  const fence = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) {
      peer.send(new Uint8Array(1));
      echoes++;
      await until("the fence echoes", () => peer.received() >= echoes);
    }
  };
  await fence();
  return fence;
}

function track(cleanups: (() => unknown)[], peer: SocketPeer): Peer {
  cleanups.push(() => peer.free());
  return peer;
}

interface SocketPeer extends Peer {
  free(): void;
}

function clientPeer(to: Address): SocketPeer {
  return socketPeer(net.connect({ host: to.ip, port: to.port, allowHalfOpen: true, noDelay: true }), true);
}

function socketPeer(socket: net.Socket, reading: boolean): SocketPeer {
  const inbox = createInbox();
  let taken = 0;
  let ended = false;
  let state: "open" | "closed" | "reset" = "open";
  let listening = false;
  const startReading = (): void => {
    if (!listening) socket.on("data", (chunk: Uint8Array) => inbox.take(chunk));
    listening = true;
    socket.resume();
  };
  const send = (chunk: Uint8Array, after?: () => void): boolean =>
    socket.write(chunk, (error) => {
      if (error) return;
      taken += chunk.length;
      after?.();
    });
  socket.on("end", () => void (ended = true));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNRESET" || error.code === "EPIPE") state = "reset";
  });
  socket.on("close", () => void (state = state === "open" ? "closed" : state));
  if (reading) startReading();
  else socket.pause();
  return {
    local: () => ({ ip: socket.localAddress ?? "", port: socket.localPort ?? 0 }),
    send: (chunk) => void send(chunk),
    stream: (total, after) => streamPattern(socket, send, total, after),
    taken: () => taken,
    finish: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    stopReading: () => void socket.pause(),
    startReading,
    received: inbox.count,
    head: inbox.head,
    patternHolds: inbox.patternHolds,
    ended: () => ended,
    closed: () => state,
    free: () => void socket.destroy(),
  };
}

type Send = (chunk: Uint8Array, after?: () => void) => boolean;

/** One piece at a time, the next when the network took the last: `taken` then stalls as soon as nobody reads. */
function streamPattern(socket: net.Socket, send: Send, total: number, after?: () => void): void {
  let offset = 0;
  const next = (): void => {
    if (socket.destroyed) return;
    if (offset === total) return after?.();
    const piece = patternAt(offset, total - offset);
    offset += piece.length;
    send(piece, next);
  };
  next();
}

async function openNode(ip: string, reading: boolean, cleanups: (() => unknown)[]): Promise<NodeServer> {
  const peers: SocketPeer[] = [];
  const options = { allowHalfOpen: true, pauseOnConnect: !reading, noDelay: true };
  const server = net.createServer(options, (socket) => void peers.push(socketPeer(socket, reading)));
  server.listen(0, ip);
  await once(server, "listening");
  const address = server.address() as net.AddressInfo;
  const close = (): void => void server.close();
  cleanups.push(() => peers.forEach((peer) => peer.free()), close);
  return { at: { ip, port: address.port }, peers, close };
}

async function nowhere(
  kind: "refused" | "timeout" | "unreachable",
  cleanups: (() => unknown)[],
): Promise<Address | null> {
  // TCP to a multicast address is refused by the kernel's own routing (ENETUNREACH); no packet leaves.
  if (kind === "unreachable") return { ip: "224.0.0.1", port: 9 };
  if (kind === "timeout") return silentAddress(cleanups);
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return { ip: "127.0.0.1", port };
}

/** A listener whose thread sleeps: once its queue is full, the kernel drops every further SYN. */
const SILENT = `
const net = require("node:net"); const { workerData } = require("node:worker_threads");
const server = net.createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => setTimeout(() => {
  Atomics.store(workerData, 0, server.address().port);
  Atomics.wait(workerData, 1, 0);
}, 1));`;

async function silentAddress(cleanups: (() => unknown)[]): Promise<Address | null> {
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(SILENT, { eval: true, workerData: cells });
  worker.on("error", () => {});
  cleanups.push(() => {
    Atomics.store(cells, 1, 1);
    Atomics.notify(cells, 1);
    return worker.terminate();
  });
  await waitFor(
    "the silent listener is up",
    () => Atomics.load(cells, 0) > 0,
    () => {},
  );
  await nextTurn();
  const at = { ip: "127.0.0.1", port: Atomics.load(cells, 0) };
  return (await fillQueue(at, cleanups)) ? at : null;
}

/** Connects until a connection hangs; a system with a queue beyond reason gets no silent address. */
async function fillQueue(at: Address, cleanups: (() => unknown)[]): Promise<boolean> {
  for (let count = 0; count < 1_100; count++) {
    const socket = net.connect(at.port, at.ip);
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    const opened = await Promise.race([once(socket, "connect").then(() => true), hangs()]);
    if (!opened) return true;
  }
  return false;
}

function hangs(): Promise<boolean> {
  return new Promise((resolve) => void setTimeout(() => resolve(false), 150));
}

/** TCP alone: a host opens files and pairs of sockets of its own at any time. */
function countSockets(): number | null {
  try {
    const tcp = new Set(["tcp", "tcp6"].flatMap(inodes));
    return readdirSync("/proc/self/fd").filter((fd) => tcp.has(inodeOf(fd))).length;
  } catch {
    return null;
  }
}

/** The tenth column of every line, as `socket:[123]`. */
function inodes(table: string): string[] {
  const lines = readFileSync(`/proc/self/net/${table}`, "utf8").trim().split("\n");
  return lines.slice(1).map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`);
}

function inodeOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // closed since it was listed
  }
}
