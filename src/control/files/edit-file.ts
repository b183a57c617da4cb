/** Writing a change back to the operator's file. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { basename, dirname } from "node:path";
import { codeOf, EdgeError } from "../../errors.ts";
import { openFile } from "./open-file.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/**
 * Replace a file's text in one step: a reader sees the old or the new one, and a full disk leaves the old one.
 * A link stays a link; mode and, as far as we may, owner stay. Root does this in folders of others: nothing that is put
 * there meanwhile is followed or written to.
 * @param edit The new text; null: leave it.
 * @throws EdgeError CONTROL_FAILED
 */
export function editFile(path: string, edit: (text: string) => string | null): void {
  try {
    closeSync(openFile(path, O_RDONLY, 0)); // somebody else's link is not followed
    const file = realpathSync(path);
    const folder = new Folder(dirname(file));
    try {
      folder.edit(basename(file), edit);
    } finally {
      folder.close();
    }
  } catch (error) {
    throw new EdgeError("CONTROL_FAILED", `Cannot save to ${path}: ${reasonOf(error)}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EBUSY: "the file is mounted by itself and cannot be replaced; mount its folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
};

function reasonOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return REASONS[codeOf(error) ?? ""] ?? words;
}

/** One folder for reading, writing and renaming, even when its path leads to another one meanwhile. */
class Folder {
  private readonly fd: number;
  private readonly path: string;

  constructor(path: string) {
    this.fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const own = `/proc/self/fd/${this.fd}`;
    this.path = existsSync(own) ? own : path;
  }

  edit(name: string, edit: (text: string) => string | null): void {
    const fd = openFile(`${this.path}/${name}`, O_RDONLY, 0);
    try {
      const text = edit(readFileSync(fd, "utf8"));
      if (text !== null) this.replace(name, text, fstatSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private replace(name: string, text: string, { mode, uid, gid }: Stats): void {
    const fresh = `${this.path}/.${name}.${randomBytes(9).toString("base64url")}`;
    const fd = openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeFileSync(fd, text);
      if (process.geteuid?.() === 0) fchownSync(fd, uid, gid);
      fchmodSync(fd, mode & 0o777);
      fsyncSync(fd);
      renameSync(fresh, `${this.path}/${name}`);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  }
}
