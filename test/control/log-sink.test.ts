import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { descriptorSink } from "../../src/control/log-sink.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-sink-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("descriptorSink()", () => {
  test("writes everything in order, tells each writer once, and drops what does not fit", async () => {
    const path = join(folder, "log");
    const fd = openSync(path, "w");
    const sink = descriptorSink(fd);
    const done: number[] = [];
    for (let line = 0; line < 100; line++) sink.write(`line ${line}\n`, () => done.push(line));
    sink.write(`${"x".repeat(2_000_000)}\n`, () => done.push(-1));
    await sink.drained();
    closeSync(fd);
    const lines = Array.from({ length: 100 }, (_, line) => line);
    expect(readFileSync(path, "utf8")).toBe(lines.map((line) => `line ${line}\n`).join(""));
    expect(done).toEqual([-1, ...lines]);
    expect(sink.dropped).toBe(1);
  });
});
