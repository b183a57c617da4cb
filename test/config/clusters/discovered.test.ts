/** Layers: what was given, by file, flags or while running, comes before what was discovered. */
import { describe, expect, test } from "bun:test";
import { loadConfig, type RuntimeLayer } from "../../../src/config/load.ts";
import { allNodes } from "../../../src/config/clusters/service-settings.ts";
import { MACHINE } from "../loading.ts";

interface Layers {
  readonly flags?: readonly string[];
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
  readonly discovered: readonly string[];
}

/** Each cluster as `name layer addresses`. */
function clustersOf({ flags = [], added = [], removed = [], discovered }: Layers): readonly string[] {
  const runtime: RuntimeLayer = { added, removed: new Set(removed), discovered };
  const typed = flags.map((text) => ({ flag: "cluster", text }));
  const { clusters } = loadConfig({ flags: typed, readFile: () => "", machine: MACHINE, runtime });
  return clusters.map((each) => `${each.name} ${each.layer} ${allNodes(each).map(({ host }) => host)}`);
}

const FOUND = "hub=10.0.0.1,10.0.0.2,domain=hub.lab";

describe("the layer discovered", () => {
  test.each<readonly [string, Layers, readonly string[]]>([
    ["is served", { discovered: [FOUND] }, ["hub discovered 10.0.0.1,10.0.0.2"]],
    [
      "stands beside what was given",
      { flags: ["m1=10.0.0.9,domain=m1.lab"], discovered: [FOUND] },
      ["m1 flags 10.0.0.9", "hub discovered 10.0.0.1,10.0.0.2"],
    ],
    [
      "gives way to a cluster of its name on the command line",
      { flags: ["hub=10.0.0.9,domain=other.lab"], discovered: [FOUND] },
      ["hub flags 10.0.0.9"],
    ],
    [
      "gives way to a cluster of its name that was added while running",
      { added: ["hub=10.0.0.9,domain=other.lab"], discovered: [FOUND] },
      ["hub runtime 10.0.0.9"],
    ],
    [
      "leaves a node to the cluster that it was given to",
      { flags: ["m1=10.0.0.2,domain=m1.lab"], discovered: [FOUND] },
      ["m1 flags 10.0.0.2", "hub discovered 10.0.0.1"],
    ],
    [
      "is left out when all its nodes were given to others",
      { flags: ["m1=10.0.0.1-10.0.0.2,domain=m1.lab"], discovered: [FOUND] },
      ["m1 flags 10.0.0.1,10.0.0.2"],
    ],
    [
      "is left out when its names were given to another",
      { flags: ["m1=10.0.0.9,domain=hub.lab"], discovered: [FOUND] },
      ["m1 flags 10.0.0.9"],
    ],
    ["is left out when it was removed while running", { removed: ["hub"], discovered: [FOUND] }, []],
    [
      "is left out when another discovered one has its names",
      { discovered: [FOUND, "copy=10.0.0.7,domain=hub.lab"] },
      ["hub discovered 10.0.0.1,10.0.0.2"],
    ],
    ["is no mistake of the operator when it makes no sense", { discovered: ["hub=domain=hub.lab", "10.0.0.1"] }, []],
  ])("%s", (_, layers, want) => {
    expect(clustersOf({ ...layers })).toEqual([...want]);
  });
});
