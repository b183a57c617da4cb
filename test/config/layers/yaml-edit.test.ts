import { SERVICES } from "../../../src/seam/services.ts";
import { describe, expect, test } from "bun:test";
import { removeCluster, setCluster } from "../../../src/config/layers/yaml-edit.ts";

const LAB = `# my lab
domain: linuxera.lab # base
listen: { api: ":6443", http: [ ":80", "[::1]:8080" ] }

clusters:
  # the hub
  hub: { domain: hub-cluster.linuxera.lab, api: 192.168.125.20-22 }
  managed1: { nodes: 192.168.125.30-35 } # single node
  # the big one
  managed2:
    nodes:
      - 192.168.125.40-42
      - worker-1.lab
timeouts: { hello: 5s } # short
`;

describe("setCluster()", () => {
  test.each([
    [
      "adds a cluster at the end, written as the one before it",
      LAB,
      "managed3",
      "10.0.0.1,names=*.m3.lab,m3.lab,api-port=6444",
      LAB.replace(
        "timeouts:",
        `  managed3:\n    nodes: 10.0.0.1\n    names: [ "*.m3.lab", m3.lab ]\n    api-port: 6444\ntimeouts:`,
      ),
    ],
    [
      "replaces one in its place and keeps the remarks around it",
      LAB,
      "managed1",
      "10.0.0.1-9",
      LAB.replace("192.168.125.30-35", "10.0.0.1-9"),
    ],
    [
      "makes the key where there is none",
      "domain: lab\n",
      "a",
      "10.0.0.1",
      "domain: lab\nclusters:\n  a: { nodes: 10.0.0.1 }\n",
    ],
    ["fills an empty key", "clusters:\n", "a", "10.0.0.1", "clusters:\n  a: { nodes: 10.0.0.1 }\n"],
    ["fills an empty file", "", "a", "10.0.0.1", "clusters:\n  a: { nodes: 10.0.0.1 }\n"],
    ["keeps a file of one remark", "# mine\n", "a", "10.0.0.1", "# mine\n\nclusters:\n  a: { nodes: 10.0.0.1 }\n"],
    [
      "goes into braces",
      "clusters: { a: 10.0.0.1 }\n",
      "b",
      "[fd00::1],check=off",
      'clusters: { a: 10.0.0.1, b: { nodes: "[fd00::1]", check: off } }\n',
    ],
    [
      "finds a name in capitals",
      "clusters: { Hub: 10.0.0.1 }\n",
      "hub",
      "10.0.0.2",
      "clusters: { Hub: { nodes: 10.0.0.2 } }\n",
    ],
  ])("%s", (_, text, name, spec, want) => {
    expect(setCluster(text, name, spec, SERVICES)).toBe(want);
  });
});

describe("removeCluster()", () => {
  test.each([
    ["takes out the one line", LAB, "managed1", LAB.replace(/ {2}managed1.*\n/, "")],
    ["leaves nothing of the only one", "domain: lab\nclusters:\n  a: 10.0.0.1\n", "a", "domain: lab\nclusters: {}\n"],
    ["does nothing for one that is not there", LAB, "managed9", null],
    ["does nothing without clusters", "domain: lab\n", "a", null],
  ])("%s", (_, text, name, want) => {
    expect(removeCluster(text, name)).toBe(want);
  });
});
