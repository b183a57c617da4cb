import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { EdgeErrors } from "../../../src/errors.ts";
import { readLines } from "../../../src/migrate/source/lexer.ts";

function words(text: string, environment: Record<string, string> = {}): string[][] {
  return readLines("h.cfg", text, new Map(Object.entries(environment))).map((line) =>
    line.words.map((word) => word.text),
  );
}

describe("readLines()", () => {
  test.each([
    ["words", "bind  :6443\tssl", [["bind", ":6443", "ssl"]]],
    [
      "comments",
      "# a\nbind :1 # b\nbind :2#c",
      [
        ["bind", ":1"],
        ["bind", ":2"],
      ],
    ],
    ["escaped spaces and marks", "a b\\ c \\#d \\\\e", [["a", "b c", "#d", "\\e"]]],
    [
      "a backslash that means nothing here",
      "acl x hdr(host) -m reg ^a\\.b\\d",
      [["acl", "x", "hdr(host)", "-m", "reg", "^a\\.b\\d"]],
    ],
    ["hexadecimal characters", "a \\x41\\x4", [["a", "A\\x4"]]],
    ["single quotes", "a 'b $X \\. #c' d", [["a", "b $X \\. #c", "d"]]],
    ["double quotes", 'a "b # c" "\\"" "it\'s"', [["a", "b # c", '"', "it's"]]],
    ["quotes inside words", "a b'c d'\"e\"f", [["a", "bc def"]]],
    ["empty quotes", "a '' \"\"", [["a", "", ""]]],
    [
      "carriage returns",
      "a b\r\nc d\r\n",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    ["continued lines", "a b \\\n  c\nd", [["a", "b", "c"], ["d"]]],
    ["a comment that ends in a backslash", "a b # c \\\nd", [["a", "b"], ["d"]]],
    ["a byte order mark", "\uFEFFa", [["a"]]],
  ])("reads %s", (_, text, want) => {
    expect(words(text)).toEqual(want);
  });

  test.each([
    ["in double quotes", '"$A"', ["one"]],
    ["in braces", '"x${A}y"', ["xoney"]],
    ["with a default", '"${NONE-two}"', ["two"]],
    ["that is unset", '"${NONE}"', [""]],
    ["as a list", '"${LIST[*]}"', ["p", "q"]],
    ["not outside quotes", "$A", ["$A"]],
    ["not in single quotes", "'$A'", ["$A"]],
    ["not escaped", '"\\$A"', ["$A"]],
  ])("expands a variable %s", (_, text, want) => {
    expect(words(`k ${text}`, { A: "one", LIST: "p q" })).toEqual([["k", ...want]]);
  });

  test("knows what the file itself sets", () => {
    expect(words('setenv A x\npresetenv A y\nk "$A"\nunsetenv A\nk "$A"')).toEqual([
      ["setenv", "A", "x"],
      ["presetenv", "A", "y"],
      ["k", "x"],
      ["unsetenv", "A"],
      ["k", ""],
    ]);
  });

  test("gives each word its place, also on continued lines", () => {
    const [line] = readLines("h.cfg", "\n  acl x \\\n   'y'", new Map());
    expect(line?.words.map(({ line: option, column }) => `${option}:${column}`)).toEqual(["2:3", "2:7", "3:4"]);
    expect([line?.line, line?.lastLine]).toEqual([2, 3]);
  });

  test("reports every broken line at once", () => {
    try {
      readLines("h.cfg", "a 'b\nc\nd \"e\nf\u0000", new Map());
      throw new Error("read");
    } catch (error) {
      if (!(error instanceof EdgeErrors)) throw error;
      expect(error.errors.map(({ where, code }) => [where, code])).toEqual([
        ["h.cfg:1", "CONFIG_UNREADABLE"],
        ["h.cfg:3", "CONFIG_UNREADABLE"],
        ["h.cfg:4", "CONFIG_UNREADABLE"],
      ]);
    }
  });

  test("never throws anything else, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        try {
          readLines("h.cfg", text, new Map());
        } catch (error) {
          expect(error).toBeInstanceOf(EdgeErrors);
        }
      }),
      { numRuns: 500 },
    );
  });
});
