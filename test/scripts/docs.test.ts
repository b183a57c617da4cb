import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { optionTables, PAGE, withTables } from "../../scripts/docs.ts";
import { CLUSTER_KEYS } from "../../src/config/options/cluster-options.ts";
import { TOP_OPTIONS } from "../../src/config/options/options.ts";

/** The listener of a further service, and its keys. */
const FURTHER = 5;

describe("the page of options", () => {
  test("has the tables of the option table", () => {
    const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), "utf8");
    expect(withTables(page)).toBe(page);
  });

  test("has one line for every option and key", () => {
    const options = optionTables()
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    expect(options.length).toBe(TOP_OPTIONS.length + CLUSTER_KEYS.size + FURTHER);
    for (const option of options) expect(option.replaceAll("\\|", "").split("|").length).toBeOneOf([6, 7]);
  });

  test("needs its two marker lines", () => {
    expect(() => withTables("# edge-lb")).toThrow("Cannot write option tables");
  });
});
