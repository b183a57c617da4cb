import { describe, expect, test } from "bun:test";
import { clientSlot, halfSipHash } from "../../src/core/client-slot.ts";

const SEED = [0x12_34_56_78, 0x9a_bc_de_f0];

describe("halfSipHash()", () => {
  /** Of the reference code: key 00 01 … 07, the first so many bytes of 00 01 02 …; little-endian. */
  test.each([
    [0, "a9359f5b"],
    [1, "27475ab8"],
    [2, "fa62a603"],
  ])("gives the reference's %d. vector", (length, hex) => {
    const hash = halfSipHash(
      Uint8Array.from({ length }, (_, at) => at),
      [0x03_02_01_00, 0x07_06_05_04],
    );
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, hash, true);
    expect(Buffer.from(bytes).toString("hex")).toBe(hex);
  });
});

describe("clientSlot()", () => {
  test("A8: depends on the seed, so that nobody can compute who shares it", () => {
    expect(clientSlot("10.0.0.1", SEED)).toBe(clientSlot("10.0.0.1", SEED));
    expect(clientSlot("10.0.0.1", SEED)).not.toBe(clientSlot("10.0.0.1", [1, 2]));
    expect(clientSlot("::ffff:10.0.0.1", SEED)).toBe(clientSlot("10.0.0.1", SEED));
  });

  test("A8: is one for an IPv6 network of 64 bits", () => {
    const slot = clientSlot("2001:db8:1:2::1", SEED);
    expect(clientSlot("2001:db8:1:2:ffff:ffff:ffff:ffff", SEED)).toBe(slot);
    expect(clientSlot("2001:db8:1:3::1", SEED)).not.toBe(slot);
  });

  test("spreads neighbours over both halves", () => {
    const slots = Array.from({ length: 4_096 }, (_, at) => clientSlot(`10.0.${at >> 8}.${at & 255}`, SEED));
    for (const half of [(slot: number) => slot & 0xffff, (slot: number) => slot >>> 16]) {
      expect(new Set(slots.map(half)).size).toBeGreaterThan(3_800);
    }
    expect(new Set(slots).size).toBe(4_096);
  });
});
