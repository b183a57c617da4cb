import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import net from "node:net";
import { MessageChannel, Worker } from "node:worker_threads";
import { createBunRuntime } from "../../src/runtime/bun.ts";
import { closeSocket, duplicate, listenSocket } from "../../src/runtime/kernel/listen-socket.ts";
import { bytes } from "./harness.ts";
import { LOCAL, nth, type Seen, watch } from "./recorder.ts";

describe("Runtime.stop()", () => {
  test.each(["bun", "node"])("lets a worker on the %s runtime end by itself", async (engine) => {
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(new URL("stopping-worker.ts", import.meta.url), {
      workerData: { engine, mail: port2 },
      transferList: [port2],
    });
    const exited = once(worker, "exit");
    const answered = once(port1, "message");
    port1.postMessage({ kind: "stop", afterMs: 0 });
    expect(await answered).toEqual([{ kind: "stopped" }]);
    expect(await exited).toEqual([0]);
    port1.close();
  });
});

describe("createBunRuntime()", () => {
  test.if(process.platform === "linux")(
    "accepts on a descriptor that control opened, and closes its own one",
    async () => {
      const control = listenSocket(LOCAL);
      const runtimes = [createBunRuntime(null), createBunRuntime(null)];
      const seen: Seen[] = [];
      try {
        const at = { ip: LOCAL.ip, port: control.port };
        const listeners = runtimes.map((runtime) =>
          runtime.listen({ service: "http", at, fd: duplicate(control.fd), reusePort: false }, (conn) => {
            const session = watch(conn, { onData: ({ conn }, chunk) => void conn.write(chunk) });
            seen.push(session);
            return session.events;
          }),
        );
        expect(nth(listeners, 0).at).toEqual(at);
        await echo(control.port);
        listeners[0]?.close();
        for (let round = 0; round < 10; round++) await echo(control.port);
        expect(seen.length).toBe(11);
        listeners[1]?.close();
      } finally {
        for (const runtime of runtimes) runtime.stop();
        closeSocket(control.fd);
      }
      const late = net.connect(control.port, LOCAL.ip);
      const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
      expect(error.code).toBe("ECONNREFUSED");
    },
  );
});

async function echo(port: number): Promise<void> {
  const client = net.connect(port, LOCAL.ip);
  client.write(bytes("ping"));
  const [answer] = (await once(client, "data")) as [Uint8Array];
  expect(answer.length).toBe(4);
  client.destroy();
}
