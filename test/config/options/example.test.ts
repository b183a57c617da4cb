import { describe, expect, test } from "bun:test";
import { CLUSTER_KEYS } from "../../../src/config/options/cluster-options.ts";
import type { Config } from "../../../src/config/model.ts";
import { exampleFile } from "../../../src/config/options/example.ts";
import { SETTINGS, TOP_OPTIONS } from "../../../src/config/options/options.ts";
import { edgeLb } from "../../cli/running.ts";
import { load } from "../loading.ts";

function settingsOf(config: Config): object {
  return Object.fromEntries(Object.entries(config).filter(([key]) => Object.hasOwn(SETTINGS, key)));
}

describe("exampleFile()", () => {
  test("is a file without a mistake, of the article's lab and nothing but defaults", () => {
    const config = load([], exampleFile());
    expect(config.clusters.map(({ name, domain }) => [name, domain])).toEqual([
      ["hub", "hub-cluster.linuxera.lab"],
      ["managed1", "managed1.linuxera.lab"],
      ["managed2", "managed2.linuxera.lab"],
    ]);
    expect(settingsOf(config)).toEqual(settingsOf(load([], "clusters: { hub: 10.0.0.1 }")));
  });

  test("says the same when the signs before settings are taken off", () => {
    const open = load([], exampleFile().replaceAll(/^( *)#(?! )/gm, "$1"));
    expect(settingsOf(open)).toEqual(settingsOf(load([], exampleFile())));
  });

  test("names every key", () => {
    const text = exampleFile();
    for (const { yaml, item, flag } of TOP_OPTIONS)
      if (yaml !== null) expect(text).toMatch(new RegExp(`^ *#? ?${item ?? flag}: `, "m"));
    for (const [key, { yaml }] of CLUSTER_KEYS)
      if (yaml !== null) expect(text).toMatch(new RegExp(`^ *#? ?${key}: `, "m"));
  });
});

describe("config", () => {
  test("prints it", async () => {
    expect(await edgeLb(["config", "example"])).toMatchObject({ code: 0, out: exampleFile(), err: "" });
    expect((await edgeLb(["config", "exmaple"])).code).toBe(2);
    expect((await edgeLb(["config"])).code).toBe(2);
  });
});
