import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { checkAdmin } from "../../src/config/checks.ts";
import { configWarnings } from "../../src/config/warnings.ts";
import { loadConfig, requireClusters } from "../../src/config/load.ts";
import type { ClusterConfig, Config } from "../../src/config/model.ts";
import { Problems } from "../../src/config/values/text.ts";
import { EdgeError, EdgeErrors } from "../../src/errors.ts";
import { load, MACHINE, mistakes } from "./loading.ts";

type Hosts = { readonly [K in "nodes" | "api" | "ingress"]: readonly string[] | undefined };

function hosts(cluster: ClusterConfig | undefined): Hosts {
  const names = (list: ClusterConfig["api"] | undefined): readonly string[] | undefined =>
    list?.map(({ host }) => host);
  return { nodes: names(cluster?.nodes), api: names(cluster?.api), ingress: names(cluster?.ingress) };
}

describe("the cluster grammar", () => {
  test.each([
    ["nodes before any key", "hub=10.0.0.1,10.0.0.3-4", { nodes: ["10.0.0.1", "10.0.0.3", "10.0.0.4"] }],
    [
      "items that continue a key",
      "hub=api=10.0.0.1,10.0.0.2,ingress=10.0.0.3,w.lab",
      { nodes: [], api: ["10.0.0.1", "10.0.0.2"], ingress: ["10.0.0.3", "w.lab"] },
    ],
    ["nodes beside lists", "hub=10.0.0.9,api=10.0.0.1", { nodes: ["10.0.0.9"], api: ["10.0.0.1"] }],
    ["nodes by their key", "hub=rise=3,nodes=10.0.0.1", { nodes: ["10.0.0.1"] }],
    ["a list key given twice", "hub=api=10.0.0.1,rise=2,api=10.0.0.2", { nodes: [], api: ["10.0.0.1", "10.0.0.2"] }],
    ["blanks around items", "hub=10.0.0.1, 10.0.0.2", { nodes: ["10.0.0.1", "10.0.0.2"] }],
    ["IPv6", "hub=[fd00::1],api=[fd00::2-fd00::3]", { nodes: ["fd00::1"], api: ["fd00::2", "fd00::3"] }],
  ])("takes %s", (_, spec, want) => {
    const none = { api: undefined, ingress: undefined };
    expect(hosts(load([["cluster", spec]]).clusters[0])).toEqual({ ...none, ...want });
  });

  test.each([
    ["a name and --domain", "hub=10.0.0.1", "hub", "hub.lab"],
    ["domain= above --domain", "hub=10.0.0.1,domain=hub-cluster.linuxera.lab", "hub", "hub-cluster.linuxera.lab"],
    ["a name with dots as the domain itself", "Hub.Other.lab=10.0.0.1", "hub.other.lab", "hub.other.lab"],
    ["domain= above a name with dots", "hub.other.lab=10.0.0.1,domain=x.lab", "hub.other.lab", "x.lab"],
  ])("derives the domain from %s", (_, spec, name, domain) => {
    expect(
      load([
        ["cluster", spec],
        ["domain", "lab"],
      ]).clusters[0],
    ).toMatchObject({ name, domain });
  });

  test("knows no domain where none was given", () => {
    expect(load([["cluster", "hub=10.0.0.1"]]).clusters[0]?.domain).toBeNull();
  });

  test.each([
    ["hub", 'Cannot use --cluster: "hub" found, NAME=NODE[,NODE...] wanted (CONFIG_INVALID)'],
    ["=10.0.0.1", 'Cannot use cluster name "": a DNS label or name such as hub wanted (CONFIG_INVALID)'],
    ["h b=10.0.0.1", 'Cannot use cluster name "h b": a DNS label or name such as hub wanted (CONFIG_INVALID)'],
    ["hub=", 'Cannot use cluster "hub": an empty item found, a node or KEY=VALUE wanted (CONFIG_INVALID)'],
    [
      "hub=10.0.0.1,,10.0.0.2",
      'Cannot use cluster "hub": an empty item found, a node or KEY=VALUE wanted (CONFIG_INVALID)',
    ],
    [
      "hub=10.0.0.1,bogus=1",
      'Cannot use key "bogus" of cluster "hub": not known, and no service bogus has a listener (CONFIG_INVALID); a service bogus needs --listen bogus=ADDR:PORT',
    ],
    ["hub=10.0.0.1,Bogus=1", 'Cannot use key "Bogus" of cluster "hub": not known (CONFIG_INVALID)'],
    [
      "hub=10.0.0.1,ingres=10.0.0.2,10.0.0.3",
      'Cannot use key "ingres" of cluster "hub": not known (CONFIG_INVALID); did you mean ingress',
    ],
    [
      "hub=10.0.0.1,ttl=4h,until=2026-12-01T18:00:00Z",
      'Cannot use ttl of cluster "hub": until found too, one of them wanted (CONFIG_INVALID)',
    ],
    [
      "hub=10.0.0.1,redirect-https",
      'Cannot use redirect-https of cluster "hub": no value found, redirect-https=on|off wanted (CONFIG_INVALID)',
    ],
    [
      "hub=10.0.0.1,rise=3,10.0.0.2",
      'Cannot use rise of cluster "hub": "10.0.0.2" continues it, one value wanted (CONFIG_INVALID); put nodes first, or write nodes=10.0.0.2',
    ],
    ["hub=10.0.0.1,rise=3,rise=4", 'Cannot use rise of cluster "hub": given twice, once wanted (CONFIG_INVALID)'],
    ["hub=rise=3", 'Cannot use cluster "hub": 0 nodes listed, at least 1 wanted (CONFIG_INVALID); add nodes='],
    [
      "hub=10.0.0.1-3,10.0.0.2",
      'Cannot use cluster "hub": node 10.0.0.2 listed twice in nodes, once wanted (CONFIG_INVALID)',
    ],
    ["hub=api=w.lab,W.lab", 'Cannot use cluster "hub": node w.lab listed twice in api, once wanted (CONFIG_INVALID)'],
    [
      "hub=10.0.0.0-10.0.3.255,api=10.1.0.1",
      'Cannot use cluster "hub": 1025 nodes listed, at most 1024 wanted (CONFIG_INVALID)',
    ],
    [
      "hub=192.168.125.20-10",
      'Cannot use nodes of cluster "hub": "192.168.125.20-10" found, a range that ends after its start wanted (CONFIG_INVALID)',
    ],
    [
      "hub=192.168.125.20-300",
      'Cannot use nodes of cluster "hub": "192.168.125.20-300" found, a last number from 0 to 255 wanted (CONFIG_INVALID)',
    ],
    [
      "hub=10.0.0.0-10.0.9.0",
      'Cannot use nodes of cluster "hub": a range of 2305 nodes found, at most 1024 wanted (CONFIG_INVALID)',
    ],
    [
      "hub=10.0.0.1:6443",
      'Cannot use nodes of cluster "hub": "10.0.0.1:6443" found, a node without a port wanted (CONFIG_INVALID); ports are keys: api-port=, https-port=, http-port=',
    ],
    [
      "hub=10.0.0.0/24",
      'Cannot use nodes of cluster "hub": "10.0.0.0/24" found, addresses one by one or a range wanted (CONFIG_INVALID); write 10.0.0.1-10.0.0.6',
    ],
    [
      "hub=api=10.0.0.1,send-proxy=v1",
      'Cannot use cluster "hub" with send-proxy: only API nodes listed, and kube-apiserver cannot read a PROXY header (CONFIG_INVALID); leave out send-proxy',
    ],
  ])("refuses --cluster %s in one line", (spec, want) => {
    expect(mistakes([["cluster", spec]])).toEqual([`--cluster ${spec}: ${want}`]);
  });

  test("takes exactly 1024 nodes, and one node for several roles", () => {
    expect(load([["cluster", "hub=10.0.0.0-10.0.3.255"]]).clusters[0]?.nodes.length).toBe(1024);
    expect(mistakes([["cluster", "hub=10.0.0.1,api=10.0.0.1"]])).toEqual([]);
  });

  test("throws nothing but EdgeErrors, whatever the specs", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "hub",
        "=",
        ",",
        "-",
        ".",
        ":",
        "[",
        "]",
        "api",
        "ingress",
        "rise",
        "names",
        "domain",
        "allow",
        "*",
        "off",
        "/",
        "10.0.0.1",
        "10.0.0.1-5",
        "fd00::1",
        "0",
        "255",
        "999999999999999999999",
        "__proto__",
        "constructor",
        " ",
        "\n",
        "\u0000",
        "ä",
      ),
      fc.string({ maxLength: 4 }),
    );
    const spec = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 3 }), fc.option(spec, { nil: undefined }), (specs, domain) => {
        const flags = specs.map((text) => ["cluster", text] as const);
        const lines = mistakes(domain === undefined ? flags : [...flags, ["domain", domain]]);
        for (const line of lines) expect(line).not.toContain("\n");
      }),
      { numRuns: 2000 },
    );
  });
});

