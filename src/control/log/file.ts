/** Log lines to a descriptor or a file. */
import { closeSync, constants, write } from "node:fs";
import { EdgeError } from "../../errors.ts";
import { openFile } from "../files/open-file.ts";
import type { LogEntry, LogWriter } from "./sink.ts";

/** What every line begins with; null: nothing. */
export type LinePrefix = (() => string) | null;

const AGAIN_MS = 10;

/** A descriptor that stays open: 2 is stderr. A pipe that nobody reads keeps its writer waiting, not the process. */
export function descriptorWriter(fd: number, prefix: LinePrefix = null): LogWriter {
  return lineWriter(() => fd, prefix);
}

/** Appends to a file; a full disk costs lines until there is room again. @throws EdgeError when it cannot be opened */
export function fileWriter(path: string, prefix: LinePrefix = null): LogWriter {
  let fd = openLog(path);
  let reopening = false;
  const reopenNow = (): void => {
    reopening = false;
    try {
      const fresh = openLog(path);
      closeSync(fd);
      fd = fresh;
    } catch {
      // the old file, moved away, is better than none
    }
  };
  const current = (): number => {
    if (reopening) reopenNow();
    return fd;
  };
  return { ...lineWriter(current, prefix), reopen: () => (reopening = true) };
}

/** Counts exactly the lines that did not get out whole; the first one after a torn line begins on a line of its own. */
function lineWriter(descriptor: () => number, prefix: LinePrefix): LogWriter {
  let torn = false;
  return {
    write(entries, done) {
      const data = new TextEncoder().encode(`${torn ? "\n" : ""}${textOf(entries, prefix)}`);
      const closing = torn ? 1 : 0; // the line feed that ends the torn line
      writeAll(descriptor(), data, 0, (written) => {
        if (written > 0) torn = data[written - 1] !== LINE_FEED;
        done(linesIn(data) - Math.max(closing, linesIn(data.subarray(0, written))));
      });
    },
  };
}

const LINE_FEED = 10;

function linesIn(data: Uint8Array): number {
  let count = 0;
  for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}

function openLog(path: string): number {
  try {
    return openFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o640);
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

/** @param done gets the bytes that were taken: all of them, or fewer where it failed */
function writeAll(fd: number, data: Uint8Array, from: number, done: (written: number) => void): void {
  write(fd, data, from, data.length - from, null, (error, written) => {
    if (error?.code === "EAGAIN") setTimeout(() => writeAll(fd, data, from, done), AGAIN_MS);
    else if (error !== null) done(from);
    else if (from + written < data.length) writeAll(fd, data, from + written, done);
    else done(data.length);
  });
}
