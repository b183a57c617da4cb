/** Log lines to a descriptor or a file. */
import { closeSync, constants, statSync, write } from "node:fs";
import { codeOf, EdgeError } from "../../errors.ts";
import { openFile } from "../files/open-file.ts";
import type { LogEntry, LogWriter } from "./sink.ts";

/** What every line begins with; null: nothing. */
export type LinePrefix = (() => string) | null;

const AGAIN_MS = 10;

/** A descriptor that stays open: 2 is stderr. A pipe that nobody reads keeps its writer waiting, not the process. */
export function descriptorWriter(fd: number, prefix: LinePrefix = null): LogWriter {
  return lineWriter(() => fd, prefix);
}

/**
 * Appends to a file; a full disk costs lines until there is room again, and so does a pipe until somebody reads it.
 * @throws EdgeError when it cannot be opened
 */
export function fileWriter(path: string, prefix: LinePrefix = null): LogWriter {
  const file = new LogFile(path);
  return { ...lineWriter(() => file.descriptor(), prefix), reopen: () => file.reopen() };
}

class LogFile {
  private readonly path: string;
  /** Null: a pipe that nobody reads yet. */
  private fd: number | null;
  private stale = false;

  constructor(path: string) {
    this.path = path;
    this.fd = openLog(path);
  }

  /** Open it anew before the next line. */
  reopen(): void {
    this.stale = true;
  }

  descriptor(): number | null {
    if (this.fd !== null && !this.stale) return this.fd;
    this.stale = false;
    try {
      const fresh = openLog(this.path);
      if (fresh === null) return this.fd;
      if (this.fd !== null) closeSync(this.fd);
      this.fd = fresh;
    } catch {
      // the old file, moved away, is better than none
    }
    return this.fd;
  }
}

/** Counts exactly the lines that did not get out whole; the first one after a torn line begins on a line of its own. */
function lineWriter(descriptor: () => number | null, prefix: LinePrefix): LogWriter {
  let torn = false;
  return {
    write(entries, done) {
      const data = new TextEncoder().encode(`${torn ? "\n" : ""}${textOf(entries, prefix)}`);
      const closing = torn ? 1 : 0; // the line feed that ends the torn line
      const fd = descriptor();
      if (fd === null) return done(linesIn(data) - closing);
      writeAll(fd, data, 0, (written) => {
        if (written > 0) torn = data[written - 1] !== LINE_FEED;
        done(linesIn(data) - Math.max(closing, linesIn(data.subarray(0, written))));
      });
      return undefined;
    },
  };
}

const LINE_FEED = 10;

function linesIn(data: Uint8Array): number {
  let count = 0;
  for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) count += 1;
  return count;
}

/** @returns null: a pipe that nobody reads; waiting for a reader would hold up everything else */
function openLog(path: string): number | null {
  try {
    return openFile(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o640);
  } catch (error) {
    const kind = codeOf(error) === "ENXIO" ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (kind?.isFIFO() === true) return null;
    const words = error instanceof Error ? error.message : String(error);
    const why = kind?.isSocket() === true ? `it is a socket; unix:${path} writes to one` : words;
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
