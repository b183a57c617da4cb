import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { patternMeaning } from "../../../src/migrate/routes/patterns.ts";
import type { MatchMethod } from "../../../src/migrate/source/samples.ts";

type Want = readonly [names: readonly string[], faults: readonly string[]];

const CASES: readonly (readonly [MatchMethod, string, Want | null])[] = [
  ["str", "api.hub.lab", [["api.hub.lab"], []]],
  ["str", "API.hub.lab", [["api.hub.lab"], []]],
  ["str", "shop.lab:8080", [["shop.lab"], ["host-port"]]],
  ["str", "*.apps.hub.lab", [["*.apps.hub.lab"], ["literal-star"]]],
  ["str", "not a name", null],
  ["end", ".apps.hub.lab", [["*.apps.hub.lab"], []]],
  ["end", "apps.hub.lab", [["apps.hub.lab", "*.apps.hub.lab"], ["no-boundary"]]],
  ["sub", "apps.hub.lab", [["apps.hub.lab", "*.apps.hub.lab"], ["substring"]]],
  ["dom", "apps.hub.lab", [["apps.hub.lab", "*.apps.hub.lab"], ["substring"]]],
  ["reg", "^api\\.hub\\.lab$", [["api.hub.lab"], []]],
  ["reg", "^api\\.hub\\.lab", [["api.hub.lab"], ["unanchored-end"]]],
  ["reg", "api\\.hub\\.lab$", [["api.hub.lab"], ["unanchored-start"]]],
  ["reg", "^api.hub.lab$", [["api.hub.lab"], ["any-character"]]],
  ["reg", "^[^\\.]+\\.apps\\.hub\\.lab", [["*.apps.hub.lab"], ["unanchored-end", "one-label"]]],
  ["reg", "^[a-z0-9-]+\\.apps\\.hub\\.lab$", [["*.apps.hub.lab"], ["one-label"]]],
  ["reg", "^[[:alnum:]-]+\\.apps\\.hub\\.lab$", [["*.apps.hub.lab"], ["one-label"]]],
  ["reg", "[^.]+\\.apps\\.hub\\.lab$", [["*.apps.hub.lab"], []]],
  ["reg", "^.*\\.apps\\.hub\\.lab$", [["*.apps.hub.lab"], []]],
  ["reg", "\\.apps\\.hub\\.lab$", [["*.apps.hub.lab"], []]],
  ["reg", "^(.+\\.)?shop\\.lab$", [["shop.lab", "*.shop.lab"], []]],
  ["reg", "^([^.]+\\.)+apps\\.hub\\.lab$", [["*.apps.hub.lab"], []]],
  ["reg", "^.*apps\\.hub\\.lab$", [["*.apps.hub.lab", "apps.hub.lab"], ["no-boundary"]]],
  ["reg", "^(console|oauth)\\.apps\\.hub\\.lab$", [["console.apps.hub.lab", "oauth.apps.hub.lab"], []]],
  ["reg", "^api\\.m[12]\\.lab$", [["api.m1.lab", "api.m2.lab"], []]],
  ["reg", "^shop\\.lab(:[0-9]+)?$", [["shop.lab"], []]],
  ["reg", "^shop\\.lab(?::\\d+)?$", [["shop.lab"], []]],
  ["reg", "^.+\\.apps\\..+\\.lab$", null],
  ["reg", "^(?!api)\\.lab$", null],
  ["reg", "^[^.]+$", null],
  ["len", "5", null],
];

describe("patternMeaning()", () => {
  test.each(CASES)("-m %s %s", (method, text, want) => {
    const meaning = patternMeaning(method, text, true);
    const got: Want | null = meaning === null ? null : [meaning.names, meaning.faults.map(({ code }) => code)];
    expect(got).toEqual(want);
  });

  test.each([
    ["beg", "api.hub.", "api"],
    ["sub", ".apps.hub.", "apps"],
    ["reg", "^api\\.hub\\..*", "api"],
    ["reg", "\\.apps\\.hub\\.", "apps"],
  ] as const)("-m %s %s is the label rule", (method, text, kind) => {
    expect(patternMeaning(method, text, true)?.labels).toEqual([{ kind, label: "hub" }]);
  });

  test("finds a fault where case counts", () => {
    expect(patternMeaning("str", "api.hub.lab", false)?.faults.map(({ code }) => code)).toEqual(["case"]);
    expect(patternMeaning("reg", "(?i)^api\\.hub\\.lab$", false)?.faults).toEqual([]);
  });

  test.each([
    ["reg", "^[^.]+\\.apps\\.hub\\.lab", "unanchored-end", "www.apps.hub.lab.evil.example is taken too"],
    ["reg", "^[^.]+\\.apps\\.hub\\.lab", "one-label", "a.b.apps.hub.lab is refused"],
    ["end", "apps.hub.lab", "no-boundary", "xapps.hub.lab is taken too"],
  ] as const)("-m %s %s shows %s by a name", (method, text, code, words) => {
    expect(patternMeaning(method, text, true)?.faults.find((fault) => fault.code === code)?.why).toEndWith(words);
  });

  test("what it means and takes agree for names without faults, whatever the name", () => {
    const label = fc.constantFrom("api", "apps", "hub", "lab", "x", "appsx", "xhub", "a-b");
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."));
    const clean = CASES.filter(([, , want]) => want !== null && want[1].length === 0);
    fc.assert(
      fc.property(name, fc.constantFrom(...clean), (asked, [method, text]) => {
        const meaning = patternMeaning(method, text, true);
        expect(meaning?.means(asked)).toBe(meaning?.takes(asked));
      }),
      { numRuns: 2000 },
    );
  });

  test("never throws, whatever the pattern", () => {
    const mess = fc.string({ unit: fc.constantFrom(..."^$.*+?()[]{}|\\-ab.:12"), maxLength: 24 });
    fc.assert(
      fc.property(mess, fc.constantFrom("reg", "end", "str", "beg", "sub", "dom"), (text, method) => {
        patternMeaning(method, text, true);
      }),
      { numRuns: 3000 },
    );
  });
});
