/** The clients of the soak, a process. `client.ts PORT KIND COUNT CONCURRENCY SEED BULKBYTES SECONDS DEBUG` */
import { writeSync } from "node:fs";
import { createLinuxRuntime } from "../../src/runtime/linux/runtime.ts";
import { emptyTally, StreamEnd } from "./end.ts";
import { drawPlan, encodePlan, KINDS, type Kind } from "./plan.ts";

const [port, kindText, count, concurrency, seed, bulkBytes, seconds] = process.argv
  .slice(2, 9)
  .map((text, i) => (i === 1 ? text : Number(text))) as [number, string, number, number, number, number, number];
const kind: Kind = KINDS.find((name) => name === kindText) ?? "short";
const runtime = createLinuxRuntime({ debug: process.argv[9] === "debug" });
const tally = { ...emptyTally(), failedDials: 0 };
const deadline = runtime.nowMs() + seconds * 1_000;
let started = 0;
let running = 0;

function next(): void {
  running--;
  start();
  if (running === 0) runtime.stop();
}

function start(): void {
  while (running < concurrency && started < count && runtime.nowMs() < deadline) {
    running++;
    started++;
    dial((seed + started) >>> 0);
  }
}

function dial(planSeed: number): void {
  const plan = drawPlan(kind, planSeed, bulkBytes);
  runtime.dial({
    to: { ip: "127.0.0.1", port },
    timeoutMs: 10_000,
    first: encodePlan(plan),
    onOpen: (conn) => {
      const end = new StreamEnd(runtime, conn, plan, "client", tally, next);
      end.pump();
      return end;
    },
    onFail: () => {
      tally.failedDials++;
      runtime.timer(50, next); // ports in TIME_WAIT: a moment later there are some
    },
  });
}

start();
runtime.run();
writeSync(1, `${JSON.stringify({ started, ...tally })}\n`);
process.exit(0);
