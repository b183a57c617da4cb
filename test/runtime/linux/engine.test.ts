import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readlinkSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { EdgeError } from "../../../src/errors.ts";
import { ownedDescriptors } from "../../../src/runtime/linux/ledger.ts";
import { closeSocket, duplicate, listenSocket, SocketError } from "../../../src/runtime/kernel/listen-socket.ts";
import { probeLinux } from "../../../src/runtime/kernel/probe.ts";
import { createLinuxRuntime, type LinuxRuntime } from "../../../src/runtime/linux/runtime.ts";
import type { Conn, ConnEvents } from "../../../src/runtime/port.ts";
import type { DialError } from "../../../src/seam/mail.ts";
import type { Address } from "../../../src/seam/snapshot.ts";
import { emptyTally, StreamEnd } from "../../../scripts/soak/end.ts";
import { drawPlan, encodePlan } from "../../../scripts/soak/plan.ts";

const TEST_MS = 30_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function openRuntime(): LinuxRuntime {
  const runtime = createLinuxRuntime({ debug: true });
  cleanups.push(() => (runtime.stop(), runtime.turn(0)));
  return runtime;
}

async function until(runtime: LinuxRuntime, what: string, holds: () => boolean, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    runtime.turn(0);
    if (performance.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

const SILENT: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

describe("probeLinux()", () => {
  test("finds that the engine runs where these tests do", () => {
    expect(probeLinux()).toBeNull();
  });
});

describe("listenSocket()", () => {
  const codeOf = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      return error instanceof SocketError ? error.code : String(error);
    }
    return "none";
  };

  test("names what is wrong by its errno", () => {
    const { fd, port } = listenSocket({ ip: "127.0.0.1", port: 0 });
    cleanups.push(() => closeSocket(fd));
    expect(codeOf(() => listenSocket({ ip: "127.0.0.1", port }))).toBe("EADDRINUSE");
    expect(codeOf(() => listenSocket({ ip: "127.0.0.1", port }, { reusePort: true }))).toBe("EADDRINUSE");
    expect(codeOf(() => listenSocket({ ip: "192.0.2.7", port: 1 }))).toBe("EADDRNOTAVAIL");
    expect(codeOf(() => listenSocket({ ip: "no address", port: 1 }))).toBe("EINVAL");
  });

  test("takes both families for an empty address", async () => {
    const { fd, port } = listenSocket({ ip: "", port: 0 });
    cleanups.push(() => closeSocket(fd));
    for (const host of ["127.0.0.1", "::1"]) {
      const socket = net.connect({ host, port });
      await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
      socket.destroy();
    }
  });

  test("is lent to a runtime, which leaves it open", async () => {
    const { fd, port } = listenSocket({ ip: "127.0.0.1", port: 0 });
    const copy = duplicate(fd);
    closeSocket(fd);
    cleanups.push(() => closeSocket(copy));
    const runtime = openRuntime();
    const spec = { service: "https", at: { ip: "", port: 0 }, fd: copy, reusePort: false } as const;
    const listener = runtime.listen(spec, () => SILENT);
    expect(listener.at).toEqual({ ip: "127.0.0.1", port });
    listener.close();
    runtime.stop();
    runtime.turn(0);
    expect(readlinkSync(`/proc/self/fd/${copy}`)).toStartWith("socket:");
  });

  test(
    "shows a client that says nothing after a second at most",
    async () => {
      const { fd, port } = listenSocket({ ip: "127.0.0.1", port: 0 });
      cleanups.push(() => closeSocket(fd));
      const runtime = openRuntime();
      let accepted = 0;
      const spec = { service: "https", at: { ip: "", port: 0 }, fd, reusePort: false } as const;
      runtime.listen(spec, () => (accepted++, SILENT));
      const started = performance.now();
      const socket = net.connect({ host: "127.0.0.1", port });
      cleanups.push(() => socket.destroy());
      await until(runtime, "it is accepted", () => accepted === 1);
      expect(performance.now() - started).toBeLessThan(1_900); // the kernel's first SYN-ACK retransmission, and a busy machine
    },
    TEST_MS,
  );
});

