import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { EdgeErrors } from "../../src/errors.ts";
import { importText, loadWords, loadYaml, readFixture, unexplained } from "./fixtures.ts";
import { haproxySource } from "./sources.ts";

describe("importHaproxy()", () => {
  test("imports any file of the generator; what it writes loads, and every difference is explained", () => {
    fc.assert(
      fc.property(haproxySource, (text) => {
        const result = importText(text);
        if (result.groups.length === 0) return;
        loadYaml(result);
        loadWords(result);
        expect(unexplained(result)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  }, 20_000);

  test("leaves no line of any file without a word", () => {
    fc.assert(
      fc.property(haproxySource, (text) => {
        const result = importText(text);
        const spoken = new Set(result.notes.filter((note) => note.class !== "mistake").map((note) => note.line));
        expect(result.source.lines.filter((line) => !spoken.has(line.line))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("survives the article's file with lines taken out, doubled and torn", () => {
    const lines = readFixture("article.cfg").split("\n");
    const cut = fc.record({
      at: fc.nat(lines.length - 1),
      how: fc.constantFrom("drop", "double", "tear"),
      keep: fc.nat(30),
    });
    fc.assert(
      fc.property(fc.array(cut, { minLength: 1, maxLength: 6 }), (cuts) => {
        const torn = [...lines];
        for (const { at, how, keep } of cuts) {
          const line = torn[at] ?? "";
          if (how === "drop") torn[at] = "";
          if (how === "double") torn[at] = `${line}\n${line}`;
          if (how === "tear") torn[at] = line.slice(0, keep);
        }
        try {
          const result = importText(torn.join("\n"));
          if (result.groups.length > 0) loadYaml(result);
        } catch (error) {
          if (!(error instanceof EdgeErrors) || error.errors.some(({ code }) => code !== "CONFIG_UNREADABLE"))
            throw error;
        }
      }),
      { numRuns: 100 },
    );
  });
});
