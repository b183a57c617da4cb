import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseYaml, type Tree } from "../../../src/config/layers/yaml.ts";
import { EdgeErrors } from "../../../src/errors.ts";

/** Texts, lists and objects without their places. */
function plain(tree: Tree): unknown {
  if (tree.kind === "list") return tree.items.map(plain);
  if (tree.kind === "map") return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plain(value)]));
  return tree.kind === "text" ? tree.text : null;
}

function faults(text: string): readonly string[] {
  try {
    parseYaml(text, "a.yaml");
    return [];
  } catch (error) {
    if (!(error instanceof EdgeErrors)) throw error;
    return error.errors.map((each) => each.toLine());
  }
}

describe("parseYaml()", () => {
  test.each([
    [
      "numbers as written",
      "domain: 08080\na: 1.10\nb: 0x10\nc: 1e3",
      { domain: "08080", a: "1.10", b: "0x10", c: "1e3" },
    ],
    ["words as written", "a: on\nb: true\nc: null\nd: ~", { a: "on", b: "true", c: "null", d: "~" }],
    ["quotes", 'a: "x:1"\nb: \'y\'\nc: ""', { a: "x:1", b: "y", c: "" }],
    ["nothing behind a key", "a:\nb: x", { a: null, b: "x" }],
    ["lists", "a: [x, [y], {z: 1}]\nb:\n  - p\n  -", { a: ["x", ["y"], { z: "1" }], b: ["p", null] }],
    ["a set in braces", "a: {b}", { a: { b: null } }],
    ["an alias", "a: &lab [10.0.0.0/8]\nb: *lab", { a: ["10.0.0.0/8"], b: ["10.0.0.0/8"] }],
    ["a known tag", "a: !!str 5", { a: "5" }],
    [
      "keys that are names of Object",
      "__proto__: 1\nconstructor: 2",
      Object.fromEntries([
        ["__proto__", "1"],
        ["constructor", "2"],
      ]),
    ],
    ["a byte order mark", "\uFEFFa: x", { a: "x" }],
    ["CRLF", "a: x\r\nb: y\r\n", { a: "x", b: "y" }],
    ["an empty file", "", null],
    ["only a comment", "# nothing\n", null],
    ["a text", "hello", "hello"],
  ])("reads %s", (_, text, want) => {
    expect(plain(parseYaml(text, "a.yaml"))).toEqual(want);
  });

  test("knows the place of every key and value", () => {
    const tree = parseYaml("a: x\nb:\n  c: [y,\n    z]\n", "dir/a.yaml");
    const text = (value: string, where: string): Tree => ({ kind: "text", text: value, where: `dir/a.yaml:${where}` });
    expect(tree).toEqual({
      kind: "map",
      where: "dir/a.yaml:1:1",
      entries: [
        { key: "a", where: "dir/a.yaml:1:1", value: text("x", "1:4") },
        {
          key: "b",
          where: "dir/a.yaml:2:1",
          value: {
            kind: "map",
            where: "dir/a.yaml:3:3",
            entries: [
              {
                key: "c",
                where: "dir/a.yaml:3:3",
                value: { kind: "list", where: "dir/a.yaml:3:6", items: [text("y", "3:7"), text("z", "4:5")] },
              },
            ],
          },
        },
      ],
    });
  });

  test.each([
    ["a tab", "\ta: 1", ["1:1: Cannot read YAML: a tab as indentation found"]],
    ["an open quote", "a: 'x", ["1:6: Cannot read YAML: a missing colon, comma, space, quote or bracket found"]],
    [
      "an open bracket",
      "a: [1, 2\nb: 3",
      ["2:1: Cannot read YAML: wrong indentation, or a bracket that is not closed found"],
    ],
    ["a second colon", "a: b: c", ["1:4: Cannot read YAML: a second colon found"]],
    ["a reserved start", "a: @x", ["1:4: Cannot read YAML: a value that starts with a reserved character found"]],
    ["an unknown tag", "a: !x 5", ["1:4: Cannot read YAML: an unknown tag found"]],
    ["a second document", "a: 1\n---\nb: 2", ["2:1: Cannot read YAML: a second document found"]],
    ["a key that is a list", "? [x]\n: 1", ["1:3: Cannot read YAML: a key that is no text found"]],
    ["an alias of nothing", "a: *x", ["1:4: Cannot read YAML: an alias without its anchor found"]],
    ["an alias before its anchor", "a: *x\nb: &x 1", ["1:4: Cannot read YAML: an alias without its anchor found"]],
    [
      "two mistakes",
      "a: @x\nb: @y",
      ["1:4: Cannot read YAML: a value that starts", "2:4: Cannot read YAML: a value that starts"],
    ],
    ["a key twice", "a: 1\nb: 2\na: 3", ['3:1: Cannot use key "a" twice: first at a.yaml:1:1']],
    ["a key twice deep inside", "a: [{b: 1, b: 2}]", ['1:12: Cannot use key "b" twice: first at a.yaml:1:6']],
  ])("refuses %s", (_, text, want) => {
    const lines = faults(text);
    expect(lines.length).toBe(want.length);
    for (const [index, line] of lines.entries()) expect(line).toStartWith(`a.yaml:${want[index]}`);
  });

  test("is not blown up by aliases", () => {
    const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let n = 1; n < 12; n++)
      bomb.push(`a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(", ")}]`);
    const lines = faults(bomb.join("\n"));
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain("more than 200000 values found");
  });

  test("is not caught in an alias of itself", () => {
    expect(faults("a: &x [*x]")[0]).toContain("more than 16 levels found");
  });

  test("answers deep nesting with a line", () => {
    for (const text of ["[".repeat(50_000), `a: ${"[".repeat(2000)}${"]".repeat(2000)}`, "- ".repeat(3000)]) {
      const lines = faults(text);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatch(/^a\.yaml:\d+:\d+: Cannot read [^\n]+$/);
    }
  });

  test("never repeats the text of a broken file, which may be a password", () => {
    for (const text of [
      'admin-auth: "u:hunter2" hunter2',
      "admin-auth: u: hunter2",
      "admin-auth: @hunter2",
      "admin-auth: [hunter2",
    ]) {
      const lines = faults(text);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.join("\n")).not.toContain("hunter2");
    }
  });

  test("throws nothing but EdgeErrors, whatever the text", () => {
    const pieces = fc.constantFrom(
      "a",
      ":",
      " ",
      "\n",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&x ",
      "*x",
      "!",
      "#",
      "'",
      '"',
      "|",
      ">",
      "?",
      "\t",
      "%",
      "---",
      ",",
      "\u0000",
      "é",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        for (const line of faults(parts.join(""))) expect(line).toMatch(/^a\.yaml:\d+:\d+: [^\n]+$/);
      }),
      { numRuns: 1500 },
    );
  });
});
