/** Code of the executable that only the start needed: its pages are unmapped, and come back from the file's cache when they are used. */
import { readFileSync, readlinkSync } from "node:fs";
import { libc, libcProblem, type Pointer } from "./libc.ts";

/** Unmap; what is as in the file loses nothing by it. madvise(2). */
const MADV_DONTNEED = 4;

export interface Mapping {
  readonly address: number;
  readonly bytes: number;
}

/** First line of a mapping in /proc/self/smaps: from-to permissions offset device inode path. */
const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(\S.*)$/m;
/** A page that was written to is not the file's any more: those of this kind of mapping must stay. */
const UNTOUCHED = /^Anonymous: +0 kB$/m;

/** Mappings of the executable that cannot be written to and never were: its code and constants. */
export function unwrittenMappings(smaps: string, executable: string): readonly Mapping[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((text) => {
    const [, from = "", to = "", permissions = "w", path] = HEAD.exec(text) ?? [];
    if (path !== executable || permissions.includes("w") || !UNTOUCHED.test(text)) return [];
    const address = Number.parseInt(from, 16);
    return [{ address, bytes: Number.parseInt(to, 16) - address }];
  });
}

/** Half of what an idle process has mapped is code of its start. Does nothing where it cannot be told. */
export function unmapStart(): void {
  if (libcProblem !== null) return;
  try {
    const mappings = unwrittenMappings(readFileSync("/proc/self/smaps", "utf8"), readlinkSync("/proc/self/exe"));
    for (const { address, bytes } of mappings) libc.madvise(address as Pointer, bytes, MADV_DONTNEED);
  } catch {
    // no /proc: nothing is lost but some memory
  }
}
