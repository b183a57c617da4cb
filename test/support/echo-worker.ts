/** A worker of the linux engine as `data/worker.ts` starts it: answers every first chunk, and dies when told to. */
import { type MessagePort, workerData } from "node:worker_threads";
import { createLinuxRuntime } from "../../src/runtime/linux/runtime.ts";

const { mail, wakeFd, fd } = workerData as { mail: MessagePort; wakeFd: number; fd: number };
const runtime = createLinuxRuntime({ mail, wakeFd, debug: true });
let served = 0;
runtime.onMail((message) => {
  if (message.kind === "log-taken") runtime.post({ kind: "applied", version: message.batches, oldest: served });
  // what no session can do: an exception from the middle of the loop
  if (message.kind === "cut") performance.now = () => raise();
  if (message.kind === "stop") runtime.stop();
});
runtime.listen({ service: "https", at: { ip: "", port: 0 }, fd, reusePort: false }, (conn) => ({
  onData(chunk) {
    served++;
    conn.write(chunk);
  },
  onDrain() {},
  onEnd: () => conn.finish(),
  onClose() {},
}));
runtime.post({ kind: "up", worker: 0, engine: "linux" });
try {
  runtime.run();
} finally {
  runtime.post({ kind: "stopped" });
}

function raise(): never {
  throw new Error("the engine itself fails");
}