const SAMPLE = `domain: linuxera.lab
listen: { api: ":6443", https: ":443", http: [":80", "[::1]:8080"] }
clusters:
  hub: { domain: hub-cluster.linuxera.lab, api: 192.168.125.20-22, ingress: 192.168.125.23-25 }
  managed1: { nodes: 192.168.125.30-35 }
  managed2: { nodes: [192.168.125.40-42, worker-1.lab], allow: [10.0.0.0/8] }
timeouts: { hello: 5s, connect: 3s, api-idle: 24h }
`;

describe("the file", () => {
  test("reads the documented sample", () => {
    // The sample listens on port 8080 of ::1 as well, which has a port of its own.
    const config = load([], SAMPLE);
    expect(config.clusters.map(({ name, domain, layer, where }) => [name, domain, layer, where])).toEqual([
      ["hub", "hub-cluster.linuxera.lab", "file", "lab.yaml:4:3"],
      ["managed1", "managed1.linuxera.lab", "file", "lab.yaml:5:3"],
      ["managed2", "managed2.linuxera.lab", "file", "lab.yaml:6:3"],
    ]);
    expect(hosts(config.clusters[2]).nodes).toEqual([
      "192.168.125.40",
      "192.168.125.41",
      "192.168.125.42",
      "worker-1.lab",
    ]);
    expect(config.listen.http).toEqual([
      { ip: "", port: 80 },
      { ip: "::1", port: 8080 },
    ]);
    expect(config.file).toBe("lab.yaml");
  });

  test.each([
    ["a cluster in one text", "clusters: { hub: '10.0.0.1-2,domain=hub.lab' }"],
    ["nodes in one text", "clusters: { hub: { nodes: '10.0.0.1,10.0.0.2', domain: hub.lab } }"],
    ["nodes in a list", "clusters: { hub: { nodes: [10.0.0.1, 10.0.0.2], domain: hub.lab } }"],
    ["block style", "clusters:\n  hub:\n    domain: hub.lab\n    nodes:\n      - 10.0.0.1-2\n"],
    ["an alias", "domain: &d hub.lab\nclusters: { hub: { nodes: 10.0.0.1-2, domain: *d } }"],
  ])("takes %s", (_, file) => {
    const [cluster] = load([], file).clusters;
    expect(cluster?.domain).toBe("hub.lab");
    expect(hosts(cluster).nodes).toEqual(["10.0.0.1", "10.0.0.2"]);
  });

  test("takes yes and no as YAML users write them", () => {
    const [cluster] = load(
      [],
      "clusters: { hub: { nodes: 10.0.0.1, redirect-https: yes } }\naccess-log: false",
    ).clusters;
    expect(cluster?.redirectHttps).toBe(true);
  });

  test.each([
    ["a wrong type at the top", "- a", ["1:1: Cannot use the file: a list found, keys such as clusters: wanted"]],
    ["a text at the top", "hello", ["1:1: Cannot use the file: a text found, keys such as clusters: wanted"]],
    [
      "an unknown key",
      "domian: lab",
      ['1:1: Cannot use key "domian": not known (CONFIG_INVALID); did you mean domain'],
    ],
    [
      "an unknown group key",
      "timeouts:\n  helo: 5s",
      ['2:3: Cannot use key "helo" of timeouts: not known (CONFIG_INVALID); did you mean hello'],
    ],
    [
      "an unknown listener",
      "listen: { Https: ':1' }",
      [
        '1:11: Cannot use key "Https" of listen: a name of a letter and at most 14 letters, digits or dashes, in lower case wanted (CONFIG_INVALID); did you mean https',
      ],
    ],
    [
      "an unknown cluster key",
      "clusters: { hub: { node: 10.0.0.1 } }",
      ['1:20: Cannot use key "node" of cluster "hub": not known (CONFIG_INVALID); did you mean nodes'],
    ],
    [
      "a group that is a text",
      "timeouts: 5s",
      ["1:11: Cannot use timeouts: a text found, keys such as hello: DURATION wanted"],
    ],
    [
      "a group that is empty",
      "listen:",
      ["1:8: Cannot use listen: nothing found, keys such as api: ADDR:PORT|off wanted"],
    ],
    ["nothing behind a key", "domain:", ["1:8: Cannot use domain: nothing found, DOMAIN wanted"]],
    ["a list for one value", "domain: [a, b]", ["1:9: Cannot use domain: a list found, DOMAIN wanted"]],
    ["keys for a list", "allow: { a: b }", ["1:8: Cannot use allow: keys found, CIDR,... or a list wanted"]],
    ["an empty list", "allow: []", ["1:8: Cannot use allow: an empty list found, at least one item wanted"]],
    ["a list in a list", "allow: [[10.0.0.1]]", ["1:9: Cannot use allow: a list found in the list, texts wanted"]],
    ["clusters as a list", "clusters: [hub]", ["1:11: Cannot use clusters: a list found, NAME: { nodes: ... } wanted"]],
    [
      "a cluster as a list",
      "clusters: { hub: [10.0.0.1] }",
      ['1:18: Cannot use cluster "hub": a list found, keys such as nodes: wanted'],
    ],
    [
      "a bad cluster name",
      "clusters: { 'h b': 10.0.0.1 }",
      ['1:13: Cannot use cluster name "h b": a DNS label or name such as hub wanted'],
    ],
    [
      "a cluster twice",
      "clusters: { hub: 10.0.0.1, hub: 10.0.0.2 }",
      ['1:28: Cannot use key "hub" twice: first at lab.yaml:1:13'],
    ],
    [
      "a cluster twice in other letters",
      "clusters: { hub: 10.0.0.1, HUB: 10.0.0.2 }",
      ['1:28: Cannot use cluster "hub" twice: first at lab.yaml:1:13'],
    ],
    [
      "a bad item of a list",
      "clusters: { hub: { nodes: [10.0.0.1, 10.0.0.300] } }",
      ['1:38: Cannot use nodes of cluster "hub": "10.0.0.300" found, an address'],
    ],
    ["config in the file", "config: x", ['1:1: Cannot use key "config": not known']],
    ["broken YAML", "a: [", ["1:5: Cannot read YAML: "]],
  ])("refuses %s with its place", (_, file, want) => {
    const lines = mistakes([], file);
    expect(lines.length).toBe(want.length);
    for (const [index, line] of lines.entries()) expect(line).toStartWith(`lab.yaml:${want[index]}`);
  });

  test.each([
    ["ENOENT", "there is no such file"],
    ["EACCES", "permission denied"],
    ["EISDIR", "it is a folder"],
    ["EIO", "EIO"],
    ["", "it cannot be read"],
  ])("says why it cannot be read: %s", (code, why) => {
    const readFile = (): string => {
      throw code === "" ? new Error("no") : Object.assign(new Error("no"), { code });
    };
    const attempt = (): unknown =>
      loadConfig({ flags: [{ flag: "config", text: "/x/y.yaml" }], readFile, machine: MACHINE });
    expect(attempt).toThrow(`--config /x/y.yaml: Cannot read "/x/y.yaml": ${why} (CONFIG_UNREADABLE)`);
  });

  test("throws nothing but EdgeErrors, whatever is in it", () => {
    const leaf = fc.constantFrom(
      "x",
      "10.0.0.1",
      "5s",
      "off",
      "",
      "~",
      "[]",
      "{}",
      "[a, [b]]",
      "{ a: b }",
      "'a,b=c'",
      "*x",
      "&x y",
    );
    const key = fc.constantFrom(
      "domain",
      "listen",
      "clusters",
      "timeouts",
      "allow",
      "default",
      "workers",
      "admin-auth",
      "hub",
      "nodes",
      "x",
    );
    const node = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc
          .array(fc.tuple(key, tie("tree")), { maxLength: 4 })
          .map((pairs) => `{ ${pairs.map(([name, value]) => `${name}: ${String(value)}`).join(", ")} }`),
      ),
    })).tree;
    fc.assert(
      fc.property(fc.array(fc.tuple(key, node), { maxLength: 5 }), (pairs) => {
        mistakes([], pairs.map(([name, value]) => `${name}: ${String(value)}`).join("\n"));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the layers", () => {
  test("a flag beats the file, the file beats the default", () => {
    const config = load([["timeout", "hello=7s"]], "timeouts: { hello: 6s, connect: 2s }\nclusters: { hub: 10.0.0.1 }");
    expect(config.timeouts).toMatchObject({ hello: 7000, connect: 2000, dialTotal: 8000 });
  });

  test("a list of a higher layer replaces the lower one", () => {
    const file = "listen: { http: [':80', ':8080'] }\nallow: [10.0.0.0/8]";
    const config = load(
      [
        ["listen", "http=:81"],
        ["allow", "10.1.0.0/16"],
        ["allow", "10.2.0.0/16"],
      ],
      file,
    );
    expect(config.listen.http).toEqual([{ ip: "", port: 81 }]);
    expect(config.allow.length).toBe(2);
  });

  test("repeated flags add up where a list is wanted, else the last one counts", () => {
    const config = load([
      ["listen", "http=:80"],
      ["listen", "http=:81"],
      ["workers", "2"],
      ["workers", "3"],
    ]);
    expect(config.listen.http.map(({ port }) => port)).toEqual([80, 81]);
    expect(config.workers).toBe(3);
  });

  test("a cluster of a higher layer replaces the whole entry", () => {
    const file = "clusters: { hub: { nodes: 10.0.0.1, rise: 9, domain: a.lab }, other: 10.0.0.5 }";
    const config = load([["cluster", "hub=10.0.0.2"]], file);
    expect(config.clusters.map(({ name, layer, rise, domain }) => [name, layer, rise, domain])).toEqual([
      ["hub", "flags", 3, null],
      ["other", "file", 3, null],
    ]);
    expect(config.clusters[0]?.where).toBe("--cluster hub=10.0.0.2");
  });

  test("a replaced cluster claims nothing any more, but its mistakes are still found", () => {
    const file = "clusters: { hub: { nodes: 10.0.0.1, names: shop.lab }, other: { nodes: 10.0.0.5, names: shop.lab } }";
    expect(mistakes([["cluster", "hub=10.0.0.2"]], file)).toEqual([]);
    expect(mistakes([["cluster", "hub=10.0.0.2"]], "clusters: { hub: { bogus: 1 } }").length).toBe(1);
  });

  test("rise, fall and interval of the program serve clusters that say nothing", () => {
    const config = load([
      ["rise", "9"],
      ["interval", "1s"],
      ["cluster", "a=10.0.0.1"],
      ["cluster", "b=10.0.0.1,rise=4"],
    ]);
    expect(config.clusters.map(({ rise, intervalMs }) => [rise, intervalMs])).toEqual([
      [9, 1000],
      [4, 1000],
    ]);
  });

  test("finds the mistakes of both layers at once", () => {
    const lines = mistakes(
      [
        ["cluster", "hub=10.0.0.300"],
        ["timeout", "hello=x"],
        ["default", "nope"],
      ],
      "domain: '*'\nclusters: { m1: { nodes: 10.0.0.1, rise: 0 } }\nworkers: many",
    );
    expect(lines.map((line) => line.split(": Cannot")[0])).toEqual(
      [
        "lab.yaml:1:9",
        "--cluster hub=10.0.0.300",
        "lab.yaml:2:42",
        "--default nope",
        "--timeout hello=x",
        "lab.yaml:3:10",
      ].toSorted((a, b) => lines.findIndex((l) => l.startsWith(a)) - lines.findIndex((l) => l.startsWith(b))),
    );
  });
});

describe("loadConfig()", () => {
  test.each([
    [
      [
        ["cluster", "hub=10.0.0.1"],
        ["cluster", "hub=10.0.0.2"],
      ],
      ['--cluster hub=10.0.0.2: Cannot use cluster "hub" twice: first at --cluster hub=10.0.0.1 (CONFIG_INVALID)'],
    ],
    [
      [["timeout", "helo=5s"]],
      [
        '--timeout helo=5s: Cannot use --timeout: "helo" found, hello, connect, dial-total, http-head, http-body, keep-alive, api-idle, ingress-idle, half-closed, shutdown-delay, drain, wake, linger, probe or gone wanted (CONFIG_INVALID); did you mean hello',
      ],
    ],
    [
      [["timeout", "hello"]],
      ["--timeout hello: Cannot use --timeout: no value found, hello=DURATION wanted (CONFIG_INVALID)"],
    ],
    [
      [["listen", ":80"]],
      ['--listen :80: Cannot use --listen: ":80" found, api, https, http or mcs wanted (CONFIG_INVALID)'],
    ],
    [
      [["listen", "http=:443"]],
      ["--listen http=:443: Cannot use :443 for http: https has :443 already (CONFIG_INVALID)"],
    ],
    [
      [["listen", "http=127.0.0.1:443"]],
      ["--listen http=127.0.0.1:443: Cannot use 127.0.0.1:443 for http: https has :443 already (CONFIG_INVALID)"],
    ],
    [
      [["listen", "http=:80,:80"]],
      ["--listen http=:80,:80: Cannot use :80 for http: http has :80 already (CONFIG_INVALID)"],
    ],
    [
      [
        ["listen", "api=off"],
        ["listen", "https=off"],
        ["listen", "http=off"],
      ],
      ["--listen: Cannot start: every listener is off, at least 1 wanted (CONFIG_INVALID)"],
    ],
    [[["default", "hub"]], ['--default hub: Cannot use default "hub": there is no cluster (CONFIG_INVALID)']],
  ] as [[string, string][], string[]][])("refuses %j", (flags, want) => {
    expect(mistakes(flags)).toEqual(want);
  });

  test("never echoes a secret", () => {
    for (const lines of [
      mistakes([["admin-auth", "hunter2"]]),
      mistakes([], "admin-auth: hunter2"),
      mistakes([], "admin-auth: [hunter2]"),
    ]) {
      expect(lines.length).toBe(1);
      expect(lines[0]).not.toContain("hunter2");
    }
  });

  test("takes the password from the variable, and asks nothing of it without an admin listener", () => {
    const auth = (text: string, ...flags: [string, string][]): Config["adminAuth"] =>
      load([["cluster", "hub=10.0.0.1"], ...flags], undefined, { ...MACHINE, env: { EDGE_LB_ADMIN_AUTH: text } })
        .adminAuth;
    expect(auth("a:b:c")).toEqual({ user: "a", password: "b:c" });
    expect(auth("x", ["admin", "off"])).toBeNull();
    expect(() => auth("x")).toThrow("EDGE_LB_ADMIN_AUTH: Cannot use admin-auth");
  });

  test("is a configuration without clusters too; requireClusters() refuses that", () => {
    const config = load([], "domain: lab");
    expect(config.clusters).toEqual([]);
    expect(() => requireClusters(config)).toThrow(EdgeErrors);
    expect(() => requireClusters(config)).toThrow(
      "lab.yaml:1:1: Cannot start: 0 clusters, at least 1 wanted (CONFIG_INVALID); add clusters: or --cluster",
    );
    expect(requireClusters(load([["cluster", "hub=10.0.0.1"]])).length).toBe(1);
  });

  test("loads 1,000 clusters in a moment", () => {
    const clusters = Array.from({ length: 1000 }, (_, n) => `  c${n}: { nodes: 10.${n >> 8}.${n & 255}.1-6 }`).join(
      "\n",
    );
    const config = load([], `domain: lab\nclusters:\n${clusters}\n`);
    expect(config.clusters.length).toBe(1000);
  }, 5000);
});

describe("claims", () => {
  const twice = (name: string): string => `Cannot use name ${name} for cluster "b": cluster "a" (--cluster a=`;
  test.each([
    [
      "the same domain",
      "a=10.0.0.1,domain=x.lab",
      "b=10.0.0.2,domain=x.lab",
      ["api.x.lab", "api-int.x.lab", "*.apps.x.lab"],
    ],
    ["the same name", "a=10.0.0.1,names=shop.lab", "b=10.0.0.2,names=shop.lab", ["shop.lab"]],
    ["the same suffix", "a=10.0.0.1,names=*.shop.lab", "b=10.0.0.2,names=*.shop.lab", ["*.shop.lab"]],
    ["an API name", "a=10.0.0.1,api-names=kube.lab", "b=10.0.0.2,api-names=kube.lab", ["kube.lab"]],
    ["the api name of the other", "a=10.0.0.1,domain=x.lab", "b=10.0.0.2,api-names=api.x.lab", ["api.x.lab"]],
    ["the apps suffix of the other", "a=10.0.0.1,domain=x.lab", "b=10.0.0.2,names=*.apps.x.lab", ["*.apps.x.lab"]],
    ["nothing: a longer suffix", "a=10.0.0.1,domain=x.lab", "b=10.0.0.2,names=*.b.apps.x.lab", []],
    ["nothing: an exact name below", "a=10.0.0.1,domain=x.lab", "b=10.0.0.2,names=shop.apps.x.lab", []],
    ["nothing: another listener", "a=10.0.0.1,api-names=x.lab", "b=10.0.0.2,names=x.lab", []],
    ["nothing: the name and what is below", "a=10.0.0.1,names=x.lab", "b=10.0.0.2,names=*.x.lab", []],
    ["nothing: no domains", "a=10.0.0.1", "b=10.0.0.2", []],
    ["nothing: twice by itself", "a=10.0.0.1,domain=x.lab,api-names=api.x.lab", "b=10.0.0.2", []],
  ])("two clusters claim %s", (_, a, b, names) => {
    const lines = mistakes([
      ["cluster", a],
      ["cluster", b],
    ]);
    expect(lines.length).toBe(names.length);
    for (const [index, line] of lines.entries()) {
      expect(line).toStartWith(`--cluster ${b}: ${twice(names[index] ?? "")}`);
      expect(line).toEndWith("(CONFIG_INVALID); give one of them another domain= or name");
    }
  });
});

describe("checkAdmin()", () => {
  test.each([
    ["loopback without a password", "127.0.0.1", false, 0],
    ["another address with one", "10.0.0.1", true, 0],
    ["another address without one", "10.0.0.1", false, 1],
    ["every address without one", "", false, 1],
  ])("judges %s", (_, ip, hasAuth, want) => {
    const problems = new Problems();
    checkAdmin(
      { admin: { ip, port: 50_000 }, adminAuth: hasAuth ? { user: "a", password: "b" } : null },
      "--admin",
      problems,
    );
    expect(problems.count).toBe(want);
  });

  test("errors are EdgeErrors of EdgeError", () => {
    expect(new EdgeErrors([new EdgeError("USAGE", "x")]).errors[0]?.code).toBe("USAGE");
  });
});

describe("the admin address", () => {
  test("gives way to a listener where nobody asked for it, and collides where somebody did", () => {
    const listener: [string, string][] = [
      ["listen", "api=:50000"],
      ["cluster", "hub=10.0.0.1"],
    ];
    expect(mistakes(listener)).toEqual([]);
    expect(mistakes([...listener, ["admin", "127.0.0.1:50000"]])).toEqual([
      "--admin 127.0.0.1:50000: Cannot use 127.0.0.1:50000 for admin: api has :50000 already (CONFIG_INVALID)",
    ]);
    expect(configWarnings(load(listener))).toEqual([
      "no status page: api at :50000 has its usual address 127.0.0.1:50000; " +
        "choose another with --admin ADDR:PORT, or --admin off to be rid of this line",
    ]);
    expect(configWarnings(load([...listener, ["admin", "off"]]))).toEqual([]);
  });
});

describe("A1: an address of edge-lb's own twice", () => {
  const cluster = ["cluster", "hub=10.0.0.1"] as const;
  test.each([
    [
      "DNS and a listener",
      [["dns", "127.0.0.1:6443"]],
      "--dns 127.0.0.1:6443: Cannot use 127.0.0.1:6443 for dns: api has :6443 already",
    ],
    ["DNS everywhere and a listener", [["dns", ":443"]], "--dns :443: Cannot use :443 for dns: https has :443 already"],
    [
      "DNS and the status page",
      [
        ["dns", "127.0.0.1:50001"],
        ["admin", ":50001"],
        ["admin-auth", "a:b"],
      ],
      "--admin :50001: Cannot use :50001 for admin: dns has 127.0.0.1:50001 already",
    ],
    [
      "DNS twice",
      [["dns", "127.0.0.1:53,127.0.0.1:53"]],
      "Cannot use 127.0.0.1:53 for dns: dns has 127.0.0.1:53 already",
    ],
  ] as const)("is refused: %s", (_, flags, text) => {
    expect(mistakes([cluster, ...flags])).toEqual([expect.stringContaining(text)]);
  });

  test("is no mistake for one of DNS's wildcard", () => {
    expect(mistakes([cluster, ["dns", ":53,127.0.0.1:53"]])).toEqual([]);
  });

  test("is told of the usual admin address and DNS", () => {
    const [line = ""] = configWarnings(load([cluster, ["dns", "127.0.0.1:50000"]]));
    expect(line).toStartWith("no status page: dns at 127.0.0.1:50000 has its usual address");
  });
});

describe("a mistake in default", () => {
  const cluster = ["cluster", "hub=10.0.0.1"] as const;
  const WANTED = "the name of a cluster wanted";
  test.each([
    ["http=", `Cannot use default.http: "" found, ${WANTED}`],
    ["a b", `Cannot use default: "a b" found, ${WANTED}`],
    [
      "rke2=hub",
      "Cannot use --default: no service rke2 has a listener (CONFIG_INVALID); a service rke2 needs --listen rke2=ADDR:PORT",
    ],
    [
      "htp=hub",
      'Cannot use --default: "htp" found, api, https, http or mcs wanted (CONFIG_INVALID); did you mean http',
    ],
  ])("--default %s", (text, words) => {
    expect(mistakes([cluster, ["default", text]])).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    ['""', `Cannot use default: "" found, ${WANTED}`],
    [
      "http=hub",
      `Cannot use default: "http=hub" found, ${WANTED} (CONFIG_INVALID); in the file: default: { http: hub }`,
    ],
    ["[hub]", "Cannot use default: a list found, CLUSTER or keys such as api: CLUSTER wanted"],
    ["{ rke2: hub }", "no service rke2 has a listener (CONFIG_INVALID); a service rke2 needs --listen rke2=ADDR:PORT"],
  ])("default: %s", (text, words) => {
    expect(mistakes([cluster], `default: ${text}\n`)).toEqual([expect.stringContaining(words)]);
  });
});
