import { describe, expect, test } from "bun:test";
import { OwnListeners } from "../../../src/config/clusters/own-listeners.ts";
import { load, MACHINE, mistakes } from "../loading.ts";

const LOCAL = ["192.168.125.1", "fd00::1"];
const HERE = { ...MACHINE, addresses: LOCAL };

describe("OwnListeners.reachedAt()", () => {
  const own = new OwnListeners(
    [
      { label: "api", at: { ip: "", port: 6_443 } },
      { label: "https", at: { ip: "192.168.125.1", port: 443 } },
      { label: "http", at: { ip: "0.0.0.0", port: 80 } },
      { label: "mcs", at: { ip: "10.0.0.1", port: 0 } },
    ],
    LOCAL,
  );
  for (const [ip, port, label] of [
    ["192.168.125.1", 6_443, "api"],
    ["127.0.0.1", 6_443, "api"],
    ["127.9.9.9", 6_443, "api"],
    ["fd00::1", 6_443, "api"],
    ["::1", 6_443, "api"],
    ["192.168.125.2", 6_443, null],
    ["192.168.125.1", 443, "https"],
    ["127.0.0.1", 443, null],
    ["192.168.125.1", 80, "http"],
    ["fd00::1", 80, null],
    ["10.0.0.1", 0, null],
    ["192.168.125.1", 8_443, null],
  ] as const) {
    test(`${ip} port ${port}: ${label ?? "somebody else"}`, () => {
      expect(own.reachedAt({ ip, port })?.label ?? null).toBe(label);
    });
  }
});

describe("A1: a node that is edge-lb itself", () => {
  for (const [what, flags] of [
    ["a literal", [["cluster", "hub=192.168.125.1"]]],
    ["one of a range", [["cluster", "hub=192.168.125.1-3"]]],
    ["loopback, where every address is listened on", [["cluster", "hub=127.0.0.1"]]],
    ["a list of its own", [["cluster", "hub=10.0.0.1,api=192.168.125.1"]]],
    [
      "one listening address",
      [
        ["cluster", "hub=10.0.0.5,api-port=7000,https-port=1,http-port=2"],
        ["listen", "api=10.0.0.5:7000"],
      ],
    ],
    [
      "the admin address",
      [
        ["cluster", "hub=api=127.0.0.1,api-port=50000"],
        ["admin", "127.0.0.1:50000"],
      ],
    ],
    ["the usual admin address", [["cluster", "hub=api=127.0.0.1,api-port=50000"]]],
    [
      "the DNS address",
      [
        ["cluster", "hub=api=192.168.125.1,api-port=53"],
        ["dns", "192.168.125.1:53"],
        ["listen", "api=127.0.0.1:6443"],
      ],
    ],
  ] as const) {
    test(`is refused: ${what}`, () => {
      const found = mistakes(flags, undefined, HERE);
      expect(found).toHaveLength(1);
      expect(found[0]).toContain("edge-lb itself listens there");
      expect(found[0]).toStartWith(`--cluster ${flags[0][1]}: Cannot use node`);
    });
  }

  test("is refused with its place in the file", () => {
    const file = "clusters:\n  hub:\n    api: 10.0.0.1\n    ingress:\n      - 10.0.0.2\n      - 192.168.125.1\n";
    expect(mistakes([], file, HERE)).toEqual([
      'lab.yaml:6:9: Cannot use node 192.168.125.1 for cluster "hub": edge-lb itself listens there ' +
        "(192.168.125.1:443 is https at :443, 192.168.125.1:80 is http at :80) (CONFIG_INVALID); " +
        "list the cluster's own machines, or give the port they really use, such as api-port=",
    ]);
  });

  for (const [what, flags] of [
    ["another port of this machine", [["cluster", "hub=api=192.168.125.1,api-port=16443"]]],
    [
      "an address that edge-lb does not listen on",
      [
        ["cluster", "hub=api=127.0.0.1"],
        ["listen", "api=192.168.125.1:6443"],
      ],
    ],
    [
      "the usual admin address, without a status page",
      [
        ["cluster", "hub=api=127.0.0.1,api-port=50000"],
        ["admin", "off"],
      ],
    ],
    ["another machine", [["cluster", "hub=192.168.125.20-22"]]],
  ] as const) {
    test(`is not: ${what}`, () => expect(mistakes(flags, undefined, HERE)).toEqual([]));
  }

  test("is nobody's mistake where the configuration is not to be served", () => {
    expect(load([["cluster", "hub=192.168.125.1"]], undefined, { ...HERE, addresses: null }).clusters).toHaveLength(1);
  });
});
