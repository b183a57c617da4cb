import { describe, expect, test } from "bun:test";
import { readCidr } from "../../../src/config/values/addresses.ts";
import { bridgesOf } from "../../../src/config/clusters/bridges.ts";
import type { Cidr } from "../../../src/seam/snapshot.ts";
import { load } from "../loading.ts";

function networks(...texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const read = readCidr(text);
    if (!read.ok) throw new Error(text);
    return read.value;
  });
}

describe("bridgesOf()", () => {
  const HERE = networks("127.0.0.0/8", "10.0.0.0/8", "192.168.125.0/24", "192.168.126.0/24");
  test.each([
    [
      "the one cluster in the listener's network",
      ["hub=192.168.125.20-22", "two=192.168.126.20"],
      [{ ip: "192.168.125.1", cluster: 0 }],
    ],
    ["nobody where two clusters share the bridge", ["hub=192.168.125.20", "two=192.168.125.30"], []],
    ["nobody where no cluster lives there", ["hub=192.168.126.20"], []],
    [
      "the API's nodes, not the routers",
      ["hub=api=192.168.126.20,ingress=192.168.125.30", "two=192.168.125.40"],
      [{ ip: "192.168.125.1", cluster: 1 }],
    ],
  ])("gives an mcs listener to %s", (_, clusters, want) => {
    const flags = clusters.map((spec) => ["cluster", spec] as const);
    expect(bridgesOf(load([["listen", "mcs=192.168.125.1:22623"], ...flags]), HERE)).toEqual(want);
  });

  test("takes the narrowest network that holds the listener", () => {
    const config = load([
      ["listen", "mcs=10.1.0.1:22623"],
      ["cluster", "hub=10.1.0.5"],
      ["cluster", "two=10.2.0.5"],
    ]);
    expect(bridgesOf(config, networks("10.0.0.0/8", "10.1.0.0/16"))).toEqual([{ ip: "10.1.0.1", cluster: 0 }]);
    expect(bridgesOf(config, networks("10.0.0.0/8"))).toEqual([]);
  });
});
