/** Log lines to a descriptor or a file. */
import { closeSync, openSync, write } from "node:fs";
import { EdgeError } from "../errors.ts";
import { linesOf, type LogEntry, type LogWriter } from "./log-sink.ts";

/** What every line begins with; null: nothing. */
export type LinePrefix = (() => string) | null;

const AGAIN_MS = 10;

/** A descriptor that stays open: 2 is stderr. A pipe that nobody reads keeps its writer waiting, not the process. */
export function descriptorWriter(fd: number, prefix: LinePrefix = null): LogWriter {
  return {
    write(entries, done) {
      writeAll(fd, new TextEncoder().encode(textOf(entries, prefix)), 0, (failed) => done(failed ? lines(entries) : 0));
    },
  };
}

/** Appends to a file; a full disk costs lines until there is room again. @throws EdgeError when it cannot be opened */
export function fileWriter(path: string, prefix: LinePrefix = null): LogWriter {
  let fd = openFile(path);
  let reopening = false;
  const reopenNow = (): void => {
    reopening = false;
    try {
      const fresh = openFile(path);
      closeSync(fd);
      fd = fresh;
    } catch {
      // the old file, moved away, is better than none
    }
  };
  return {
    write(entries, done) {
      if (reopening) reopenNow();
      writeAll(fd, new TextEncoder().encode(textOf(entries, prefix)), 0, (failed) => done(failed ? lines(entries) : 0));
    },
    reopen: () => (reopening = true),
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, "a", 0o640);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EdgeError("CONFIG_INVALID", `Cannot write the log to ${path}: ${why}`, {
      hint: "choose another --log-to",
    });
  }
}

function textOf(entries: readonly LogEntry[], prefix: LinePrefix): string {
  const text = entries.map((entry) => entry.text).join("");
  if (prefix === null) return text;
  const start = prefix();
  return text.replaceAll(/^(?=.)/gm, start);
}

function lines(entries: readonly LogEntry[]): number {
  return entries.reduce((sum, { text }) => sum + linesOf(text), 0);
}

function writeAll(fd: number, data: Uint8Array, from: number, done: (failed: boolean) => void): void {
  write(fd, data, from, data.length - from, null, (error, written) => {
    if (error?.code === "EAGAIN") setTimeout(() => writeAll(fd, data, from, done), AGAIN_MS);
    else if (error !== null) done(true);
    else if (from + written < data.length) writeAll(fd, data, from + written, done);
    else done(false);
  });
}
