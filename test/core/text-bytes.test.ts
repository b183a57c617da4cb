import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { utf8 } from "../../src/core/text-bytes.ts";

describe("utf8()", () => {
  test("agrees with TextEncoder", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom("a", "\ud800", "\udc00") })),
        (text) => expect(utf8(text)).toEqual(new TextEncoder().encode(text)),
      ),
    );
  });
});
