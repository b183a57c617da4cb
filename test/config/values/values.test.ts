import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readDomain, readApiName, readNamePattern } from "../../../src/config/values/names.ts";
import { nearestWord, oneOf, quote, typed, type Reading } from "../../../src/config/values/text.ts";
import { choice, duration, durationText, ON_OFF, whole } from "../../../src/config/values/values.ts";

function outcome<T>(reading: Reading<T>): T | string {
  return reading.ok ? reading.value : `wanted: ${reading.wanted}`;
}

describe("duration()", () => {
  const WRONG = "wanted: a duration such as 500ms, 5s, 2m or 24h";
  test.each([
    ["500ms", 500],
    ["5s", 5000],
    ["2m", 120_000],
    ["24h", 86_400_000],
    ["576h", 2_073_600_000],
    ["577h", "wanted: 1ms to 576h"],
    ["0s", "wanted: 1ms to 576h"],
    ["9999999999h", "wanted: 1ms to 576h"],
    ["5", WRONG],
    ["5 s", WRONG],
    ["1.5s", WRONG],
    ["-5s", WRONG],
    ["2m30s", WRONG],
    ["5d", WRONG],
    ["5S", WRONG],
    ["s", WRONG],
    ["", WRONG],
    ["1constructor", WRONG],
  ])("reads %s", (text, want) => {
    expect(outcome(duration().read(text))).toBe(want);
  });

  test("takes 0 where it means no limit", () => {
    expect(outcome(duration(0).read("0s"))).toBe(0);
    expect(outcome(duration(0).read("577h"))).toBe("wanted: 0s to 576h");
  });

  test("reads back what durationText() writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (ms) => {
        expect(outcome(duration(0).read(durationText(ms)))).toBe(ms);
      }),
      { numRuns: 200 },
    );
  });
});

describe("whole()", () => {
  test.each([
    ["1", 1],
    ["65535", 65_535],
    ["0", "wanted: a whole number from 1 to 65535 or off"],
    ["65536", "wanted: a whole number from 1 to 65535 or off"],
    ["1e3", "wanted: a whole number from 1 to 65535 or off"],
    ["0x10", "wanted: a whole number from 1 to 65535 or off"],
    ["-1", "wanted: a whole number from 1 to 65535 or off"],
    ["toString", "wanted: a whole number from 1 to 65535 or off"],
    ["", "wanted: a whole number from 1 to 65535 or off"],
    ["off", 0],
  ])("reads %s", (text, want) => {
    expect(outcome(whole(1, 65_535, { off: 0 }).read(text))).toBe(want);
  });
});

describe("choice()", () => {
  const words = choice("text", "json");
  test("names the words when it refuses", () => {
    expect(outcome(words.read("xml"))).toBe("wanted: text or json");
    expect(outcome(words.read("json"))).toBe("json");
  });
});

describe("ON_OFF", () => {
  test.each([
    ["on", true],
    ["true", true],
    ["yes", true],
    ["off", false],
    ["false", false],
    ["no", false],
    ["1", "wanted: on or off"],
    ["", "wanted: on or off"],
  ])("reads %s", (text, want) => {
    expect(outcome(ON_OFF.read(text))).toBe(want);
  });
});

describe("readDomain()", () => {
  test.each([
    ["linuxera.lab", "linuxera.lab"],
    ["Linuxera.LAB.", "linuxera.lab"],
    ["08080", "08080"],
    ["my_lab", "my_lab"],
    ["a..b", "wanted: a DNS name such as linuxera.lab"],
    [".", "wanted: a DNS name such as linuxera.lab"],
    ["-a.lab", "wanted: a DNS name such as linuxera.lab"],
    ["*.lab", "wanted: a DNS name such as linuxera.lab"],
    ["a b", "wanted: a DNS name such as linuxera.lab"],
    ["ä.lab", "wanted: a DNS name such as linuxera.lab"],
    ["a".repeat(64), "wanted: a DNS name such as linuxera.lab"],
    ["a.".repeat(200), "wanted: a name of at most 253 characters"],
  ])("reads %s", (text, want) => {
    expect(outcome(readDomain(text))).toBe(want);
  });

  test("a Kelvin sign is no k", () => {
    expect(readDomain("\u212Aube.lab").ok).toBe(false);
  });
});

describe("readNamePattern() and readApiName()", () => {
  test.each([
    ["shop.lab", "shop.lab", "shop.lab"],
    ["*.Shop.lab", "*.shop.lab", "wanted: a name without a star"],
    ["*", "*", "*"],
    ["a.*.lab", "wanted: a name such as shop.lab or *.shop.lab", "wanted: a name without a star"],
    ["*shop.lab", "wanted: a name such as shop.lab or *.shop.lab", "wanted: a name without a star"],
  ])("read %s", (text, pattern, exact) => {
    expect(outcome(readNamePattern(text))).toBe(pattern);
    expect(outcome(readApiName(text))).toBe(exact);
  });
});

describe("nearestWord()", () => {
  const known = ["hello", "connect", "dial-total", "drain"];
  test.each([
    ["helo", "hello"],
    ["HELLO", "hello"],
    ["conect", "connect"],
    ["dail-total", "dial-total"],
    ["zzzzz", null],
    ["x", null],
    ["", null],
  ])("suggests for %p", (word, want) => {
    expect(nearestWord(word, known)).toBe(want);
  });
});

describe("quote() and typed()", () => {
  test("keep a message on one line and short", () => {
    expect(quote('a"b\n\u001b[31m')).toBe(String.raw`"a\"b\n\u001b[31m"`);
    expect(quote("x".repeat(100))).toBe(`"${"x".repeat(60)}…"`);
    expect(typed("--domain a\nb")).toBe(String.raw`--domain a\nb`);
    expect(typed('--cluster "x')).toBe('--cluster "x');
    expect(typed("y".repeat(500)).length).toBe(121);
  });

  test("oneOf() reads as a sentence", () => {
    expect([oneOf([]), oneOf(["a"]), oneOf(["a", "b"]), oneOf(["a", "b", "c"])]).toEqual([
      "",
      "a",
      "a or b",
      "a, b or c",
    ]);
  });
});
