import { describe, expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";
import { usageText } from "../../src/cli/commands/help.ts";
import { CLUSTER_KEYS } from "../../src/config/options/cluster-options.ts";
import { TOP_OPTIONS } from "../../src/config/options/options.ts";
import { EdgeError } from "../../src/errors.ts";
import { edgeLb, words } from "./running.ts";

const HUB = ["--cluster", "hub=192.168.125.20-22"];

describe("runCli()", () => {
  test("runs what flags and file make together", async () => {
    const ran = await edgeLb([...HUB, "-c", "lab.yaml"], { "lab.yaml": "domain: lab" });
    expect([ran.code, ran.out, ran.err]).toEqual([0, "", ""]);
    expect(ran.config?.clusters[0]?.domain).toBe("hub.lab");
  });

  test("ends with the code of what it ran", async () => {
    expect((await edgeLb(HUB, {}, () => Promise.resolve(1))).code).toBe(1);
  });

  test.each([[[]], [["run"]], [["--domain", "lab"]]])("without a cluster prints the usage: %j", async (argv) => {
    const ran = await edgeLb(argv);
    expect([ran.code, ran.out, ran.err, ran.config]).toEqual([2, "", usageText(), null]);
    expect(usageText()).toContain(
      "Example: edge-lb --cluster hub=192.168.125.20-25 --cluster managed1=192.168.125.30-35\n",
    );
  });

  test("says at which file clusters are missing", async () => {
    const ran = await edgeLb(["-c", "lab.yaml"], { "lab.yaml": "domain: lab" });
    expect([ran.code, ran.err]).toEqual([
      2,
      "edge-lb: lab.yaml:1:1: Cannot start: 0 clusters, at least 1 wanted (CONFIG_INVALID); add clusters: or --cluster\n",
    ]);
  });

  test("prints all mistakes, one a line, and runs nothing", async () => {
    const ran = await edgeLb(["--cluster", "hub=10.0.0.300", "-c", "lab.yaml", "--workers", "x"], {
      "lab.yaml": "domian: x",
    });
    expect(ran.code).toBe(2);
    expect(ran.config).toBeNull();
    expect(ran.err.trimEnd().split("\n").length).toBe(3);
    for (const line of ran.err.trimEnd().split("\n"))
      expect(line).toMatch(/^edge-lb: \S.*: Cannot use .*\(CONFIG_INVALID\)/);
  });

  test.each([
    ["LISTEN_FAILED", 1],
    ["WORKERS_FAILED", 1],
    ["ENGINE_UNAVAILABLE", 1],
    ["CONFIG_INVALID", 2],
  ] as const)("ends %s with %d", async (code, want) => {
    const ran = await edgeLb(HUB, {}, () =>
      Promise.reject(new EdgeError(code, "Cannot go on: it is late", { hint: "sleep" })),
    );
    expect([ran.code, ran.err]).toEqual([want, `edge-lb: Cannot go on: it is late (${code}); sleep\n`]);
  });

  test("shows a fault of its own in one line, without a stack", async () => {
    const ran = await edgeLb(HUB, {}, () => Promise.reject(new TypeError("x is\n not a function")));
    expect([ran.code, ran.err]).toEqual([
      1,
      "edge-lb: Cannot go on: x is not a function (INTERNAL); this is a fault of edge-lb, please report it\n",
    ]);
  });

  test("names the version", async () => {
    for (const argv of [["version"], ["--version"], ["-v"]]) {
      expect(await edgeLb(argv)).toMatchObject({ code: 0, out: `edge-lb ${manifest.version}\n`, err: "" });
    }
  });
});

describe("version --json", () => {
  test("tells version, commit, Bun and engines", async () => {
    const { code, out } = await edgeLb(["version", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      version: manifest.version,
      commit: null,
      build: `${process.platform}-${process.arch}`,
      bun: Bun.version,
      engines: expect.arrayContaining(["bun", "node"]),
      ioUring: expect.any(Boolean),
    });
  });
});

describe("--help", () => {
  test("lists every flag, cluster key and command, and fits a wide terminal", async () => {
    const { code, out } = await edgeLb(["--help"]);
    expect(code).toBe(0);
    for (const option of TOP_OPTIONS)
      expect(out).toContain(`--${option.flag} ${option.item === null ? "" : `${option.item}=`}${option.value}`);
    for (const key of CLUSTER_KEYS.keys()) expect(out).toContain(`\n  ${key}=`);
    for (const { name } of COMMANDS) expect(out).toContain(`\n  ${name} `);
    expect(out).toContain("Example: edge-lb --cluster");
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  test("of a command shows its own flags", async () => {
    expect((await edgeLb(["check", "--help"])).out).toContain(
      "Usage: edge-lb check [OPTION...]\n\nOptions of check:\n  --live ",
    );
    expect((await edgeLb(["import", "--help"])).out).toContain("Usage: edge-lb import <FILE|-> [OPTION...]\n");
    expect((await edgeLb(["rm", "--help"])).out).toContain("\n\nWhere it runs:\n  --control PATH|off ");
    expect((await edgeLb(["version", "-h"])).out).toStartWith(
      "Print the version\n\nUsage: edge-lb version [OPTION...]\n",
    );
  });
});

describe("help", () => {
  test("is --help in another form", async () => {
    for (const { name } of COMMANDS) {
      expect((await edgeLb(["help", name])).out).toBe((await edgeLb([name, "--help"])).out);
    }
    expect((await edgeLb(["help"])).out).toBe((await edgeLb(["--help"])).out);
  });

  test("of explain shows what tells it whom to ask", async () => {
    const { out } = await edgeLb(["help", "explain"]);
    for (const flag of ["control", "config", "cluster", "domain", "default", "listen"])
      expect(out).toContain(`--${flag} `);
    for (const flag of ["timeout", "limit", "log-to", "engine"]) expect(out).not.toContain(`--${flag} `);
  });

  test("of no command says so", async () => {
    expect(await edgeLb(["help", "remove"])).toMatchObject({
      code: 2,
      out: "",
      err: 'edge-lb: Cannot help with "remove": no such command (USAGE); did you mean rm\n',
    });
  });
});

describe("check", () => {
  test("shows what was understood", async () => {
    const file = "clusters: { managed1: { nodes: 192.168.125.30-35, ingress: 192.168.125.36 } }";
    const ran = await edgeLb(["check", ...HUB, "--domain", "08080", "-c", "lab.yaml"], { "lab.yaml": file });
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(ran.out).toBe(
      [
        "cluster   domain          api      ingress  from",
        "managed1  managed1.08080  6 nodes  1 node   lab.yaml:1:13",
        "hub       hub.08080       3 nodes  3 nodes  --cluster hub=192.168.125.20-22",
        "no mistake found: 2 clusters",
        "",
      ].join("\n"),
    );
  });

  const open = [":50000", "0.0.0.0:50000", "203.0.113.5:50000", "[2001:db8::5]:50000"];
  test.each(open)("D6: warns of a password that crosses networks in clear, with --admin %s", async (admin) => {
    const ran = await edgeLb(["check", ...HUB, "--admin", admin, "--admin-auth", "me:secret"]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("no mistake found: 1 cluster\nwarning: the password of the status page at ");
    expect(ran.out).not.toContain("secret");
  });

  test.each(["127.0.0.1:50000", "192.168.125.1:50000", "[fd00::1]:50000", "off"])(
    "D6: does not, with --admin %s",
    async (admin) => {
      const ran = await edgeLb(["check", ...HUB, "--admin", admin, "--admin-auth", "me:secret"]);
      expect(ran.out).toEndWith("no mistake found: 1 cluster\n");
    },
  );

  test("wants a cluster", async () => {
    expect((await edgeLb(["check"])).code).toBe(2);
  });

  test("fails on a mistake", async () => {
    const ran = await edgeLb(["check", "--cluster", "hub=10.0.0.5-1"]);
    expect([ran.code, ran.out]).toEqual([2, ""]);
    expect(ran.err).toContain("a range that ends after its start wanted");
  });
});

describe("explain", () => {
  const LAB = [
    "--cluster",
    "hub=10.0.0.1-2,w.lab,domain=hub.lab,names=*.shop.lab,shop.lab,api-port=7443,allow=10.0.0.0/8",
    "--cluster",
    "m1=10.0.1.1",
  ];

  test("says rule, cluster, pool and candidates", async () => {
    const ran = await edgeLb(["explain", "https://Console.apps.hub.lab./x?y#z", ...LAB]);
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(ran.out).toBe(
      [
        "console.apps.hub.lab on https",
        "  rule       *.apps.hub.lab",
        `  cluster    hub (${LAB.slice(0, 2).join(" ")})`,
        "  allow      10.0.0.0/8",
        "  pool       https, source, 3 candidates",
        "             10.0.0.1:443",
        "             10.0.0.2:443",
        "             w.lab:443 (resolved when running)",
        "",
      ].join("\n"),
    );
  });

  test.each([
    ["api.hub.lab", ["api.hub.lab on api"], "api.hub.lab"],
    ["https://api.hub.lab:6443/readyz", ["api.hub.lab on api"], "api.hub.lab"],
    ["shop.lab", ["shop.lab on https", "shop.lab on http"], "shop.lab"],
    ["a.b.shop.lab", ["a.b.shop.lab on https", "a.b.shop.lab on http"], "*.shop.lab"],
    ["http://a.shop.lab", ["a.shop.lab on http"], "*.shop.lab"],
    ["a.shop.lab:80", ["a.shop.lab on http"], "*.shop.lab"],
    [
      "x.apps.m1.any.where",
      ["x.apps.m1.any.where on https", "x.apps.m1.any.where on http"],
      "*.apps.m1.* (no domain known yet)",
    ],
    ["api.m1.any.where", ["api.m1.any.where on api"], "api.m1.* (no domain known yet)"],
  ])("finds %s", async (target, heads, rule) => {
    const { code, out } = await edgeLb(["explain", target, ...LAB]);
    expect(code).toBe(0);
    expect(out.split("\n").filter((line) => / on (api|https?|mcs)$/.test(line))).toEqual(heads);
    expect(out).toContain(`\n  rule       ${rule}\n`);
  });

  test.each([
    ["api.hbu.lab", "api.hbu.lab: no cluster has this name on api, https, http; nearest is api.hub.lab\n"],
    ["https://api.hub.lab/", "api.hub.lab: no cluster has this name on https; nearest is *.apps.hub.lab\n"],
    [
      "zzzzzzzzzzzz.zzzzzzzzzzzzzzz",
      "zzzzzzzzzzzz.zzzzzzzzzzzzzzz: no cluster has this name on api, https, http; nothing known is near\n",
    ],
    ["x.shop.lab:9999", "x.shop.lab: nothing listens on port 9999\n"],
    ["https://10.0.0.1/", "10.0.0.1: no cluster has this name on https; nothing known is near\n"],
  ])("knows no cluster for %s", async (target, want) => {
    const { code, out, err } = await edgeLb(["explain", target, ...LAB]);
    expect([code, err]).toEqual([1, ""]);
    expect(out.split(";")[0]).toBe(want.split(";")[0] ?? "");
  });

  test("names the nearest one", async () => {
    expect((await edgeLb(["explain", "api.hbu.lab", ...LAB])).out).toContain("; nearest is api.hub.lab\n");
  });

  test("sends an address over TLS to the default cluster, but not over HTTP", async () => {
    const { code, out } = await edgeLb(["explain", "https://[fd00::1]:6443", ...LAB, "--default", "m1"]);
    expect(code).toBe(0);
    expect(out).toContain("  rule       --default, as an address carries no server name\n  cluster    m1 (");
    expect((await edgeLb(["explain", "http://10.0.0.1", ...LAB, "--default", "m1"])).code).toBe(0);
    expect((await edgeLb(["explain", "http://10.0.0.1", ...LAB])).code).toBe(1);
  });

  test.each([
    "",
    "a b",
    "ftp://x.lab",
    "https://",
    "x.lab/path",
    "https://x.lab:99999999",
    "[x.lab]",
    "a..b",
    "user@x.lab",
  ])("refuses %p", async (target) => {
    const { code, err } = await edgeLb(["explain", target, ...words("--cluster hub=10.0.0.1")]);
    expect(code).toBe(2);
    expect(err).toBe(`edge-lb: Cannot explain ${JSON.stringify(target)}: a name or an http(s) URL wanted (USAGE)\n`);
  });
});
