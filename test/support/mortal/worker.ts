/**
 * The real worker, and a way to end it with an exception that nothing catches: when the file named by EDGE_LB_TEST_DEATH
 * appears, the worker that sees it first takes it away and throws.
 */
import { unlinkSync } from "node:fs";
import { workerData } from "node:worker_threads";
import type { WorkerInput } from "../../../src/seam/worker-input.ts";

const file = process.env["EDGE_LB_TEST_DEATH"] ?? "";

function dieIfAsked(): void {
  try {
    unlinkSync(file);
  } catch {
    return; // not asked
  }
  throw new Error("ended by the test");
}

if ((workerData as WorkerInput).engine === "linux") {
  // it never returns to the event loop, but asks for the time in every turn of its own, before it looks at a connection
  const now = performance.now.bind(performance);
  performance.now = () => {
    dieIfAsked();
    return now();
  };
} else {
  setInterval(dieIfAsked, 5);
}

await import("../../../src/data/worker.ts");