describe("LinuxRuntime", () => {
  test("refuses an address in use in the operator's words", () => {
    const runtime = openRuntime();
    const at = runtime.listen(
      { service: "api", at: { ip: "::1", port: 0 }, fd: -1, reusePort: false },
      () => SILENT,
    ).at;
    const again = (): unknown => runtime.listen({ service: "api", at, fd: -1, reusePort: false }, () => SILENT);
    expect(again).toThrow(EdgeError);
    expect(again).toThrow(`Cannot listen on [::1]:${at.port}: address in use`);
  });

  test("refuses a connection after join, and one of another runtime", async () => {
    const runtime = openRuntime();
    const conns = await connected(runtime, 2);
    const spec = { idleMs: 0, halfClosedMs: 0, toNode: [], toClient: [], onBytes() {}, onEnd() {} };
    const [one, two] = [conns[0]!, conns[1]!];
    runtime.join(one, two, spec);
    expect(() => one.write(new Uint8Array(1))).toThrow("after join");
    expect(() => runtime.join(one, two, spec)).toThrow("twice");
    const foreign = { ...SILENT } as unknown as Conn;
    expect(() => runtime.join(foreign, two, spec)).toThrow("another runtime");
  });

  test("gives back every descriptor on stop()", async () => {
    const before = new Set(ownedDescriptors().keys());
    const runtime = openRuntime();
    await connected(runtime, 5);
    expect(ownedDescriptors().size).toBeGreaterThan(before.size + 10);
    runtime.stop();
    runtime.turn(0);
    expect(new Set(ownedDescriptors().keys())).toEqual(before);
  });

  test(
    "tells a refused dial on a socket that served before",
    async () => {
      const runtime = openRuntime();
      const at = echo(runtime);
      for (let round = 0; round < 3; round++) {
        expect(await throughTunnel(runtime, at)).toBe("echo");
        expect(idleSockets()).toBe(1);
        expect(await dialOutcome(runtime, { ip: "127.0.0.1", port: freedPort() })).toBe("refused");
      }
      await until(runtime, "a socket that nobody needs is closed", () => idleSockets() === 0);
    },
    TEST_MS,
  );

  test(
    "stands aside when descriptors run out, and serves everyone in the end",
    async () => {
      const file = join(import.meta.dir, "../../../scripts/soak/node.ts");
      const command = `ulimit -n 56; exec "${process.execPath}" "${file}" debug`;
      const server = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
      cleanups.push(() => server.kill("SIGKILL"));
      const at = { ip: "127.0.0.1", port: await portOf(server.stdout) };
      const runtime = openRuntime();
      const tally = emptyTally();
      let over = 0;
      for (let i = 0; i < 200; i++) {
        const plan = drawPlan("short", i + 1, 0);
        runtime.dial({
          to: at,
          timeoutMs: 10_000,
          first: encodePlan(plan),
          onOpen(conn) {
            const end = new StreamEnd(runtime, conn, plan, "client", tally, () => over++);
            end.pump();
            return end;
          },
          onFail: (error) => void tally.examples.push(error),
        });
      }
      await until(runtime, "all are served", () => over === 200, 20_000);
      expect(tally).toMatchObject({ streams: 200, wrong: 0, incomplete: 0, examples: [] });
    },
    TEST_MS,
  );
});

/** This many connections of a runtime to itself; both ends are returned. */
async function connected(runtime: LinuxRuntime, count: number): Promise<Conn[]> {
  const conns: Conn[] = [];
  const events = (conn: Conn): ConnEvents => (conns.push(conn), SILENT);
  const { at } = runtime.listen({ service: "api", at: { ip: "127.0.0.1", port: 0 }, fd: -1, reusePort: false }, events);
  for (let i = 0; i < count; i++) {
    runtime.dial({ to: at, timeoutMs: 5_000, first: null, onOpen: events, onFail: () => {} });
  }
  await until(runtime, "all are connected", () => conns.length === 2 * count);
  return conns;
}

function echo(runtime: LinuxRuntime): Address {
  const spec = { service: "api", at: { ip: "127.0.0.1", port: 0 }, fd: -1, reusePort: false } as const;
  return runtime.listen(spec, (conn) => ({
    ...SILENT,
    onData: (chunk) => void conn.write(chunk),
    onEnd: () => conn.finish(),
  })).at;
}

/** A client that finishes first goes through a tunnel to `node`. @returns What came back. */
async function throughTunnel(runtime: LinuxRuntime, node: Address): Promise<string> {
  let over = false;
  const listener = runtime.listen(
    { service: "api", at: { ip: "127.0.0.1", port: 0 }, fd: -1, reusePort: false },
    (client) => ({
      ...SILENT,
      onData(chunk) {
        const spec = { idleMs: 0, halfClosedMs: 0, toNode: [], toClient: [], onBytes() {}, onEnd: () => (over = true) };
        const onOpen = (conn: Conn): ConnEvents => (runtime.join(client, conn, spec), SILENT);
        runtime.dial({ to: node, timeoutMs: 5_000, first: chunk, onOpen, onFail: () => client.destroy() });
      },
    }),
  );
  let text = "";
  const socket = net.connect({ host: "127.0.0.1", port: listener.at.port, allowHalfOpen: true });
  socket.on("data", (chunk: Uint8Array) => {
    text += new TextDecoder().decode(chunk);
    socket.end();
  });
  socket.write("echo");
  await until(runtime, "the tunnel ends", () => over);
  listener.close();
  return text;
}

async function dialOutcome(runtime: LinuxRuntime, to: Address): Promise<DialError | "open"> {
  let outcome: DialError | "open" | null = null;
  const onOpen = (): ConnEvents => ((outcome = "open"), SILENT);
  runtime.dial({ to, timeoutMs: 5_000, first: new Uint8Array(3), onOpen, onFail: (error) => void (outcome = error) });
  await until(runtime, "the dial ends", () => outcome !== null);
  return outcome ?? "open";
}

function freedPort(): number {
  const { fd, port } = listenSocket({ ip: "127.0.0.1", port: 0 });
  closeSocket(fd);
  return port;
}

function idleSockets(): number {
  const idle = [...ownedDescriptors()].filter(
    ([fd, owner]) => owner === "idle socket" && existsSync(`/proc/self/fd/${fd}`),
  );
  return idle.length;
}

async function portOf(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.getReader();
  const { value } = await reader.read();
  void drain(reader);
  return (JSON.parse(new TextDecoder().decode(value).split("\n")[0] ?? "") as { port: number }).port;
}

/** Its reports go on; a full pipe would stop it. */
async function drain(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}
