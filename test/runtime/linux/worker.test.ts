import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { closeSocket, listenSocket } from "../../../src/runtime/kernel/listen-socket.ts";
import { createLinuxRuntime } from "../../../src/runtime/linux/runtime.ts";
import { createWaker, type Waker } from "../../../src/runtime/kernel/waker.ts";
import type { FromWorker, ToWorker } from "../../../src/seam/mail.ts";
import type { Address } from "../../../src/seam/snapshot.ts";

const TEST_MS = 30_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Engine {
  readonly got: FromWorker[];
  readonly errors: readonly unknown[];
  readonly exited: Promise<number>;
  send(mail: ToWorker): void;
  until(kind: FromWorker["kind"]): Promise<void>;
}

/** A worker on a listening descriptor of this thread, woken as control does it. */
function startEngine(fd: number): Engine {
  const waker: Waker = createWaker();
  const { port1, port2 } = new MessageChannel();
  const got: FromWorker[] = [];
  port1.on("message", (mail: FromWorker) => void got.push(mail));
  const worker = new Worker(join(import.meta.dir, "../../support/echo-worker.ts"), {
    workerData: { mail: port2 as MessagePort, wakeFd: waker.fd, fd },
    transferList: [port2],
  });
  const errors: unknown[] = [];
  worker.on("error", (error) => void errors.push(error));
  const exited = new Promise<number>((resolve) => void worker.on("exit", resolve));
  const send = (mail: ToWorker): void => {
    port1.postMessage(mail);
    waker.wake();
  };
  cleanups.push(async () => {
    send({ kind: "stop", afterMs: 0 });
    await exited;
    port1.close();
    waker.close();
  });
  return { got, errors, exited, send, until: (kind) => waitFor(kind, () => got.some((mail) => mail.kind === kind)) };
}

async function waitFor(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

function openSocket(): { fd: number; at: Address } {
  const { fd, port } = listenSocket({ ip: "127.0.0.1", port: 0 });
  cleanups.push(() => closeSocket(fd));
  return { fd, at: { ip: "127.0.0.1", port } };
}

/** Connects, sends, wants its bytes back, finishes: `count` times, some at once, turned by hand on this thread. */
async function load(at: Address, count: number, onServed: (served: number) => void): Promise<{ lost: string[] }> {
  const runtime = createLinuxRuntime({ debug: true });
  cleanups.push(() => (runtime.stop(), runtime.turn(0)));
  const hello = new Uint8Array(517).fill(22);
  const lost: string[] = [];
  let [started, over] = [0, 0];
  const next = (): void => {
    if (started === count) return;
    started++;
    let received = 0;
    const done = (fault: string | null): void => {
      over++;
      if (fault !== null) lost.push(fault);
      onServed(over);
      next();
    };
    runtime.dial({
      to: at,
      timeoutMs: 5_000,
      first: hello,
      onOpen: (conn) => ({
        onData(chunk) {
          received += chunk.length;
          if (received === hello.length) conn.finish();
        },
        onDrain() {},
        onEnd() {},
        onClose: (cause) => done(received === hello.length ? null : `${cause} after ${received} bytes`),
      }),
      onFail: (error) => done(error),
    });
  };
  for (let i = 0; i < 16; i++) next();
  await waitFor("all are served", () => {
    for (let i = 0; i < 20; i++) runtime.turn(0);
    return over === count;
  });
  return { lost };
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

describe("LinuxRuntime.run()", () => {
  test(
    "takes mail while it waits for events, and answers",
    async () => {
      const engine = startEngine(openSocket().fd);
      await engine.until("up");
      for (let round = 1; round <= 20; round++) {
        engine.send({ kind: "log-taken", batches: round });
        await waitFor("the answer", () => engine.got.length === round + 1);
      }
      expect(engine.got.at(-1)).toEqual({ kind: "applied", version: 20, oldest: 0 });
      engine.send({ kind: "stop", afterMs: 0 });
      await engine.until("stopped");
      expect(await engine.exited).toBe(0);
    },
    TEST_MS,
  );

  test(
    "shares one socket with other workers",
    async () => {
      const { fd, at } = openSocket();
      const engines = [startEngine(fd), startEngine(fd)];
      for (const engine of engines) await engine.until("up");
      expect((await load(at, 600, () => {})).lost).toEqual([]);
      for (const engine of engines) engine.send({ kind: "log-taken", batches: 1 });
      for (const engine of engines) await engine.until("applied");
      const served = engines.map(({ got }) => got.find((mail) => mail.kind === "applied")?.oldest ?? 0);
      expect(served[0]! + served[1]!).toBe(600);
    },
    TEST_MS,
  );

  test(
    "may die in the middle of the load: its replacement serves the same socket and no connect is lost",
    async () => {
      const { fd, at } = openSocket();
      const victim = startEngine(fd);
      await victim.until("up");
      let replacement: Engine | null = null;
      const { lost } = await load(at, 6_000, (served) => {
        if (served === 800) victim.send({ kind: "cut", cell: 0, afterMs: 0, reason: "shutdown" });
        if (served === 801) void victim.exited.then(() => (replacement = startEngine(fd)));
      });
      expect(replacement).not.toBeNull();
      await victim.exited;
      expect(victim.errors).toHaveLength(1);
      // accepted and answered in one turn; the rest waited in the socket's queue
      expect(lost).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "closes its own descriptors however it ends, and none of control's",
    async () => {
      const { fd, at } = openSocket();
      const first = startEngine(fd);
      await first.until("up");
      await load(at, 50, () => {});
      const before = descriptors();
      for (let round = 0; round < 3; round++) {
        const engine = startEngine(fd);
        await engine.until("up");
        await load(at, 50, () => {});
        if (round < 2) engine.send({ kind: "cut", cell: 0, afterMs: 0, reason: "shutdown" });
        else engine.send({ kind: "stop", afterMs: 0 });
        await engine.exited;
      }
      // each round left a waker, and the epoll and the ring of its load, on this thread
      await waitFor("descriptors are back", () => descriptors() <= before + 3 * 3);
      expect((await load(at, 50, () => {})).lost).toEqual([]);
    },
    TEST_MS,
  );
});
