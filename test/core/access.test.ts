import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { inAny, isAllowed } from "../../src/core/access.ts";
import { addressBytes, formatAddress } from "../../src/core/address.ts";
import type { Cidr } from "../../src/seam/snapshot.ts";

function cidr(text: string): Cidr {
  const [ip = "", bits] = text.split("/");
  const bytes = addressBytes(ip) ?? new Uint8Array();
  return { family: bytes.length === 4 ? 4 : 6, bytes, bits: Number(bits) };
}

const CASES: readonly { readonly list: readonly string[]; readonly ip: string; readonly want: boolean }[] = [
  { list: ["10.0.0.0/8"], ip: "10.255.255.255", want: true },
  { list: ["10.0.0.0/8"], ip: "11.0.0.0", want: false },
  { list: ["192.168.125.16/28"], ip: "192.168.125.31", want: true },
  { list: ["192.168.125.16/28"], ip: "192.168.125.32", want: false },
  { list: ["192.168.125.20/32"], ip: "192.168.125.20", want: true },
  { list: ["192.168.125.20/32"], ip: "192.168.125.21", want: false },
  { list: ["192.168.125.20/31"], ip: "192.168.125.21", want: true },
  { list: ["0.0.0.0/0"], ip: "203.0.113.9", want: true },
  { list: ["0.0.0.0/0"], ip: "2001:db8::1", want: false },
  { list: ["::/0"], ip: "203.0.113.9", want: false },
  { list: ["::/0"], ip: "2001:db8::1", want: true },
  { list: ["2001:db8::/32"], ip: "2001:db8:ffff::1", want: true },
  { list: ["2001:db8::/33"], ip: "2001:db8:8000::1", want: false },
  { list: ["2001:db8::1/128"], ip: "2001:db8::1", want: true },
  { list: ["2001:db8::1/128"], ip: "2001:db8::2", want: false },
  { list: ["10.0.0.0/8"], ip: "::ffff:10.1.2.3", want: true },
  { list: ["172.16.0.0/12", "10.0.0.0/8"], ip: "10.1.2.3", want: true },
  { list: ["10.0.0.0/8"], ip: "", want: false },
  { list: ["0.0.0.0/0", "::/0"], ip: "node-1.lab", want: false },
];

describe("isAllowed()", () => {
  test.each([...CASES])("of $list for $ip is $want", ({ list, ip, want }) => {
    expect(isAllowed(list.map(cidr), ip)).toBe(want);
    expect(inAny(list.map(cidr), ip)).toBe(want);
  });

  test("lets everyone in when the list is empty", () => {
    expect(isAllowed([], "203.0.113.9")).toBe(true);
    expect(inAny([], "203.0.113.9")).toBe(false);
  });
});

describe("inAny()", () => {
  test("compares exactly the first bits", () => {
    const bits = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const pair = fc.constantFrom(4, 16).chain((length) =>
      fc.record({
        range: fc.uint8Array({ minLength: length, maxLength: length }),
        flip: fc.nat(length * 8),
        width: fc.nat(length * 8),
      }),
    );
    fc.assert(
      fc.property(pair, ({ range, flip, width }) => {
        const address = range.slice();
        if (flip < range.length * 8) address[flip >> 3] = (address[flip >> 3] ?? 0) ^ (0x80 >> (flip & 7));
        const family = range.length === 4 ? 4 : 6;
        const want = bits(range).slice(0, width) === bits(address).slice(0, width);
        const text = formatAddress(address);
        if (family === 6 && text.includes(".")) return; // mapped IPv4 is no IPv6 address here
        expect(inAny([{ family, bytes: range, bits: width }], text)).toBe(want);
      }),
      { numRuns: 2_000 },
    );
  });
});
