/** What install and uninstall do to the machine; tests have one of their own. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { EdgeError } from "../errors.ts";

export interface NewFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
  /** Its group, root stays the owner; null: root's. */
  readonly group: number | null;
}

export interface System {
  readonly isRoot: boolean;
  /** systemd runs this machine, as sd_booted(3) finds out; it may also be installed without. */
  readonly runsSystemd: boolean;
  exists(path: string): boolean;
  /** Null: there is no such file. */
  read(path: string): Uint8Array | null;
  /** Whole or not at all: what runs from the old file goes on. */
  write(file: NewFile): void;
  /** With its folder where that is edge-lb's own and empty now. */
  remove(path: string): void;
  /** @throws EdgeError with the last line that the program said, when it fails */
  run(argv: readonly string[]): void;
  /** Group id of a user; null: there is no such user. */
  groupOf(user: string): number | null;
}

export function realSystem(): System {
  return {
    isRoot: process.geteuid?.() === 0,
    runsSystemd: lstatSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory() === true,
    exists: existsSync,
    read: (path) => (existsSync(path) ? readFileSync(path) : null),
    write,
    remove,
    run,
    groupOf,
  };
}

function write({ path, content, mode, group }: NewFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, content, { mode: 0o600, flag: "wx" });
  chownSync(fresh, 0, group ?? 0);
  chmodSync(fresh, mode);
  renameSync(fresh, path);
}

function remove(path: string): void {
  rmSync(path, { force: true });
  const folder = dirname(path);
  if (basename(folder) === "edge-lb" && readdirSync(folder).length === 0) rmdirSync(folder);
}

const RUN_MS = 60_000;

function run([program = "", ...args]: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: RUN_MS });
  if (status === 0) return;
  const said = `${stdout}\n${stderr}`.trim().split("\n").at(-1) ?? "";
  const why = error === undefined ? said : error.message;
  throw new EdgeError("INSTALL_FAILED", `Cannot run ${[program, ...args].join(" ")}: ${why || `exit ${status}`}`);
}

/** From the file, as no program for it is everywhere. */
function groupOf(user: string): number | null {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${user}:`));
  return line === undefined ? null : Number(line.split(":")[3]);
}
