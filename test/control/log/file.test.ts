import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileWriter } from "../../../src/control/log/file.ts";
import { QueuedSink } from "../../../src/control/log/sink.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pipe(name: string): string {
  const path = join(folder, name);
  spawnSync("mkfifo", [path]);
  return path;
}

function readSome(fd: number): string {
  const data = Buffer.alloc(65_536);
  return data.toString("utf8", 0, readSync(fd, data));
}

describe("fileWriter() and a pipe (A5)", () => {
  test("without a reader opens at once, and loses lines, counted, until there is one", async () => {
    const path = pipe("late");
    const sink = new QueuedSink(fileWriter(path));
    sink.write("a\nb\n");
    sink.reopen();
    sink.write("c\n");
    await sink.drained();
    expect(sink.dropped).toBe(3);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    sink.write("d\n");
    await sink.drained();
    expect(readSome(reader)).toMatch(/ 3 log lines were lost: .*\nd\n$/);
    closeSync(reader);
    sink.write("e\n");
    await sink.drained();
    expect(sink.dropped).toBe(4);
    const again = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    sink.write("f\n");
    await sink.drained();
    expect(readSome(again)).toEndWith("f\n");
    closeSync(again);
  });

  test("whose reader reads nothing loses what does not fit, and holds nothing up", async () => {
    const path = pipe("full");
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = new QueuedSink(fileWriter(path));
    const line = `${"x".repeat(999)}\n`;
    for (let count = 0; count < 3_000; count++) sink.write(line);
    expect(sink.dropped).toBeGreaterThan(1_000);
    closeSync(reader);
    await sink.drained();
  });

  test("a socket is an error that says what to write", async () => {
    const path = join(folder, "socket");
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(() => fileWriter(path)).toThrow(`it is a socket; unix:${path} writes to one`);
    server.close();
  });
});
