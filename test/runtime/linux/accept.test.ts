import { afterEach, describe, expect, test } from "bun:test";
import { dlopen, FFIType } from "bun:ffi";
import { listenSocket, closeSocket } from "../../../src/runtime/kernel/listen-socket.ts";
import { createLinuxRuntime, type LinuxRuntime } from "../../../src/runtime/linux/runtime.ts";

let runtime: LinuxRuntime | null = null;
afterEach(() => {
  runtime?.stop();
  runtime?.turn(0);
});

/** As when a socket stops being one that can be accepted from: its every accept fails, and epoll never falls silent. */
function shutDown(fd: number): void {
  const libc = dlopen("libc.so.6", { shutdown: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } });
  libc.symbols.shutdown(fd, 2);
}

describe("A7: accept(2) that fails for a reason nobody thought of", () => {
  test("rests between attempts, is told, and does not hold up the end", () => {
    const faults: string[] = [];
    const { fd } = listenSocket({ ip: "127.0.0.1", port: 0 });
    runtime = createLinuxRuntime({ debug: true });
    runtime.onFault((error) => void faults.push(String((error as Error).stack)));
    const spec = { service: "https", at: { ip: "127.0.0.1", port: 0 }, fd, reusePort: false } as const;
    const listener = runtime.listen(spec, () => ({ onData() {}, onDrain() {}, onEnd() {}, onClose() {} }));
    shutDown(fd);
    const startMs = performance.now();
    let turns = 0;
    for (; performance.now() - startMs < 500; turns++) runtime.turn(100);
    expect(turns).toBeLessThan(20);
    expect(faults.length).toBeWithin(1, 8);
    expect(faults[0]).toMatch(/^Cannot accept at 127\.0\.0\.1:\d+: EINVAL; trying again$/);
    listener.close();
    closeSocket(fd);
  });
});
