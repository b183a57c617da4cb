/** What this process may hold at most. */
import { readFileSync } from "node:fs";

/** Descriptors that are no client's: libraries, probes, admin, listening sockets, logs. */
const RESERVED_DESCRIPTORS = 200;
/** A tunnel has two sockets, and two splice pipes' ends while it is busy. */
const DESCRIPTORS_PER_CONNECTION = 4;
/** Where the limit cannot be read (no /proc), Bun and Node raise it to at least this. */
const ASSUMED_DESCRIPTORS = 10_240;

/** Client connections that fit in the descriptor limit: (nofile - 200) / 4, at least 1. */
export function maxConnections(descriptors: number = descriptorLimit()): number {
  return Math.max(1, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_CONNECTION));
}

export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    const limit = Number(soft);
    return Number.isFinite(limit) ? limit : ASSUMED_DESCRIPTORS;
  } catch {
    return ASSUMED_DESCRIPTORS;
  }
}
