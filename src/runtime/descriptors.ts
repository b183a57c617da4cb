/** How many descriptors this process may have, and when they are about to run out. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../errors.ts";

/** Where the limit cannot be read (no /proc), Bun and Node raise it to at least this. */
const ASSUMED_DESCRIPTORS = 10_240;

/**
 * Accepting stands aside from this part of the limit on: those who are in already still need a socket to their node, and
 * probes and the control socket theirs. Splice pipes stop at 75 %, see linux/pipes.ts.
 */
export const ACCEPT_SHARE = 0.8;

/** The soft limit of open files. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    const limit = Number(soft);
    return Number.isFinite(limit) ? limit : ASSUMED_DESCRIPTORS;
  } catch {
    return ASSUMED_DESCRIPTORS;
  }
}

/** The lowest descriptor that is free: all below it are in use. @throws a system error when none is: EMFILE, ENFILE */
export function lowestFreeDescriptor(): number {
  const fd = openSync("/dev/null", "r");
  closeSync(fd);
  return fd;
}

/** No descriptor is free. */
export function isShortage(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EMFILE" || code === "ENFILE";
}
