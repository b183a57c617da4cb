/** Who takes what: nodes and defaults of one service, and services that `listen` adds. */
import { describe, expect, test } from "bun:test";
import { sharedNodes } from "../../src/config/clusters/client-networks.ts";
import { diffConfig } from "../../src/config/diff.ts";
import { keepUntilRestart } from "../../src/config/restart.ts";
import { defaultOf, nodesFor, portOf } from "../../src/config/clusters/service-settings.ts";
import { load, mistakes } from "./loading.ts";

type Flags = readonly (readonly [string, string])[];
const CLUSTERS: Flags = [
  ["cluster", "hub=10.0.0.1"],
  ["cluster", "acme=10.0.0.2"],
];

describe("default", () => {
  const defaults = (flags: Flags, file?: string): Record<string, string | null> => {
    const config = load([...CLUSTERS, ...flags], file);
    return Object.fromEntries(config.services.map((service) => [service.name, defaultOf(config, service)]));
  };
  const HUB = { api: "hub", https: "hub", http: "hub", mcs: null };

  test.each([
    ["one for all", [["default", "hub"]], undefined, HUB],
    ["one for all, by its star", [["default", "*=hub"]], undefined, HUB],
    [
      "one service besides",
      [
        ["default", "hub"],
        ["default", "http=acme"],
      ],
      undefined,
      { ...HUB, http: "acme" },
    ],
    ["one service alone", [["default", "http=acme"]], undefined, { api: null, https: null, http: "acme", mcs: null }],
    ["a text in the file", [], "default: hub", HUB],
    ["a map in the file", [], 'default: { "*": hub, http: acme }', { ...HUB, http: "acme" }],
    [
      "a flag above the file",
      [["default", "acme"]],
      'default: { "*": hub, http: hub }',
      { api: "acme", https: "acme", http: "hub", mcs: null },
    ],
  ] as [string, Flags, string | undefined, Record<string, string | null>][])("takes %s", (_, flags, file, want) => {
    expect(defaults(flags, file)).toEqual(want);
  });

  test.each([
    [
      [
        ["default", "hub"],
        ["default", "acme"],
      ],
      '--default acme: Cannot use default: "acme" beside another one found, one wanted (CONFIG_INVALID)',
    ],
    [
      [
        ["default", "http=hub"],
        ["default", "http=acme"],
      ],
      '--default http=acme: Cannot use default.http: "acme" beside another one found, one wanted (CONFIG_INVALID)',
    ],
    [
      [["default", "http=acne"]],
      '--default http=acne: Cannot use default "acne": the name of a cluster wanted (CONFIG_INVALID); did you mean acme',
    ],
    [
      [["default", "rke2=hub"]],
      "--default rke2=hub: Cannot use --default: no service rke2 has a listener (CONFIG_INVALID); a service rke2 needs --listen rke2=ADDR:PORT",
    ],
    [
      [["default", "http="]],
      '--default http=: Cannot use default.http: "" found, the name of a cluster wanted (CONFIG_INVALID)',
    ],
  ] as [Flags, string][])("refuses %j", (flags, want) => {
    expect(mistakes([...CLUSTERS, ...flags])).toEqual([want]);
  });

  test.each([
    [
      "default: { htp: hub }",
      'lab.yaml:1:12: Cannot use key "htp" of default: not known (CONFIG_INVALID); did you mean http',
    ],
    [
      "default: [hub, acme]",
      "lab.yaml:1:10: Cannot use default: a list found, CLUSTER or keys such as api: CLUSTER wanted (CONFIG_INVALID)",
    ],
    [
      "default: { http: hub, http: acme }",
      'lab.yaml:1:23: Cannot use key "http" twice: first at lab.yaml:1:12 (CONFIG_INVALID)',
    ],
  ])("refuses %s in the file", (file, want) => {
    expect(mistakes(CLUSTERS, file)).toEqual([want]);
  });
});

describe("nodesFor()", () => {
  test.each([
    ["nodes alone", "10.0.0.1", "1 1 1 1"],
    ["a list of the role", "10.0.0.1,api=10.0.0.2,ingress=10.0.0.3", "2 3 3 2"],
    ["a list of one service", "10.0.0.1,ingress=10.0.0.3,http=10.0.0.4,mcs=10.0.0.5", "1 3 4 5"],
    ["lists without nodes", "https=10.0.0.1,http=10.0.0.2", "- 1 2 -"],
  ])("takes %s", (_, spec, want) => {
    const config = load([["cluster", `hub=${spec}`]]);
    const [hub] = config.clusters;
    if (hub === undefined) throw new Error("no cluster");
    const last = (service: (typeof config.services)[number]): string =>
      nodesFor(hub, service)
        .map(({ host }) => host.slice(-1))
        .join("") || "-";
    expect(config.services.map(last).join(" ")).toBe(want);
  });
});

