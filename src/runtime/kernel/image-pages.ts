/** The executable's pages: what is mapped and not in use is unmapped, and comes back from the file's cache when it is used. madvise(2), elf(5). */
import { closeSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { libc, libcProblem, type Pointer } from "./libc.ts";

/** Unmap; what is as in the file loses nothing by it. */
const MADV_DONTNEED = 4;
/** Leave out of a core dump; asked for a part of a mapping it makes that one of its own, with a paragraph in smaps. */
const MADV_DONTDUMP = 16;

export interface Span {
  readonly address: number;
  readonly bytes: number;
}

/** First line of a mapping in /proc/self/smaps: from-to permissions offset device inode path. */
const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ +(\S.*)$/m;
/** A page that was written to is not the file's any more: those of this kind of mapping must stay. */
const UNTOUCHED = /^Anonymous: +0 kB$/m;

/**
 * Mappings of the executable that were never written to: its code and constants, which cannot be, and its program.
 * @param program Where that is, see `programSection`.
 */
export function unwrittenMappings(smaps: string, executable: string, program: Span | null): readonly Span[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((text) => {
    const [, from = "", to = "", permissions = "w", path] = HEAD.exec(text) ?? [];
    const address = Number.parseInt(from, 16);
    const fixed = !permissions.includes("w") || address === program?.address;
    if (path !== executable || !fixed || !UNTOUCHED.test(text)) return [];
    return [{ address, bytes: Number.parseInt(to, 16) - address }];
  });
}

/** Offsets in an ELF header and in a section's, and sizes; 64 bits, little-endian. */
const ELF = { bytes: 64, type: 16, sections: 40, sectionCount: 60, namesAt: 62, fixedAddress: 2 } as const;
const SECTION = { bytes: 64, name: 0, address: 16, offset: 24, size: 32 } as const;
/** Where `bun build --compile` puts sources and bytecode. It may be written to, as far as the kernel knows. */
const PROGRAM = ".bun";
const NAME_BYTES = 16;

/** @param read Bytes of the executable. @returns Whole pages of its program; null: it has none, or lies elsewhere than the file says. */
export function programSection(read: (at: number, bytes: number) => Buffer, pageBytes: number): Span | null {
  const head = read(0, ELF.bytes);
  if (head.toString("latin1", 1, 4) !== "ELF" || head.readUInt16LE(ELF.type) !== ELF.fixedAddress) return null;
  const count = head.readUInt16LE(ELF.sectionCount);
  const table = read(Number(head.readBigUInt64LE(ELF.sections)), count * SECTION.bytes);
  const field = (index: number, at: number): number => Number(table.readBigUInt64LE(index * SECTION.bytes + at));
  const names = field(head.readUInt16LE(ELF.namesAt), SECTION.offset);
  for (let index = 0; index < count; index++) {
    const name = read(names + table.readUInt32LE(index * SECTION.bytes + SECTION.name), NAME_BYTES);
    if (name.toString("latin1", 0, name.indexOf(0)) !== PROGRAM) continue;
    const address = Math.ceil(field(index, SECTION.address) / pageBytes) * pageBytes;
    const end = field(index, SECTION.address) + field(index, SECTION.size);
    const bytes = Math.floor((end - address) / pageBytes) * pageBytes;
    return bytes > 0 ? { address, bytes } : null;
  }
  return null;
}

/** Pages may be larger than on other machines; the kernel says how large. */
const PAGE_KB = /^KernelPageSize: +(\d+) kB$/m;

/** Half of what an idle process has mapped was used once. Does nothing where it cannot be told. */
export function unmapUnused(): void {
  if (libcProblem !== null) return;
  try {
    const pageBytes = Number(PAGE_KB.exec(mappings())?.[1] ?? 4) * 1_024;
    const program = ownProgram(pageBytes);
    if (program !== null) libc.madvise(program.address as Pointer, program.bytes, MADV_DONTDUMP);
    for (const { address, bytes } of unwrittenMappings(mappings(), readlinkSync("/proc/self/exe"), program))
      libc.madvise(address as Pointer, bytes, MADV_DONTNEED);
  } catch {
    // no /proc: nothing is lost but some memory
  }
}

function mappings(): string {
  return readFileSync("/proc/self/smaps", "latin1");
}

function ownProgram(pageBytes: number): Span | null {
  const fd = openSync("/proc/self/exe", "r");
  try {
    return programSection((at, bytes) => {
      const buffer = Buffer.alloc(bytes);
      readSync(fd, buffer, 0, bytes, at);
      return buffer;
    }, pageBytes);
  } finally {
    closeSync(fd);
  }
}
