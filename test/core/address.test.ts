import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { addressBytes, canonicalIp, formatAddress, formatEndpoint } from "../../src/core/address.ts";

const READ: readonly (readonly [string, readonly number[]])[] = [
  ["0.0.0.0", [0, 0, 0, 0]],
  ["192.168.125.20", [192, 168, 125, 20]],
  ["255.255.255.255", [255, 255, 255, 255]],
  ["::ffff:1.2.3.4", [1, 2, 3, 4]],
  ["::FFFF:1.2.3.4", [1, 2, 3, 4]],
  ["::ffff:102:304", [1, 2, 3, 4]],
  ["0:0:0:0:0:ffff:1.2.3.4", [1, 2, 3, 4]],
  ["::", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ["1::", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ["2001:DB8::a:1", [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 1]],
  ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ["1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
  ["64:ff9b::192.0.2.33", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 33]],
];

const REFUSED = [
  [
    "",
    ".",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "1..2.3",
    "256.1.1.1",
    "1.2.3.999",
    "01.2.3.4",
    "1.2.3.00",
  ],
  ["0x7f.0.0.1", "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "-1.2.3.4", "1.2.3.a", "1,2,3,4", "\u0661.2.3.4", "127.1"],
  [":", ":::", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:"],
  ["1:2:3:4:5:6:7:8::", "1:2:3:4::5:6:7:8", "12345::", "g::", "::1%eth0", "fe80::1%1", "[::1]", "::1/64", "10.0.0.0/8"],
  [
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "::1.2.3.4.5",
    "::ffff:1.2.3.256",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1 ",
    "0".repeat(60),
  ],
].flat();

/** RFC 5952 §4 and its examples. */
const CANONICAL: readonly (readonly [string, string])[] = [
  ["2001:0db8::0001", "2001:db8::1"],
  ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:DB8::AAAA", "2001:db8::aaaa"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["1:0:0:0:0:0:0:0", "1::"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"],
  ["::1.2.3.4", "::102:304"],
  ["::ffff:10.0.0.1", "10.0.0.1"],
  ["10.0.0.1", "10.0.0.1"],
];

describe("addressBytes()", () => {
  test.each([...READ])("reads %p", (text, bytes) => expect([...(addressBytes(text) ?? [])]).toEqual([...bytes]));
  test.each(REFUSED)("refuses %p", (text) => expect(addressBytes(text)).toBeNull());

  test("reads any text or says null", () => {
    const odd = fc.string({ unit: fc.constantFrom(..."0123456789abcdefF:.%[]"), maxLength: 50 });
    fc.assert(
      fc.property(odd, (text) => {
        const bytes = addressBytes(text);
        if (bytes !== null) expect(canonicalIp(formatAddress(bytes))).toBe(formatAddress(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("canonicalIp()", () => {
  test.each([...CANONICAL])("writes %p as %p", (text, want) => expect(canonicalIp(text)).toBe(want));
  test("says null for a host name", () => expect(canonicalIp("node-1.lab")).toBeNull());
});

describe("formatAddress()", () => {
  test("is undone by addressBytes() for every address", () => {
    const part = fc.constantFrom(0, 0, 0, 1, 0xff);
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(part, { minLength: 16, maxLength: 16 }).map((parts) => Uint8Array.from(parts)),
    );
    fc.assert(
      fc.property(bytes, (address) => {
        const read = addressBytes(formatAddress(address));
        const mapped = address.length === 16 && formatAddress(address).includes(".");
        expect(read).toEqual(mapped ? address.slice(12) : address);
      }),
      { numRuns: 2_000 },
    );
  });

  test("agrees with the URL parser on IPv6", () => {
    // Bun's parser wrongly refuses some addresses that end in IPv4, such as 1:2:3::4:5.6.7.8.
    const texts = fc.ipV6().filter((text) => !text.includes("."));
    fc.assert(
      fc.property(texts, (text) => {
        const mine = canonicalIp(text);
        if (mine?.includes(":")) expect(`[${mine}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
      { numRuns: 1_000 },
    );
  });

  test("refuses other lengths", () => {
    expect(() => formatAddress(new Uint8Array(5))).toThrow("Cannot format an address: 5 bytes given, 4 or 16 wanted");
  });
});

describe("formatEndpoint()", () => {
  test("puts IPv6 in brackets", () => {
    expect(formatEndpoint("10.0.0.1", 6443)).toBe("10.0.0.1:6443");
    expect(formatEndpoint("2001:db8::1", 443)).toBe("[2001:db8::1]:443");
  });
});
