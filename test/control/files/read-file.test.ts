import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../../scripts/lab/command.ts";
import { readRegular, readWhole } from "../../../src/control/files/read-file.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SHORT = { writerMs: 50, silentMs: 50 };

async function pipe(name: string): Promise<string> {
  const path = join(folder, name);
  await command(["mkfifo", path]);
  return path;
}

describe("readWhole() (13 A5)", () => {
  test("reads a file, an empty one, and what another process writes to a pipe, in pieces", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "clusters: {}\n");
    expect(readWhole(file)).toBe("clusters: {}\n");
    writeFileSync(file, "");
    expect(readWhole(file)).toBe("");
    const path = await pipe("written");
    const writing = command(["sh", "-c", '(printf one; sleep 0.2; printf two) > "$0"', path]);
    expect(readWhole(path)).toBe("onetwo");
    await writing;
  });

  test("gives up on a pipe that nobody writes to, and on one whose writer says nothing", async () => {
    expect(() => readWhole("/dev/zero")).toThrow("has no end");
    const path = await pipe("unwritten");
    expect(() => readWhole(path, SHORT)).toThrow("nobody writes to");
    const silent = Bun.spawn(["sh", "-c", 'exec 3<> "$0"; echo; read line', path], { stdin: "pipe", stdout: "pipe" });
    await silent.stdout.getReader().read();
    expect(() => readWhole(path, SHORT)).toThrow("nobody writes to");
    await silent.stdin.end();
    await silent.exited;
  });
});

describe("readRegular() (13 A5)", () => {
  test("reads nothing else that stands where a file was", async () => {
    const path = await pipe("instead");
    expect(() => readRegular(path)).toThrow("is a pipe");
    expect(() => readRegular("/dev/zero")).toThrow("is no regular file");
    expect(() => readRegular(folder)).toThrow("EISDIR");
  });
});
