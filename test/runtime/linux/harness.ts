import { MessageChannel } from "node:worker_threads";
import { createLinuxRuntime, type LinuxRuntime } from "../../../src/runtime/linux/runtime.ts";
import { createWaker } from "../../../src/runtime/kernel/waker.ts";
import type { Harness } from "../harness.ts";
import { loopbackHarness, type TestMail } from "../loopback.ts";

/** The engine blocks in epoll_wait, so the suite turns it by hand between its own turns. */
export async function linuxHarness(ring: boolean): Promise<Harness> {
  let runtime: LinuxRuntime | null = null;
  const waker = createWaker();
  const { port1, port2 } = new MessageChannel();
  const make = (mail: TestMail): LinuxRuntime => {
    mail.on("message", (message) => {
      port1.postMessage(message);
      waker.wake();
    });
    port1.on("message", (message) => mail.postMessage(message));
    runtime = createLinuxRuntime({ mail: port2, wakeFd: waker.fd, debug: true, ring });
    return runtime;
  };
  const inner = await loopbackHarness(make, { turn: () => runtime?.turn(0) });
  return {
    ...inner,
    // the far ends live on this thread's event loop: what the engine sent in its turn reaches them in the next of theirs
    async until(what, condition) {
      await inner.until(what, condition);
      for (let round = 0; round < 2; round++) await new Promise((resolve) => void setImmediate(resolve));
    },
    async close() {
      await inner.close();
      port1.close();
      port2.close();
      waker.close();
    },
  };
}
