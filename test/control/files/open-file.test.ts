import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFile } from "../../../src/control/files/open-file.ts";

const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
const STRANGER = 65_534;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-open-"));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function append(path: string): void {
  const fd = openFile(path, APPEND, 0o640);
  writeSync(fd, "line\n");
  closeSync(fd);
}

describe("openFile()", () => {
  test("makes a file, and appends to one", () => {
    const path = join(folder, "log");
    append(path);
    append(path);
    expect(readFileSync(path, "utf8")).toBe("line\nline\n");
  });

  test.each([
    ["to a file", "there"],
    ["to nothing yet", "new"],
  ])("follows our own links %s", (_, target) => {
    writeFileSync(join(folder, "there"), "");
    symlinkSync(target, join(folder, "second"));
    symlinkSync(join(folder, "second"), join(folder, "first"));
    append(join(folder, "first"));
    expect(readFileSync(join(folder, target), "utf8")).toBe("line\n");
  });

  test("follows the links of /dev", () => {
    const file = join(folder, "there");
    writeFileSync(file, "");
    const fd = openSync(file, constants.O_WRONLY);
    closeSync(openFile(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_APPEND, 0));
    closeSync(fd);
  });

  test("refuses a circle of links", () => {
    symlinkSync("a", join(folder, "b"));
    symlinkSync("b", join(folder, "a"));
    expect(() => append(join(folder, "a"))).toThrow("too many links");
  });

  test("refuses another user's link, wherever it stands in a chain (13 B3)", () => {
    if (process.geteuid?.() !== 0) return; // only root can make one
    const victim = join(folder, "victim");
    writeFileSync(victim, "");
    symlinkSync(victim, join(folder, "planted"));
    lchownSync(join(folder, "planted"), STRANGER, STRANGER);
    symlinkSync("planted", join(folder, "ours"));
    for (const name of ["planted", "ours"]) expect(() => append(join(folder, name))).toThrow("another user made");
    expect(readFileSync(victim, "utf8")).toBe("");
  });
});
