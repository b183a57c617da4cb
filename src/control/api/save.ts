/** Writing a change back to the operator's file. */
import { chmodSync, chownSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { EdgeError } from "../../errors.ts";

/**
 * Replace a file's text in one step: a reader sees the old or the new one, and a full disk leaves the old one.
 * A link stays a link; mode and, as far as we may, owner stay.
 * @param edit The new text; null: leave it.
 * @throws EdgeError CONTROL_FAILED
 */
export function editFile(path: string, edit: (text: string) => string | null): void {
  try {
    const file = realpathSync(path);
    const text = edit(readFileSync(file, "utf8"));
    if (text !== null) replaceFile(file, text);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new EdgeError("CONTROL_FAILED", `Cannot save to ${path}: ${words}`);
  }
}

function replaceFile(file: string, text: string): void {
  const { mode, uid, gid } = statSync(file);
  const fresh = `${file}.edge-lb-new`;
  try {
    writeFileSync(fresh, text, { mode: mode & 0o777, flush: true });
    chmodSync(fresh, mode & 0o777);
    if (process.geteuid?.() === 0) chownSync(fresh, uid, gid);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}
