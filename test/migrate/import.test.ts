import { describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/model.ts";
import { writeYaml } from "../../src/migrate/write.ts";
import { codesOf, differencesOf, importFixture, importText, loadWords, loadYaml, unexplained } from "./fixtures.ts";

/** The clusters of a fixture as YAML, and the codes of what cannot be carried over. */
interface Shape {
  readonly name: string;
  readonly domain?: string;
  readonly clusters: string;
  readonly cannot: readonly string[];
  readonly mistakes: readonly string[];
}

const SHAPES: readonly Shape[] = [
  {
    name: "article",
    clusters: `
  hub:
    domain: hub-cluster.linuxera.lab
    api: 192.168.125.20-22
    ingress: 192.168.125.23-25
    names: "*.apps.hub.linuxera.lab"
  managed1:
    domain: managed1.linuxera.lab
    api: 192.168.125.30-32
    ingress: 192.168.125.33-35
  managed2:
    domain: managed2.linuxera.lab
    api: 192.168.125.40-42
    ingress: 192.168.125.43-45
`,
    cannot: [],
    mistakes: [
      "short-idle",
      "stats-password",
      "no-default",
      "sni-not-logged",
      "no-mcs",
      "no-api-int",
      "unanchored-end",
      "one-label",
      "names-disagree",
      "api-source",
      "hello-check",
      "plain-check",
      "host-overwritten",
    ],
  },
  {
    name: "helper-node",
    domain: "ocp4.example.com",
    clusters: `
  ocp4:
    domain: ocp4.example.com
    api: 192.168.7.20-23
    ingress: 192.168.7.11-12
    names: "*"
    api-names: "*"
    balance-http: source
`,
    cannot: [],
    mistakes: ["sni-not-logged", "plain-check", "api-source"],
  },
  {
    name: "kubeadm",
    clusters: `
  cluster:
    api: 10.10.0.11-13
    api-names: "*"
    balance-api: roundrobin
`,
    cannot: [],
    mistakes: ["short-idle", "sni-not-logged"],
  },
  {
    name: "single-cluster",
    clusters: `
  prod:
    domain: prod.corp.example
    api: 10.1.0.10-12
    ingress: 10.1.0.20-21
    names: "*"
    redirect-https: on
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged"],
  },
  {
    name: "maps",
    clusters: `
  blue:
    domain: blue.lab.example
    api: 10.2.0.1-2
    ingress: 10.2.0.3-4
    names: "*"
  green:
    domain: green.lab.example
    api: 10.3.0.1
    ingress: 10.3.0.2
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "plain-check"],
  },
  {
    name: "pattern-files",
    clusters: `
  shop:
    domain: shop.example
    ingress: 10.4.0.1-2
    names: [shop.example, www.shop.example]
    https-port: 8443
  blog:
    domain: blog.example
    ingress: 10.4.1.1
    names: [blog.example, www.blog.example]
  one:
    domain: one.example
    ingress: 10.4.2.1-2
    names: console.one.example
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged", "plain-check"],
  },
  {
    name: "mixed",
    clusters: `
  a:
    domain: a.example
    api: 10.5.0.1
    ingress: 10.5.0.2
    names: "*"
`,
    cannot: ["condition", "", "other"],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "plain-check"],
  },
  {
    name: "tls-ends",
    clusters: `
  k8s:
    api: 10.6.0.11-12
    api-names: "*"
`,
    cannot: ["tls-ends-here"],
    mistakes: ["short-idle", "sni-not-logged", "plain-check", "never-matches"],
  },
  {
    name: "ipv6",
    clusters: `
  six:
    domain: six.lab.example
    api: ["[fd00:6::10]", "[fd00:6::11]", "[fd00:6::12]"]
    ingress: [10.66.0.21, "[fd00:6::20]"]
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "plain-check"],
  },
  {
    name: "server-template",
    clusters: `
  dyn:
    domain: dyn.example
    api: [masters.dyn.example, spare.dyn.example]
    ingress: router-0.dyn.example
`,
    cannot: ["srv"],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "plain-check"],
  },
  {
    name: "weights",
    clusters: `
  w:
    domain: w.example
    api: 10.7.0.1-2
    ingress: 10.7.0.11-13
    balance-api: roundrobin
`,
    cannot: ["weight"],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "plain-check"],
  },
  {
    name: "listen",
    domain: "east.example",
    clusters: `
  east:
    domain: east.example
    api: 10.8.0.1-2
    ingress: 10.8.0.3-4
    names: "*"
    api-names: "*"
`,
    cannot: [],
    mistakes: ["sni-not-logged", "plain-check"],
  },
  {
    name: "proxy-protocol",
    clusters: `
  pp:
    domain: pp.example
    api: 10.9.0.1
    ingress: 10.9.0.2-3
`,
    cannot: ["api-proxy"],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "no-api-int", "api-proxy", "plain-check"],
  },
  {
    name: "quoting",
    clusters: `
  q:
    domain: q.lab.example
    api: 10.10.1.1-2
    ingress: 10.10.1.3
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged", "no-mcs", "one-label", "plain-check"],
  },
  {
    name: "mistakes",
    clusters: `
  b-one:
    domain: api.one.example
    ingress: 10.11.1.1
    names: api.one.example
  b-two:
    domain: two.example
    ingress: 10.11.2.1
  b-three:
    domain: three.example
    ingress: 10.11.3.1
    names: apps.three.example
  b-four:
    domain: four.example
    ingress: 10.11.4.1
  b-five:
    domain: five.example
    ingress: 10.11.5.1
    names: apps.five.example
  b-six:
    domain: console.six.example
    ingress: 10.11.6.1
    names: console.six.example
  b-eight:
    domain: eight.example
    ingress: 10.11.8.1
`,
    cannot: [],
    mistakes: [
      "short-idle",
      "no-default",
      "no-inspect-delay",
      "sni-not-logged",
      "case",
      "literal-star",
      "substring",
      "any-character",
      "no-boundary",
      "unanchored-start",
      "unused-acl",
      "duplicate-acl",
      "never-matches",
      "plain-check",
      "unused-backend",
    ],
  },
  {
    name: "labels",
    clusters: `
  dev:
    api: 10.12.0.1
    ingress: 10.12.0.2
  qa:
    api: 10.12.1.1
    ingress: 10.12.1.2
`,
    cannot: [],
    mistakes: ["no-default", "sni-not-logged", "prefix", "substring", "plain-check"],
  },
];

/** Without what says where a value was written. */
function plain(config: Config): unknown {
  const clusters = config.clusters.map((cluster) => Object.assign({}, cluster, { layer: "", where: "" }));
  return { ...config, file: null, fromFile: null, clusters };
}

describe.each(SHAPES)("importHaproxy() of $name", ({ name, domain = null, clusters, cannot, mistakes }) => {
  const result = importFixture(name, domain);

  test("finds its clusters", () => {
    const yaml = writeYaml(result.imported, "test");
    // `send-proxy` is written as soon as this version knows it.
    const shown = yaml.slice(yaml.indexOf("clusters:\n") + 9).replace(/^ *send-proxy: v2\n/m, "");
    expect(shown).toBe(clusters);
  });

  test("says what cannot be carried over, and what to do or why", () => {
    const found = codesOf(result, "cannot").filter((code) => code !== "mcs-public");
    expect(found.sort()).toEqual([...cannot].sort());
  });

  test("reports the mistakes of the source", () => {
    expect(codesOf(result, "mistake").sort()).toEqual([...mistakes].sort());
  });

  test("has a word on every line", () => {
    const spoken = new Set(result.notes.filter((note) => note.class !== "mistake").map((note) => note.line));
    expect(result.source.lines.filter((line) => !spoken.has(line.line)).map((line) => line.text)).toEqual([]);
    expect(result.notes.filter((note) => note.why === "")).toEqual([]);
    expect(codesOf(result, "cannot")).not.toContain("unknown-directive");
  });

  test("every name goes where it went, or the report says why not", () => {
    expect(unexplained(result)).toEqual([]);
  });

  test("is the same as YAML and as flags", () => {
    expect(plain(loadYaml(result))).toEqual(plain(loadWords(result)));
  });
});

describe("importHaproxy() of the article", () => {
  const result = importFixture("article");

  test("names a host that an open expression takes", () => {
    const note = result.notes.find(({ code, line }) => code === "unanchored-end" && line === 49);
    expect(note?.why).toContain("www.apps.hub.linuxera.lab.evil.example is taken too");
  });

  test("keeps the password out of the report", () => {
    expect(JSON.stringify(result.notes)).not.toContain("admin:password");
  });

  test("its differences are those of its mistakes", () => {
    const codes = new Set(differencesOf(result).map(({ reason }) => reason?.code));
    expect([...codes].sort()).toEqual(["domain", "one-label", "unanchored-end"]);
  });
});

const HEAD =
  "defaults\n mode tcp\nfrontend f\n bind :443\n tcp-request inspect-delay 5s\n tcp-request content accept if { req_ssl_hello_type 1 }\n";

describe("importHaproxy()", () => {
  test.each([
    [
      "a rule to a missing backend",
      `${HEAD} use_backend nobody if { req.ssl_sni -i a.lab }\n use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443 check`,
      "cannot",
      "missing-backend",
    ],
    [
      "an ACL that is not declared",
      `${HEAD} use_backend b if what\n use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443`,
      "mistake",
      "unknown-acl",
    ],
    [
      "ports that differ in a pool",
      `${HEAD} use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443\n server t 10.0.0.2:8443`,
      "cannot",
      "ports-differ",
    ],
    [
      "a map that is not there",
      `${HEAD} use_backend %[req.ssl_sni,map(/none.map)]\n use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443`,
      "cannot",
      "condition",
    ],
    [
      "a regex beyond names",
      `${HEAD} use_backend b if { req.ssl_sni -m reg ^.+\\.apps\\..+$ }\n use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443`,
      "cannot",
      "condition",
    ],
    [
      "a machine-config server for everyone",
      `${HEAD} use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443\nlisten mcs\n bind :22623\n server m 10.0.0.1:22623`,
      "cannot",
      "mcs-public",
    ],
    [
      "a backend that is its own frontend",
      `${HEAD.replace(":443", "10.0.0.1:443")} use_backend x if { req.ssl_sni -i x.lab }\n default_backend b\nbackend b\n server s 10.0.0.1:443\nbackend x\n server s 10.0.0.2:443`,
      "cannot",
      "loop",
    ],
    [
      "defaults of one service that disagree",
      `${HEAD.replace(":443", "10.0.0.7:443")} default_backend b-red\nlisten blue\n bind 10.0.0.2:443\n server m 10.0.0.9:443\nbackend b-red\n server s 10.0.0.1:443`,
      "cannot",
      "second-default",
    ],
    [
      "an unknown directive",
      `${HEAD} frobnicate 3\n use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443`,
      "cannot",
      "unknown-directive",
    ],
    [
      "a client's PROXY header",
      `${HEAD.replace(":443", ":443 accept-proxy")} use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n server s 10.0.0.1:443`,
      "cannot",
      "accept-proxy",
    ],
    [
      "an exception",
      `${HEAD} acl apps req.ssl_sni -i -m end .x.lab\n acl not req.ssl_sni -i no.x.lab\n use_backend b if apps !not\nbackend b\n server s 10.0.0.1:443`,
      "cannot",
      "exception",
    ],
  ] as const)("reports %s, and its differences are explained", (_, text, wanted, code) => {
    const result = importText(text);
    expect(codesOf(result, wanted)).toContain(code);
    expect(unexplained(result)).toEqual([]);
  });

  test.each([
    ["an open quote", 'frontend "a', "haproxy.cfg:1"],
    ["a directive before any section", "\n bind :1", "haproxy.cfg:2:2"],
    ["a section without name", "frontend\n", "haproxy.cfg:1:1"],
    ["a conditional block", "global\n.if defined(X)\n.endif", "haproxy.cfg:2:1"],
    ["defaults that are not there", "frontend a from b", "haproxy.cfg:1:1"],
  ])("refuses %s with its place", (_, text, where) => {
    expect(() => importText(text)).toThrow(where);
  });

  test.each([
    [
      "in the rules that lead there",
      " use_backend b if { req.ssl_sni -i b.lab } { src 10.0.0.0/8 }\nbackend b\n server s 10.0.0.1:443",
    ],
    [
      "in its backend",
      " use_backend b if { req.ssl_sni -i b.lab }\nbackend b\n tcp-request content reject if !{ src 10.0.0.0/8 }\n server s 10.0.0.1:443",
    ],
  ])("takes a list of clients %s as the cluster's", (_, rules) => {
    const result = importText(`${HEAD}${rules}`);
    expect(writeYaml(result.imported, "test")).toEndWith("    allow: 10.0.0.0/8\n");
    expect([codesOf(result, "cannot"), unexplained(result)]).toEqual([[], []]);
  });

  test("gives each service of a cluster the nodes it has in the source", () => {
    const text = `${HEAD} use_backend x_tls if { req.ssl_sni -i -m end .apps.x.lab }\nfrontend h\n bind :80\n mode http\n use_backend x_web if { hdr(host) -i -m end .apps.x.lab }\nbackend x_tls\n server s 10.0.0.1:443\nbackend x_web\n mode http\n server s 10.0.0.2:80`;
    const result = importText(text);
    expect(writeYaml(result.imported, "test")).toEndWith(
      "  x:\n    domain: x.lab\n    https: 10.0.0.1\n    http: 10.0.0.2\n",
    );
    expect(differencesOf(result)).toEqual([]);
  });

  test("keeps up with a hundred clusters", () => {
    const range = Array.from({ length: 100 }, (_, index) => index);
    const rules = range.map((n) => ` use_backend b${n}x if { req.ssl_sni -i -m end .apps.c${n}.lab }`).join("\n");
    const backends = range.map((n) => `backend b${n}x\n server s 10.1.${n}.1:443 check`).join("\n");
    const started = performance.now();
    const result = importText(`${HEAD}${rules}\n${backends}`);
    expect(result.groups).toHaveLength(100);
    expect(unexplained(result)).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
