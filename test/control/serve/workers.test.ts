/** Workers that end, on a real thread that plays one. */
import { expect, describe, test } from "bun:test";
import { buildSnapshot } from "../../../src/config/build-snapshot.ts";
import { BoardCells } from "../../../src/control/serve/board-cells.ts";
import { createWorkers } from "../../../src/control/serve/workers.ts";
import { openBoard } from "../../../src/seam/board.ts";
import { configOf } from "../../data/service-lab.ts";

describe("createWorkers()", () => {
  test("replaces a replacement that cannot listen: it would be a worker that nobody reaches", async () => {
    const cells = new BoardCells();
    const snapshot = buildSnapshot(configOf(["--cluster hub=10.0.0.1"]), {
      version: 1,
      cellOf: (key) => cells.of(key),
      addressesOf: () => [],
      maxConnections: 10,
    });
    const reasons: string[] = [];
    let ups = 0;
    let served = (): void => {};
    const again = new Promise<void>((resolve) => (served = resolve));
    const workers = createWorkers({
      entry: new URL("unlucky-worker.ts", import.meta.url),
      engine: "node",
      ring: false,
      count: 1,
      board: openBoard(1),
      log: null,
      snapshot: () => snapshot,
      listen: () => [],
      onMail: (_worker, { kind }) => {
        if (kind === "up" && ++ups === 2) served();
      },
      onReplaced: (_worker, reason) => void reasons.push(reason),
      onFatal: (error) => void reasons.push(`fatal: ${error.message}`),
    });
    await workers.start();
    workers.broadcast({ kind: "cut", cell: 0, afterMs: 0, reason: "removed" });
    await again;
    expect(reasons).toEqual(["a fault of the test", "Cannot listen"]);
    let closed = false;
    let stopped = false;
    const stop = workers.stop(1_000, () => (closed = true)).then(() => (stopped = true));
    expect(closed).toBe(false); // what an earlier life said of itself does not count
    expect(stopped).toBe(false);
    await stop;
    expect(closed).toBe(true);
  });
});