describe("claims and clients", () => {
  test.each([
    [
      ["a=10.0.0.1,names=*", "b=10.0.0.2,names=*"],
      'Cannot use name * for cluster "b": cluster "a" (--cluster a=10.0.0.1,names=*) claims it too (CONFIG_INVALID); one cluster can take the rest of a service',
    ],
    [
      ["a=10.0.0.1,clients=10.1.0.9/16", "b=10.0.0.2,clients=10.1.0.0/16"],
      'Cannot use clients 10.1.0.0/16 for cluster "b": cluster "a" (--cluster a=10.0.0.1,clients=10.1.0.9/16) has them too (CONFIG_INVALID)',
    ],
  ])("refuses %j", (specs, want) => {
    expect(mistakes(specs.map((spec) => ["cluster", spec] as const))).toEqual([`--cluster ${specs[1]}: ${want}`]);
  });

  test.each([
    [["a=10.0.0.1,names=*", "b=10.0.0.2,api-names=*"]],
    [["a=https=10.0.0.1,names=*", "b=http=10.0.0.2,names=*"]],
    [["a=10.0.0.1,clients=10.1.0.0/16", "b=10.0.0.2,clients=10.1.0.0/24"]],
  ])("takes %j", (specs) => {
    expect(mistakes(specs.map((spec) => ["cluster", spec] as const))).toEqual([]);
  });
});

describe("sharedNodes()", () => {
  test("tells of addresses that are nodes of two clusters, once for each pair", () => {
    const specs = [
      "a=10.0.0.1-3,api=10.0.0.1",
      "b=api=10.0.0.2,ingress=10.0.0.2-3",
      "c=10.0.0.3-4",
      "d=10.0.0.4,clients=10.0.0.4",
    ];
    const { clusters } = load(specs.map((spec) => ["cluster", spec] as const));
    expect(sharedNodes(clusters).map(({ text }) => text.split(":")[0])).toEqual([
      "10.0.0.2 and 1 more are nodes of a and of b",
      "10.0.0.3 is a node of a and of c",
      "10.0.0.4 is a node of c and of d",
    ]);
  });
});

describe("a reload", () => {
  const before = load([], "listen: { rke2: ':9345' }\nclusters: { hub: { nodes: 10.0.0.1, rke2-port: 1 } }");
  const file =
    "listen: { k0s: ':8132', rke2: ':9346' }\nclusters: { hub: { nodes: 10.0.0.1, rke2-port: 2, k0s: 10.0.0.2 } }\ndefault: { rke2: hub }";
  const after = load([], file);

  test("says that services wait for a restart, and takes what else is said of those that listen", () => {
    expect(diffConfig(before, after)).toEqual({
      changes: ["cluster hub: rke2-port 1 -> 2", "default.rke2: none -> hub"],
      needsRestart: ["listen.rke2: :9345 -> :9346", "listen.k0s: off -> :8132"],
    });
  });

  test("keeps the services of the start, each at its index", () => {
    const next = keepUntilRestart(before, after);
    expect(next.services).toBe(before.services);
    expect(next.listen).toEqual(before.listen);
    expect(next.services.map((service) => defaultOf(next, service))).toEqual([null, null, null, null, "hub"]);
    const gone = keepUntilRestart(before, load([], "clusters: { hub: 10.0.0.1 }"));
    expect(gone.services).toBe(before.services);
    expect(gone.clusters.map((cluster) => before.services.map((service) => portOf(cluster, service)))).toEqual([
      [6_443, 443, 80, 22_623, 9_345],
    ]);
  });
});

