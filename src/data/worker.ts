/**
 * The entry of a worker thread: makes the runtime that control chose and starts the service on it.
 * The one file of data/ that may wait: loading a runtime is asynchronous, what runs on it never is.
 */
import { workerData } from "node:worker_threads";
import type { Runtime } from "../runtime/port.ts";
import { openBoard } from "../seam/board.ts";
import type { WorkerInput } from "../seam/worker-input.ts";
import type { FormatLine } from "./access-log.ts";
import { haproxyFormat } from "./log-haproxy.ts";
import { jsonLine, textLine } from "./log-lines.ts";
import { loadCopies } from "../runtime/kernel/load-copies.ts";
import { startDataWorker } from "./data-worker.ts";

const input = workerData as WorkerInput;
const runtime = await openRuntime(input);
const board = openBoard(input.workers, input.board);
const formats: Readonly<Record<NonNullable<WorkerInput["log"]>, FormatLine>> = {
  text: textLine,
  json: jsonLine,
  haproxy: haproxyFormat(board),
};
startDataWorker({
  runtime,
  worker: input.worker,
  board,
  snapshot: input.snapshot,
  format: input.log === null ? null : formats[input.log],
  random: Math.random,
});
runtime.run();

async function openRuntime({ engine, ring, mail, wakeFd }: WorkerInput): Promise<Runtime> {
  switch (engine) {
    case "linux": {
      const { createLinuxRuntime } = await import("../runtime/linux/runtime.ts");
      return createLinuxRuntime({ mail, wakeFd, ring });
    }
    case "bun": {
      const { createBunRuntime } = await import("../runtime/bun.ts");
      return createBunRuntime(mail, await loadCopies());
    }
    case "node": {
      const { createNodeRuntime } = await import("../runtime/node.ts");
      return createNodeRuntime(mail, await loadCopies());
    }
  }
}
