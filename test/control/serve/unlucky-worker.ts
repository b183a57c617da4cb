/** A worker whose lives go wrong in turn: the first dies on its first "cut", the second cannot listen, the third serves. */
import { workerData } from "node:worker_threads";
import type { WorkerInput } from "../../../src/seam/worker-input.ts";
import { openBoard } from "../../../src/seam/board.ts";
import type { FromWorker, ToWorker } from "../../../src/seam/mail.ts";

const { worker, workers, board, mail } = workerData as WorkerInput;
const life = Atomics.add(openBoard(workers, board).health, 0, 1);
const post = (message: FromWorker): void => mail.postMessage(message);

mail.on("message", ({ kind }: ToWorker) => {
  if (kind === "cut") throw new Error("a fault of the test");
  if (kind === "listen" && life === 1) post({ kind: "listen-failed", worker, message: "Cannot listen", hint: "" });
  else if (kind === "listen") post({ kind: "up", worker, engine: "node" });
  if (kind !== "stop") return;
  post({ kind: "listeners-closed" });
  post({ kind: "stopped" });
  mail.close();
});
