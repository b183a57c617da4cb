/** Which files of a directory are opened, by anybody, while one watches: Linux' inotify. */
import { dlopen, ptr } from "bun:ffi";
import { closeSync, readSync } from "node:fs";

const IN_NONBLOCK = 0x800;
const IN_OPEN = 0x20;
const IN_ISDIR = 0x4000_0000;
/** `struct inotify_event` up to its name: wd, mask, cookie, len. */
const HEADER_BYTES = 16;

export interface OpenedFiles {
  /** Names opened since the watch began, each once. */
  names(): readonly string[];
  close(): void;
}

/** Watches the files directly in a directory. */
export function watchOpens(directory: string): OpenedFiles {
  const { symbols } = dlopen("libc.so.6", {
    inotify_init1: { args: ["i32"], returns: "i32" },
    inotify_add_watch: { args: ["i32", "ptr", "u32"], returns: "i32" },
  });
  const path = Buffer.from(`${directory}\0`);
  const fd = symbols.inotify_init1(IN_NONBLOCK);
  if (fd < 0 || symbols.inotify_add_watch(fd, ptr(path), IN_OPEN) < 0) throw new Error(`Cannot watch ${directory}`);
  const seen = new Set<string>();
  return {
    names() {
      for (const name of readEvents(fd)) seen.add(name);
      return [...seen].toSorted();
    },
    close: () => closeSync(fd),
  };
}

function readEvents(fd: number): string[] {
  const names: string[] = [];
  const buffer = Buffer.alloc(65_536);
  for (let filled = readSome(fd, buffer), at = 0; at < filled; at += HEADER_BYTES + buffer.readUInt32LE(at + 12)) {
    const isFile = (buffer.readUInt32LE(at + 4) & IN_ISDIR) === 0;
    const name = buffer.subarray(at + HEADER_BYTES, at + HEADER_BYTES + buffer.readUInt32LE(at + 12));
    if (isFile) names.push(name.toString().replaceAll("\0", ""));
  }
  return names;
}

/** 0 when there is nothing to read. */
function readSome(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
