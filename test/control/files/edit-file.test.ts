import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { editFile } from "../../../src/control/files/edit-file.ts";

const STRANGER = 65_534;
const isRoot = process.geteuid?.() === 0;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-edit-"));
  chmodSync(folder, 0o755);
  file = join(folder, "lab.yaml");
  writeFileSync(file, "before\n");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("editFile()", () => {
  test("replaces the text, keeps mode and owner, leaves nothing beside it", () => {
    chmodSync(file, 0o604);
    if (isRoot) chownSync(file, STRANGER, STRANGER);
    const { uid, ino } = statSync(file);
    editFile(file, (text) => `${text}after\n`);
    const now = statSync(file);
    expect([readFileSync(file, "utf8"), now.mode & 0o777, now.uid]).toEqual(["before\nafter\n", 0o604, uid]);
    expect(now.ino).not.toBe(ino);
    expect(readdirSync(folder)).toEqual(["lab.yaml"]);
  });

  test("leaves the file when there is nothing to change", () => {
    const { ino } = statSync(file);
    editFile(file, () => null);
    expect(statSync(file).ino).toBe(ino);
  });

  test("keeps a link of our own", () => {
    symlinkSync("lab.yaml", join(folder, "link.yaml"));
    editFile(join(folder, "link.yaml"), () => "after\n");
    expect(lstatSync(join(folder, "link.yaml")).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, "utf8")).toBe("after\n");
  });

  test("writes to no link that stands ready for it (13 B3)", () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "mine\n");
    for (const name of ["lab.yaml.edge-lb-new", ".lab.yaml.new"]) symlinkSync(victim, join(folder, name));
    editFile(file, () => "after\n");
    expect(readFileSync(victim, "utf8")).toBe("mine\n");
    expect(lstatSync(file).isFile()).toBe(true);
  });

  test("follows no link of another user to a file (13 B3)", () => {
    if (!isRoot) return; // only root can make one
    const victim = join(folder, "victim");
    writeFileSync(victim, "mine\n");
    rmSync(file);
    symlinkSync(victim, file);
    lchownSync(file, STRANGER, STRANGER);
    expect(() => editFile(file, () => "after\n")).toThrow(/^Cannot save to .*another user made$/);
    expect(readFileSync(victim, "utf8")).toBe("mine\n");
  });

  test("writes into the folder that it read from, wherever its path leads meanwhile (13 B3)", () => {
    const other = join(folder, "other");
    const [was, moved] = [join(folder, "was"), join(folder, "moved")];
    for (const path of [was, other]) mkdirSync(path);
    writeFileSync(join(was, "lab.yaml"), "before\n");
    writeFileSync(join(other, "lab.yaml"), "mine\n");
    editFile(join(was, "lab.yaml"), () => {
      Bun.spawnSync(["mv", was, moved]);
      symlinkSync(other, was);
      return "after\n";
    });
    expect(readFileSync(join(other, "lab.yaml"), "utf8")).toBe("mine\n");
    expect(readFileSync(join(moved, "lab.yaml"), "utf8")).toBe("after\n");
  });

  test("says in words why it cannot", () => {
    expect(() => editFile(join(folder, "none.yaml"), () => "x")).toThrow(/^Cannot save to .*none\.yaml/);
  });
});
