import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { DESTINATION_BYTES, destinations, sockaddr } from "../../../src/runtime/kernel/memory.ts";
import { bytesAt, decodeAddress, destinationSlot, encodeAddress } from "../../../src/runtime/kernel/sockaddr.ts";

const IPV4 = 16;
const IPV6 = 28;

describe("encodeAddress()", () => {
  const cases = [
    { ip: "192.168.125.20", length: IPV4, bytes: [2, 0, 0x19, 0x2b, 192, 168, 125, 20] },
    { ip: "0.0.0.0", length: IPV4, bytes: [2, 0, 0x19, 0x2b, 0, 0, 0, 0] },
    { ip: "::", length: IPV6, bytes: [10, 0, 0x19, 0x2b, 0, 0, 0, 0, 0, 0] },
    { ip: "2001:db8::1", length: IPV6, bytes: [10, 0, 0x19, 0x2b, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0] },
  ];
  test.each(cases)("writes $ip", ({ ip, length, bytes }) => {
    expect(encodeAddress(ip, 6443)).toBe(length);
    expect([...sockaddr.subarray(0, bytes.length)]).toEqual(bytes);
  });

  const wrong = ["", "a.b.c.d", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", "1.2.3.4 ", "localhost"];
  const wrong6 = [
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "g::",
    "::1.2.3",
    "fe80::1%x",
  ];
  test.each([...wrong, ...wrong6])("refuses %p", (ip) => {
    expect(encodeAddress(ip, 1)).toBe(0);
  });
});

describe("decodeAddress()", () => {
  const canonical = [
    "127.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "1::",
    "2001:db8::1",
    "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1::1",
    "1:2:3:4:5:6:7:8",
    "fe80::1%2",
  ];
  test.each(canonical)("gives back %p", (ip) => {
    encodeAddress(ip, 65_535);
    expect(decodeAddress()).toEqual({ ip, port: 65_535 });
  });

  const rewritten = [
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ] as const;
  test.each(rewritten)("writes %p as %p", (ip, want) => {
    encodeAddress(ip, 1);
    expect(decodeAddress().ip).toBe(want);
  });

  test("is stable for any address", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(65_535), (ip, port) => {
        expect(encodeAddress(ip, port)).toBe(IPV6);
        const decoded = decodeAddress();
        expect(decoded.port).toBe(port);
        expect(encodeAddress(decoded.ip, port)).toBeGreaterThan(0);
        expect(decodeAddress()).toEqual(decoded);
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(65_535), (ip, port) => {
        expect(encodeAddress(ip, port)).toBe(IPV4);
        expect(decodeAddress()).toEqual({ ip, port });
      }),
      { numRuns: 100 },
    );
  });
});

describe("destinationSlot()", () => {
  test("holds the bytes of each address and the port of the last call, however many there are", () => {
    for (let i = 0; i < 1_000; i++) {
      const ip = i % 3 === 0 ? `2001:db8::${i.toString(16)}` : `10.1.${i >> 8}.${i & 255}`;
      for (const port of [443, 65_535]) {
        const slot = destinationSlot(ip, port);
        const length = bytesAt(slot);
        expect(encodeAddress(ip, port)).toBe(length);
        const at = slot * DESTINATION_BYTES;
        expect(destinations.subarray(at, at + length)).toEqual(sockaddr.subarray(0, length));
      }
    }
  });

  test("refuses what is no address", () => {
    expect(destinationSlot("node.lab", 1)).toBe(-1);
  });
});
