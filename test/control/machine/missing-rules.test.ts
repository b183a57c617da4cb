import { describe, expect, test } from "bun:test";
import { missingRules } from "../../../src/control/machine/missing-rules.ts";
import { load } from "../../config/loading.ts";

const CONFIG = load([["cluster", "hub=10.0.0.1,source=client"]]);
const THERE: Readonly<Record<string, string>> = {
  rule: "6443: from all fwmark 0x192b lookup 6443",
  route: "local default dev lo scope host",
  chain: "socket transparent 1 meta mark set 0x0000192b",
};

/** @param missing What `ip` and `nft` do not list. */
function asked(missing: readonly string[]): (program: string, args: readonly string[]) => Promise<string> {
  return async (_, args) => {
    const what = Object.keys(THERE).find((word) => args.includes(word)) ?? "";
    return missing.includes(what) ? "" : (THERE[what] ?? "");
  };
}

describe("missingRules()", () => {
  test("is nothing where all is there, nobody can tell, or no cluster needs them", async () => {
    expect(await missingRules(CONFIG, asked([]))).toBeNull();
    expect(await missingRules(CONFIG, async () => null)).toBeNull();
    expect(await missingRules(load([["cluster", "hub=10.0.0.1"]]), asked(["rule", "route", "chain"]))).toBeNull();
  });

  test.each([
    ["rule", "the rule that IPv4 packets"],
    ["route", "the route in table 6443"],
    ["chain", "the chain that marks packets"],
  ])("names a %s that is missing, and what makes it", async (what, words) => {
    const text = (await missingRules(CONFIG, asked([what]))) ?? "";
    expect(text).toStartWith(`source=client of hub: ${words}`);
    expect(text).toEndWith("missing, so its clients get no answer; edge-lb rules --apply makes them");
  });
});