describe("a further service", () => {
  test("is a row of its own with the listener's port on the nodes", () => {
    const config = load(
      [
        ["listen", "rke2=127.0.0.1:9345"],
        ["listen", "rke2=[::1]:9346"],
        ["cluster", "hub=10.0.0.1,rke2=10.0.0.2,rke2-names=*.rke.lab,balance-rke2=source,domain=hub.lab"],
        ["cluster", "m1=10.0.0.3,rke2-port=9999"],
      ],
      "listen: { talos: ':50001' }",
    );
    expect(config.services.slice(4)).toMatchObject([
      { name: "rke2", index: 4, port: 9345, routedBy: "sni", policy: "leastconn", idle: "apiIdle" },
      { name: "talos", index: 5, port: 50_001 },
    ]);
    expect(config.clusters.map(({ ports }) => ports)).toMatchObject([
      { rke2: 9345, talos: 50_001 },
      { rke2: 9999, talos: 50_001 },
    ]);
  });

  test.each([
    [
      [["listen", "nodes=:1"]],
      '--listen nodes=:1: Cannot use --listen: "nodes" found, a name that is no key of a cluster wanted',
    ],
    [
      [["listen", "ready=:1"]],
      '--listen ready=:1: Cannot use --listen: "ready" found, a name that is no key of a cluster wanted',
    ],
    [
      [["listen", "admin=:1"]],
      '--listen admin=:1: Cannot use --listen: "admin" found, a name other than admin and control wanted',
    ],
    [
      [["listen", "a-port=:1"]],
      '--listen a-port=:1: Cannot use --listen: "a-port" found, a name that does not end in -port or -names wanted',
    ],
    [
      [["listen", "balance-x=:1"]],
      '--listen balance-x=:1: Cannot use --listen: "balance-x" found, a name that does not begin with balance- wanted',
    ],
    [
      [["listen", "a234567890123456=:1"]],
      '--listen a234567890123456=:1: Cannot use --listen: "a234567890123456" found, a name of a letter and at most 14',
    ],
    [[["listen", "Rke2=:1"]], '--listen Rke2=:1: Cannot use --listen: "Rke2" found, a name of a letter and at most 14'],
    [[["listen", "rke2=:6443"]], "--listen rke2=:6443: Cannot use :6443 for rke2: api has :6443 already"],
    [
      [["listen", "htps=off"]],
      '--listen htps=off: Cannot switch off "htps": there is no such service (CONFIG_INVALID); did you mean https',
    ],
    [
      [["cluster", "x=10.0.0.9,rke2-port=1"]],
      '--cluster x=10.0.0.9,rke2-port=1: Cannot use key "rke2-port" of cluster "x": not known, and no service rke2 has a listener (CONFIG_INVALID); a service rke2 needs --listen rke2=ADDR:PORT',
    ],
    [
      [
        ["listen", "k0s=:1"],
        ["cluster", "x=10.0.0.9,rke2-port=1"],
      ],
      '--cluster x=10.0.0.9,rke2-port=1: Cannot use key "rke2-port" of cluster "x": not known, and no service rke2 has a listener',
    ],
    [
      [["cluster", "x=10.0.0.9,htps-port=1"]],
      '--cluster x=10.0.0.9,htps-port=1: Cannot use key "htps-port" of cluster "x": not known (CONFIG_INVALID); did you mean https-port',
    ],
    [
      [
        ["listen", "rke2=:0"],
        ["cluster", "x=10.0.0.9,rke2-port=1"],
      ],
      '--cluster hub=10.0.0.1: Cannot use cluster "hub": rke2 listens on port 0, so it has no default (CONFIG_INVALID); add rke2-port=',
    ],
  ] as [Flags, string][])("refuses %j", (flags, want) => {
    expect(mistakes([["cluster", "hub=10.0.0.1"], ...flags])[0]).toStartWith(want);
  });

  test("refuses more than there is room for", () => {
    const flags = Array.from({ length: 29 }, (_, at) => ["listen", `s${at}=:${1_000 + at}`] as const);
    expect(mistakes([["cluster", "hub=10.0.0.1"], ...flags])[0]).toContain(
      '"s28": 33 services listed, at most 32 wanted',
    );
    expect(mistakes([["cluster", "hub=10.0.0.1"], ...flags.slice(1)])).toEqual([]);
  });

  test("that a flag switches off takes its keys along", () => {
    const file = "listen: { rke2: ':9345' }\nclusters: { hub: { nodes: 10.0.0.1, rke2-port: 1 } }";
    expect(mistakes([], file)).toEqual([]);
    expect(mistakes([["listen", "rke2=off"]], file)[0]).toContain('Cannot use key "rke2-port" of cluster "hub"');
  });
});
