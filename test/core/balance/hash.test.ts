import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { clientKey, endpointHash, fmix32, fnv1a32, hostKey } from "../../../src/core/balance/hash.ts";

describe("fnv1a32()", () => {
  // The published vectors of FNV-1a 32; the rest pins what instances agree on.
  test.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["b", 0xe70c2de5],
    ["fo", 0x6222e842],
    ["foo", 0xa9f37ed7],
    ["foob", 0x3f5076ef],
    ["fooba", 0x39aaa18a],
    ["foobar", 0xbf9cf968],
  ])("of %p is %d", (text, want) => expect(fnv1a32(text)).toBe(want));

  test("hashes the UTF-8 bytes of any text", () => {
    const reference = (text: string): number => {
      let hash = 0x811c9dc5n;
      for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
      return Number(hash);
    };
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("\ud800", "a") }),
    );
    fc.assert(
      fc.property(texts, (text) => expect(fnv1a32(text)).toBe(reference(text))),
      { numRuns: 2_000 },
    );
  });
});

describe("fmix32()", () => {
  test.each([
    [0, 0],
    [1, 0x514e28b7],
    [2, 0x30f4c306],
    [0x80000000, 0x6d3c65a0],
    [0xdeadbeef, 0x0de5c6a9],
    [0xffffffff, 0x81f16f39],
  ])("of %d is %d", (n, want) => expect(fmix32(n)).toBe(want));

  test("reads signed and unsigned alike", () => expect(fmix32(-1)).toBe(fmix32(0xffffffff)));

  test("gives no result twice", () => {
    const seen = new Set(Array.from({ length: 65_536 }, (_, n) => fmix32(n)));
    expect(seen.size).toBe(65_536);
  });
});

describe("endpointHash()", () => {
  test("hashes ip:port, with brackets around IPv6", () => {
    expect(endpointHash("192.168.125.20", 6443)).toBe(fnv1a32("192.168.125.20:6443"));
    expect(endpointHash("2001:db8::20", 443)).toBe(fnv1a32("[2001:db8::20]:443"));
  });

  // Computed with another implementation and fixed for ever: a change moves every client of every instance.
  test.each([
    ["192.168.125.20", 6443, 0x17c57655],
    ["192.168.125.20", 443, 0xd5f98603],
    ["2001:db8::20", 443, 0x66866c97],
  ])("of %p and %d is %d", (ip, port, want) => expect(endpointHash(ip, port)).toBe(want));
});

describe("clientKey()", () => {
  test("is one for all spellings of an address", () => {
    expect(clientKey("::ffff:10.0.0.9")).toBe(clientKey("10.0.0.9"));
    expect(clientKey("2001:DB8:0::1")).toBe(clientKey("2001:db8::1"));
  });

  test.each([
    ["10.0.0.9", 0xd6beb1f5],
    ["2001:db8::9", 0x32efbd2f],
  ])("of %p is %d", (ip, want) => expect(clientKey(ip)).toBe(want));
});

describe("hostKey()", () => {
  test.each([
    ["console.apps.hub.lab", 0x349d57d0],
    ["", 0x811c9dc5],
  ])("of %p is %d", (host, want) => expect(hostKey(host)).toBe(want));
});
