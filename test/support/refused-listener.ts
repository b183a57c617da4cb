/**
 * A listener on one engine for a process that may not accept: a client comes, and what that costs and says is printed.
 * `refused-listener.ts ENGINE`
 */
import net from "node:net";
import type { Runtime } from "../../src/runtime/port.ts";

/** How long it is watched once it has said something, and how long it may stay silent. */
const WATCH_MS = 1_500;
const SILENT_MS = 10_000;

const engine = process.argv[2] as "linux" | "bun" | "node";
const { runtime, turn } = await open();
const faults: string[] = [];
runtime.onFault((error) => void faults.push(String((error as Error).stack)));
const spec = { service: "http", at: { ip: "127.0.0.1", port: 0 }, fd: -1, reusePort: false } as const;
const listener = runtime.listen(spec, () => ({ onData() {}, onDrain() {}, onEnd() {}, onClose() {} }));
const client = net.connect(listener.at.port, listener.at.ip).on("error", () => {});
const deadline = performance.now() + SILENT_MS;
while (faults.length === 0 && performance.now() < deadline) await pass();
const [startMs, before] = [performance.now(), process.cpuUsage()];
while (performance.now() - startMs < WATCH_MS) await pass();
const { user, system } = process.cpuUsage(before);
const cpu = (user + system) / 1_000 / (performance.now() - startMs);
runtime.stop();
turn();
client.destroy();
console.log(JSON.stringify({ port: listener.at.port, faults, cpu }));

async function open(): Promise<{ readonly runtime: Runtime; turn(): void }> {
  if (engine === "bun") {
    const { createBunRuntime } = await import("../../src/runtime/bun.ts");
    return { runtime: createBunRuntime(null), turn() {} };
  }
  if (engine === "node") {
    const { createNodeRuntime } = await import("../../src/runtime/node.ts");
    return { runtime: createNodeRuntime(null), turn() {} };
  }
  const { createLinuxRuntime } = await import("../../src/runtime/linux/runtime.ts");
  const runtime = createLinuxRuntime({ debug: true });
  return { runtime, turn: () => runtime.turn(0) };
}

function pass(): Promise<void> {
  turn();
  return new Promise((resolve) => void setTimeout(resolve, 20));
}
