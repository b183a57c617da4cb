import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { CLUSTER_KEYS } from "../../../src/config/options/cluster-options.ts";
import { TOP_OPTIONS } from "../../../src/config/options/options.ts";
import { command } from "../../../scripts/lab/command.ts";
import { edgeLb } from "../running.ts";

describe("man", () => {
  test("has every command, option and key, and man finds nothing wrong with it", async () => {
    const { code, out } = await edgeLb(["man"]);
    expect(code).toBe(0);
    const page = await command(["man", "--warnings", "-l", "-"], {
      input: out,
      env: { MANWIDTH: "400", LC_ALL: "C.UTF-8" },
    });
    expect(page).toMatchObject({ code: 0, err: "" });
    for (const { name } of COMMANDS) expect(page.out).toMatch(new RegExp(`^ {7}${name}\\b`, "m"));
    for (const { flag, item } of TOP_OPTIONS)
      expect(page.out).toContain(`--${flag} ${item === null ? "" : `${item}=`}`);
    for (const key of CLUSTER_KEYS.keys()) expect(page.out).toMatch(new RegExp(`^ {7}${key}=`, "m"));
  });
});
