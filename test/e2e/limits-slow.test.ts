/** Clients that never get to the point: heads and hellos that trickle in. Everybody else must not notice. */
import { describe, expect, test } from "bun:test";
import net from "node:net";
import { visit } from "../../scripts/lab/crowd.ts";
import { LISTENERS, type Listener } from "../../scripts/lab/lab.ts";
import { residentMb } from "../../scripts/lab/processes.ts";
import { startSmallLab, until } from "../../scripts/lab/small-lab.ts";

const SLOW = 500;
const GOOD = 50;
/** A byte of each comes this often; it must not put off the deadline. */
const TRICKLE_MS = 300;
/** Buffers of 500 connections in two runtimes, and what the good clients' garbage leaves. */
const MOST_GROWTH_MB = 64;
/** On a busy machine; alone it takes some 20 ms. */
const MOST_MS = 3_000;

/** The first bytes of a ClientHello record of 512 bytes, which never comes to its end. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
const HALF_HEAD = Buffer.from("GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\nX-Slow: ");

interface Slow {
  readonly closed: () => boolean;
  end(): void;
}

function slowClient(listener: Listener, port: number): Slow {
  let closed = false;
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.on("close", () => (closed = true));
  socket.on("end", () => socket.end());
  socket.resume();
  socket.write(listener === "http" ? HALF_HEAD : HALF_HELLO);
  const timer = setInterval(() => socket.writable && socket.write("a"), TRICKLE_MS);
  return {
    closed: () => closed,
    end() {
      clearInterval(timer);
      socket.destroy();
    },
  };
}

describe.each(["linux", "bun"] as const)("500 slow clients on engine %s", (engine) => {
  test("do not hinder 50 good ones, and are ended in time", async () => {
    const args = ["--engine", engine, "--timeout", "hello=3s", "--timeout", "http-head=3s"];
    const lab = await startSmallLab({ block: engine === "linux" ? "127.73.0" : "127.73.1", args });
    const slow: Slow[] = [];
    try {
      for (const listener of LISTENERS) expect((await visit(lab.door("hub", listener))).error).toBe(null);
      const before = residentMb(lab.edge.pid);
      for (let at = 0; at < SLOW; at++) {
        const listener = LISTENERS[at % LISTENERS.length] ?? "http";
        slow.push(slowClient(listener, lab.ports[listener]));
      }
      const connections = async () => (await lab.control.status()).connections;
      await until("all slow clients are in", async () => (await connections()).open >= SLOW);

      const visits = await Promise.all(
        Array.from({ length: GOOD }, (_, at) => visit(lab.door("hub", LISTENERS[at % LISTENERS.length] ?? "http"))),
      );
      expect(visits.flatMap(({ error }) => error ?? [])).toEqual([]);
      expect(Math.max(...visits.map(({ ms }) => ms))).toBeLessThan(MOST_MS);
      expect(residentMb(lab.edge.pid) - before).toBeLessThan(MOST_GROWTH_MB);

      await until("slow clients are ended", () => slow.every((one) => one.closed()), 10_000);
      await until("they are counted", async () => (await connections()).timedOut >= SLOW);
      expect((await connections()).faults).toBe(0);
    } finally {
      for (const one of slow) one.end();
      await lab.stop();
    }
  }, 40_000);
});
