import { describe, expect, test } from "bun:test";
import { programSection, unmapUnused, unwrittenMappings } from "../../../src/runtime/kernel/image-pages.ts";

const mapping = (range: string, permissions: string, path: string, anonymous: number): string =>
  `${range} ${permissions} 00000000 fe:00 2181255                            ${path}\nSize: 4 kB\nAnonymous:          ${anonymous} kB\nSwap: 0 kB\n`;

describe("unwrittenMappings()", () => {
  test("takes code and constants of the executable, and nothing that was ever written to", () => {
    const smaps = [
      mapping("00200000-01a39000", "r--p", "/usr/bin/edge-lb", 0),
      mapping("01a40000-0684a000", "r-xp", "/usr/bin/edge-lb", 0),
      mapping("0684a000-0685f000", "rw-p", "/usr/bin/edge-lb", 0),
      mapping("0685f000-06867000", "r--p", "/usr/bin/edge-lb", 12),
      mapping("7f0000000000-7f0000001000", "r-xp", "/usr/lib/libc.so.6", 0),
      "7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                          [vdso]\nAnonymous:          0 kB\n",
    ].join("");
    const fixed = [
      { address: 0x200000, bytes: 0x1839000 },
      { address: 0x1a40000, bytes: 0x4e0a000 },
    ];
    expect(unwrittenMappings(smaps, "/usr/bin/edge-lb", null)).toEqual(fixed);
    const program = { address: 0x684a000, bytes: 0x15000 };
    expect(unwrittenMappings(smaps, "/usr/bin/edge-lb", program)).toEqual([...fixed, program]);
    expect(unwrittenMappings("", "/usr/bin/edge-lb", program)).toEqual([]);
  });

  test("spares a program that was written to", () => {
    const smaps = mapping("0684a000-0685f000", "rw-p", "/usr/bin/edge-lb", 4);
    expect(unwrittenMappings(smaps, "/usr/bin/edge-lb", { address: 0x684a000, bytes: 0x15000 })).toEqual([]);
  });
});

/** An executable of two sections, of which the second one has that name and place. @param type 2: at the addresses of the file */
function elf(type: number, name: string, address: number, size: number): (at: number, bytes: number) => Buffer {
  const file = Buffer.alloc(400);
  file.write("\x7fELF", 0, "latin1");
  file.writeUInt16LE(type, 16);
  file.writeBigUInt64LE(100n, 40);
  file.writeUInt16LE(2, 60);
  file.writeBigUInt64LE(300n, 100 + 24);
  file.write(`\0${name}\0`, 300, "latin1");
  file.writeUInt32LE(1, 164);
  file.writeBigUInt64LE(BigInt(address), 164 + 16);
  file.writeBigUInt64LE(BigInt(size), 164 + 32);
  return (at, bytes) => file.subarray(at, at + bytes);
}

describe("programSection()", () => {
  test.each([
    { name: "whole pages", read: elf(2, ".bun", 0x6a22008, 0x5000), span: { address: 0x6a23000, bytes: 0x4000 } },
    { name: "nothing of less than a page", read: elf(2, ".bun", 0x6a22008, 0x800), span: null },
    { name: "nothing without such a section", read: elf(2, ".data", 0x6a22000, 0x5000), span: null },
    { name: "nothing where the kernel chose the address", read: elf(3, ".bun", 0x6a22000, 0x5000), span: null },
    { name: "nothing of another format", read: () => Buffer.alloc(64), span: null },
  ])("finds $name", ({ read, span }) => {
    expect(programSection(read, 4_096)).toEqual(span);
  });
});

describe("unmapUnused()", () => {
  test("leaves a process that works as before", () => {
    unmapUnused();
    expect(JSON.parse(JSON.stringify({ still: [1, "here"] }))).toEqual({ still: [1, "here"] });
  });
});
