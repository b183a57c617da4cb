/** One process at a time does something to a path: a lock file beside it, gone afterwards. */
import { closeSync, constants, fstatSync, lstatSync, rmSync } from "node:fs";
import { loadFlock } from "../../runtime/kernel/load-flock.ts";
import { openFile } from "./open-file.ts";

const AGAIN_MS = 10;
/** Somebody who takes a path asks who has it, for two seconds at most. */
const WAIT_MS = 5_000;

/**
 * Runs `work` while no other process does so for this path. Where the kernel cannot be asked for locks, it runs at once.
 * @throws Error with `code` as node:fs has it where no file can be made beside the path; what `work` throws
 */
export async function whileLocked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const flock = await loadFlock();
  if (flock === null) return work();
  const file = `${path}.lock`;
  const fd = await take(file, flock);
  try {
    return await work();
  } finally {
    // while it is locked, so that nobody else's is removed
    if (fd !== null) rmSync(file, { force: true });
    if (fd !== null) closeSync(fd);
  }
}

/** @returns null when somebody holds it for too long: what he does is not worth waiting for any more */
async function take(file: string, flock: (fd: number) => boolean): Promise<number | null> {
  const untilMs = performance.now() + WAIT_MS;
  for (;;) {
    const fd = openFile(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    // the one before may have removed it between our opening and our locking
    if (flock(fd) && fstatSync(fd).ino === lstatSync(file, { throwIfNoEntry: false })?.ino) return fd;
    closeSync(fd);
    if (performance.now() > untilMs) return null;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
