import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Output } from "../../../src/cli/terminal/output.ts";

/** More than any pipe holds. */
const LARGE = "0123456789abcdef".repeat(16_384);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-output-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Both ends of a pipe whose writer is told EAGAIN when it is full. */
function pipe(name: string): { readonly reader: number; readonly writer: number } {
  const path = join(folder, name);
  expect(spawnSync("mkfifo", [path]).status).toBe(0);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  return { reader, writer };
}

/** Everything up to so many bytes, a little at a time. */
async function readSlowly(fd: number, bytes: number): Promise<string> {
  const chunk = Buffer.alloc(10_000);
  let text = "";
  while (text.length < bytes) {
    try {
      text += chunk.toString("utf8", 0, readSync(fd, chunk));
    } catch {
      // nothing there yet
    }
    await Bun.sleep(1);
  }
  return text;
}

describe("Output", () => {
  test("writes everything in order, however slow the reader is", async () => {
    const { reader, writer } = pipe("slow");
    const output = new Output(writer);
    output.write(LARGE);
    output.write("the end\n");
    const [read, lost] = await Promise.all([readSlowly(reader, LARGE.length + 8), output.flush()]);
    expect(read === `${LARGE}the end\n`).toBe(true);
    expect(lost).toBeNull();
    for (const fd of [reader, writer]) closeSync(fd);
  });

  test("gives up what nobody reads in time", async () => {
    const { reader, writer } = pipe("unread");
    const output = new Output(writer);
    output.write(LARGE);
    expect(await output.flush(50)).toBe("ETIMEDOUT");
    expect(await output.flush()).toBe("ETIMEDOUT");
    for (const fd of [reader, writer]) closeSync(fd);
  });

  test("says that its reader went away", async () => {
    const { reader, writer } = pipe("gone");
    closeSync(reader);
    const output = new Output(writer);
    output.write("lost\n");
    expect(await output.flush()).toBe("EPIPE");
    closeSync(writer);
  });

  test("says that the disk is full", async () => {
    const full = openSync("/dev/full", "w");
    const output = new Output(full);
    output.write("lost\n");
    expect(await output.flush()).toBe("ENOSPC");
    closeSync(full);
  });

  test("has nothing to wait for when nothing was written", async () => {
    expect(await new Output(1).flush()).toBeNull();
  });
});
