/** A worker on the engine it is given: it listens, and on mail it says so and stops. */
import { type MessagePort, workerData } from "node:worker_threads";
import { createBunRuntime } from "../../src/runtime/bun.ts";
import { createNodeRuntime } from "../../src/runtime/node.ts";
import { listenSpec, LOCAL, watch } from "./recorder.ts";

const { engine, mail } = workerData as { engine: "bun" | "node"; mail: MessagePort };
const runtime = engine === "bun" ? createBunRuntime(mail) : createNodeRuntime(mail);
runtime.listen(listenSpec(LOCAL), (conn) => watch(conn).events);
runtime.onMail(() => {
  runtime.post({ kind: "stopped" });
  runtime.stop();
});
