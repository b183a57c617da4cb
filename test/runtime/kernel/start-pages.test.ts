import { describe, expect, test } from "bun:test";
import { unmapStart, unwrittenMappings } from "../../../src/runtime/kernel/start-pages.ts";

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
    expect(unwrittenMappings(smaps, "/usr/bin/edge-lb")).toEqual([
      { address: 0x200000, bytes: 0x1839000 },
      { address: 0x1a40000, bytes: 0x4e0a000 },
    ]);
    expect(unwrittenMappings("", "/usr/bin/edge-lb")).toEqual([]);
  });
});

describe("unmapStart()", () => {
  test("leaves a process that works as before", () => {
    unmapStart();
    expect(JSON.parse(JSON.stringify({ still: [1, "here"] }))).toEqual({ still: [1, "here"] });
  });
});
