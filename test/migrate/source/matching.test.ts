import { describe, expect, test } from "bun:test";
import { matchNumber, matchText, toRegExp } from "../../../src/migrate/source/matching.ts";

/** test/e2e/migrate.test.ts asks a real HAProxy the same table. */
import { MATCHES } from "./matches.ts";

describe("matchText()", () => {
  test.each(MATCHES)("-m %s %s and %s, ignoring case: %p", (method, pattern, name, ignoreCase, want) => {
    expect(matchText(method, pattern, name, ignoreCase)).toBe(want);
  });

  test("does not know a regex that JavaScript lacks", () => {
    for (const pattern of ["(?>a)b", "a++", "\\Aa", "[", "(?s)a.b"])
      expect(matchText("reg", pattern, "ab", false)).toBeNull();
  });
});

describe("toRegExp()", () => {
  test("takes POSIX classes and a leading (?i)", () => {
    expect(toRegExp("^[[:alnum:]-]+\\.lab$", false)?.test("a-1.lab")).toBe(true);
    expect(toRegExp("(?i)^API\\.", false)?.test("api.hub")).toBe(true);
  });
});

describe("matchNumber()", () => {
  test.each([
    ["5", 5, true],
    ["5:", 4, false],
    [":5", 5, true],
    ["3:7", 8, false],
    ["x", 1, null],
    [":", 1, null],
  ] as const)("%s and %d", (pattern, value, want) => {
    expect(matchNumber(pattern, value)).toBe(want);
  });
});
