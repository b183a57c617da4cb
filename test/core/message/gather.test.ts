import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Gather } from "../../../src/core/message/gather.ts";
import { bytesOf, textOf } from "../../../scripts/fuzz/session-lab.ts";

describe("Gather", () => {
  test("keeps neighbouring pieces of one chunk as a view of it", () => {
    const chunk = bytesOf("abcdef");
    const gather = new Gather();
    gather.add(chunk, 1, 3);
    gather.add(chunk, 3, 5);
    const taken = gather.take();
    expect(taken?.buffer).toBe(chunk.buffer);
    expect(textOf(taken ?? chunk)).toBe("bcde");
    expect(gather.take()).toBeNull();
  });

  test("puts anything together in order", () => {
    const piece = fc.oneof(fc.tuple(fc.nat(5), fc.nat(5)), fc.constantFrom("x", "yz"));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, own) => {
        const chunk = bytesOf("abcde");
        const gather = new Gather();
        let want = "";
        for (const one of pieces) {
          if (typeof one === "string") {
            gather.addText(one);
            want += one;
          } else {
            gather.add(chunk, one[0], one[1]);
            want += "abcde".slice(one[0], Math.max(one[0], one[1]));
          }
          if (own) gather.own();
        }
        expect(gather.size).toBe(want.length);
        expect(textOf(gather.take() ?? new Uint8Array(0))).toBe(want);
      }),
    );
  });

  test("is used again and again, for short and long pieces", () => {
    const source = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join("");
    const chunk = bytesOf(source);
    const piece = fc.tuple(fc.nat(2_900), fc.constantFrom(1, 31, 32, 33, 80, 1_500), fc.boolean());
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 6 }), (rounds) => {
        const gather = new Gather();
        for (const pieces of rounds) {
          const parts = pieces.map(([from, length]) => source.slice(from, from + length));
          for (const [at, [from, length, asText]] of pieces.entries()) {
            if (asText) gather.addText(parts[at] ?? "");
            else gather.add(chunk, from, Math.min(from + length, chunk.length));
          }
          expect(textOf(gather.take() ?? new Uint8Array(0))).toBe(parts.join(""));
          gather.shrink();
        }
      }),
    );
  });

  test("own() saves a run from its source's change", () => {
    const chunk = bytesOf("abc");
    const gather = new Gather();
    gather.add(chunk, 0, 3);
    gather.own();
    chunk.fill(0);
    expect(textOf(gather.take() ?? chunk)).toBe("abc");
  });
});
