/** `edge-lb import` and `edge-lb export`, as typed. */
import { describe, expect, test } from "bun:test";
import { readFixture } from "./fixtures.ts";
import { edgeLb } from "../cli/running.ts";

const SOURCE = `defaults
  mode tcp
frontend apis
  bind :6443
  tcp-request inspect-delay 5s
  tcp-request content accept if { req_ssl_hello_type 1 }
  use_backend hub if { req_ssl_sni -i api.hub.lab api-int.hub.lab }
backend hub
  server m0 10.0.0.1:6443 check
`;
const YAML = `# Written by edge-lb import from h.cfg
listen: { https: off, http: off }
clusters:
  hub:
    domain: hub.lab
    api: 10.0.0.1
`;
const FILES = {
  "h.cfg": SOURCE,
  "bad.cfg": 'frontend "x\n',
  "lost.cfg": `${SOURCE}  cookie X insert\n`,
  "empty.cfg": "global\n daemon\n",
  "article.cfg": readFixture("article.cfg"),
  "nameless.cfg": "listen k\n mode tcp\n bind :6443\n server m 10.0.0.1:6443 check\n",
  "loop.cfg": "listen k\n mode tcp\n bind :6443\n server m 127.0.0.1:6443\n",
  "two.cfg":
    "listen one\n mode tcp\n bind 10.0.0.1:6443\n server m 10.1.0.1:6443\nlisten two\n mode tcp\n bind 10.0.0.2:6443\n server m 10.2.0.1:6443\n",
  "log.cfg": `global\n log 127.0.0.1 local2\n${SOURCE}`,
  "dead.cfg":
    "defaults\n mode tcp\nfrontend kas\n bind :6443\n default_backend no-match\nfrontend other\n bind :8443\n default_backend no-match\nbackend no-match\n tcp-request content reject\n",
};

describe("edge-lb import", () => {
  test("prints YAML on stdout and the report on stderr", async () => {
    const { code, out, err } = await edgeLb(["import", "h.cfg"], FILES);
    expect([code, out]).toEqual([0, YAML]);
    expect(err).toStartWith("Next\n  write it to a file: edge-lb import h.cfg --out edge-lb.yaml\n");
    expect(err).not.toContain("Carried over\n");
    expect(err).toEndWith("not needed: 0, carried over: 9\n");
  });

  test("reports what was carried over on request", async () => {
    const { err } = await edgeLb(["import", "h.cfg", "--verbose"], FILES);
    expect(err).toContain(
      "h.cfg:7-9: use_backend hub if { req_ssl_sni -i api.hub.lab api-int.hub.lab }\n      cluster hub, pool api",
    );
  });

  test("serving what the source refuses is a difference for whoever asks for the proof", async () => {
    const files = { "h.cfg": SOURCE.replace(" api-int.hub.lab", "") };
    const quiet = await edgeLb(["import", "h.cfg"], files);
    const told = await edgeLb(["import", "h.cfg", "--verify"], files);
    expect([quiet.code, told.code]).toEqual([0, 3]);
    expect(quiet.err).toMatch(/\nOf \d+ names asked of both, \d+ are answered differently: --verify lists them\n/);
    expect(told.err).toContain("api-int.hub.lab: refused -> cluster hub (line 7, domain)");
  });

  test("ends with 3 where a name is led elsewhere, asked for the proof or not", async () => {
    const rest = "  default_backend rest\nbackend rest\n  server r 10.0.0.9:6443\nbackend hub\n";
    const files = { "h.cfg": SOURCE.replace(" api-int.hub.lab", "").replace("backend hub\n", rest) };
    const quiet = await edgeLb(["import", "h.cfg"], files);
    const told = await edgeLb(["import", "h.cfg", "--verify"], files);
    expect([quiet.code, told.code]).toEqual([3, 3]);
    expect(told.err).toContain("api-int.hub.lab: rest by default -> cluster hub (line 7, domain)");
  });

  test("prints flags", async () => {
    const { out } = await edgeLb(["import", "h.cfg", "--format", "flags"], FILES);
    expect(out).toBe(
      "edge-lb \\\n  --listen https=off \\\n  --listen http=off \\\n  --cluster hub=domain=hub.lab,api=10.0.0.1\n",
    );
  });

  test("writes to a file, the report then goes to stdout", async () => {
    const { code, out, err, written } = await edgeLb(["import", "h.cfg", "--out=edge-lb.yaml"], FILES);
    expect([code, err, written]).toEqual([0, "", { "edge-lb.yaml": YAML }]);
    expect(out).toStartWith("Next\n  look at names, ports and nodes: edge-lb check --live --config edge-lb.yaml\n");
  });

  test("writes over a file only when told to", async () => {
    const files = { ...FILES, "edge-lb.yaml": "mine: true\n" };
    const refused = await edgeLb(["import", "h.cfg", "--out", "edge-lb.yaml"], files);
    expect([refused.code, refused.written]).toEqual([2, {}]);
    expect(refused.err).toBe(
      'edge-lb: --out: Cannot write "edge-lb.yaml": there is a file already (USAGE); add --force to write over it\n',
    );
    const { code, written } = await edgeLb(["import", "h.cfg", "--out", "edge-lb.yaml", "--force"], files);
    expect([code, written]).toEqual([0, { "edge-lb.yaml": YAML }]);
  });

  test("writes over the source itself not even when told to", async () => {
    const { code, err, written } = await edgeLb(["import", "h.cfg", "--out", "./h.cfg", "--force"], FILES);
    expect([code, written]).toEqual([2, {}]);
    expect(err).toContain('Cannot write "./h.cfg": it is the file that is imported');
  });

  test.each([
    ["a listener that leads to itself", "loop.cfg", "line 4: 127.0.0.1:6443 is the listener itself"],
    [
      "clusters that an address tells apart",
      "two.cfg",
      "cluster one is told by the address of its listener in the source, and takes no name of api yet",
    ],
    ["a cluster that takes every name", "nameless.cfg", "cluster k takes every name, as in the source"],
  ] as const)("says next what to do about %s", async (_, file, text) => {
    const { err } = await edgeLb(["import", file], FILES);
    expect(err.slice(0, err.indexOf("\n\n"))).toContain(text);
  });

  test("asks no cluster for a domain that --domain gave it", async () => {
    const { err } = await edgeLb(["import", "two.cfg", "--domain", "one=hub.lab"], FILES);
    expect([err.includes("--domain one="), err.includes("--domain two=DOMAIN")]).toEqual([false, true]);
  });

  test.each([
    ["the one cluster without names", "nameless.cfg", ["--domain", "hub.lab"], 0, "domain: hub.lab"],
    ["a cluster by its name", "two.cfg", ["--domain", "one=hub.lab"], 3, "one:\n    domain: hub.lab"],
  ] as const)("gives a domain to %s", async (_, file, args, exit, text) => {
    const { code, out } = await edgeLb(["import", file, ...args], FILES);
    expect([code, out.includes(text)]).toEqual([exit, true]);
  });

  test.each([
    [
      "two clusters have no names",
      "two.cfg",
      ["--domain", "x.lab"],
      "2 clusters have no names (one, two); say whose it is: --domain one=x.lab",
    ],
    ["there is no such cluster", "two.cfg", ["--domain", "three=x.lab"], "there is no cluster three, only one, two"],
    ["the file tells all names", "h.cfg", ["--domain", "x.lab"], "the source tells the names of every cluster"],
  ] as const)("says that a domain was not used where %s, and ends with 3", async (_, file, args, why) => {
    const { code, err } = await edgeLb(["import", file, ...args], FILES);
    expect([code, err.split("\n")[1]]).toEqual([3, `  --domain x.lab was not used: ${why}`]);
  });

  test.each([
    ["nobody reads it", [], "", "nothing on this machine reads syslog://127.0.0.1:514?facility=local2"],
    ["somebody reads it", ["--keep-log"], "log-to", ""],
  ] as const)("takes over a local syslog when %s", async (_, args, inYaml, inReport) => {
    const { out, err } = await edgeLb(["import", "log.cfg", ...args], FILES);
    expect([out.includes("log-to"), out.includes(inYaml), err.includes(inReport)]).toEqual([inYaml !== "", true, true]);
  });

  test("takes over a local syslog that somebody reads", async () => {
    const table = "  sl  local_address rem_address\n  1: 0100007F:0202 00000000:0000 07\n";
    const { out } = await edgeLb(["import", "log.cfg"], { ...FILES, "/proc/net/udp": table });
    expect(out).toContain('log-to: "syslog://127.0.0.1:514?facility=local2"');
  });

  test("reports as JSON", async () => {
    const { code, out, err } = await edgeLb(["import", "h.cfg", "--json", "--verify"], FILES);
    const report: unknown = JSON.parse(out);
    expect([code, err]).toEqual([0, ""]);
    expect(report).toMatchObject({ version: 1, file: "h.cfg", config: YAML, counts: { cannot: 0 } });
    expect(report).toHaveProperty("verification.asked");
    expect(report).toHaveProperty("notes.0.class");
  });

  test("proves the article's routes", async () => {
    const { code, err } = await edgeLb(["import", "article.cfg", "--verify"], FILES);
    expect(code).toBe(3);
    expect(err).toMatch(/Verified: \d+ names asked of both, \d+ answered differently, 0 of them unexplained/);
    expect(err.split("\nVerified")[1]?.split("\n").length).toBeLessThan(20);
    expect(err).toContain(
      "www.apps.hub.linuxera.lab.evil.example: be_ingress_hub_80 -> refused (line 49, unanchored-end)",
    );
  });

  test("ends with 3 when something cannot be carried over", async () => {
    const { code, err } = await edgeLb(["import", "lost.cfg"], FILES);
    expect(code).toBe(3);
    expect(err).toContain("Cannot be carried over\n  lost.cfg:10: cookie X insert\n");
  });

  test.each([
    ["a broken file", ["bad.cfg"], 'edge-lb: bad.cfg:1: Cannot read the HAProxy configuration: a " is opened'],
    ["a missing file", ["nope.cfg"], 'edge-lb: nope.cfg: Cannot read "nope.cfg": there is no such file'],
    [
      "a file without routes",
      ["empty.cfg"],
      "edge-lb: empty.cfg: Cannot import: nothing to import: no frontend with an address found",
    ],
    [
      "frontends that lead nowhere",
      ["dead.cfg"],
      "edge-lb: dead.cfg: Cannot import: nothing to import: no frontend leads to a cluster's servers (kas, other: default_backend no-match has none that edge-lb can use) (CONFIG_UNREADABLE)",
    ],
    ["no file", [], "edge-lb: import: Cannot run import: no argument found, <FILE|-> wanted (USAGE)"],
    ["two files", ["h.cfg", "h.cfg"], 'edge-lb: Cannot use "h.cfg": not expected (USAGE)'],
    ["an unknown flag", ["h.cfg", "--frob"], "edge-lb: --frob: Cannot use this flag: not known (USAGE)"],
    [
      "an unknown format",
      ["h.cfg", "--format", "xml"],
      'edge-lb: Cannot use --format: "xml" found, yaml or flags wanted',
    ],
    ["a bad domain", ["h.cfg", "--domain", "a..b"], 'edge-lb: Cannot use --domain: "a..b" found'],
    ["a path that cannot be written", ["h.cfg", "--out", "/nope/x"], 'edge-lb: --out: Cannot write "/nope/x": ENOENT'],
  ])("ends with 2 at %s", async (_, args, line) => {
    const { code, err } = await edgeLb(["import", ...args], FILES);
    expect(code).toBe(2);
    expect(err).toStartWith(line);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });

  test("shows its options", async () => {
    const { code, out } = await edgeLb(["import", "--help"]);
    expect(code).toBe(0);
    for (const flag of ["--format", "--out", "--domain", "--verify", "--verbose", "--force", "--keep-log", "--json"])
      expect(out).toContain(flag);
  });
});

describe("edge-lb export", () => {
  test.each([
    ["haproxy", "use_backend https_hub if { var(sess.sni) -m end .apps.hub.lab }"],
    ["nginx", "*.apps.hub.lab https_hub;"],
  ])("writes a configuration for %s", async (target, line) => {
    const { code, out, err } = await edgeLb(["export", target, "--cluster", "hub=10.0.0.1", "--domain", "lab"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(line);
  });

  test("ends with 2 for another program", async () => {
    const { code, err } = await edgeLb(["export", "traefik", "--cluster", "hub=10.0.0.1"]);
    expect([code, err]).toEqual([
      2,
      'edge-lb: Cannot export to "traefik": haproxy, nginx, keepalived or gateway-api wanted (USAGE)\n',
    ]);
  });

  test("ends with 2 without a cluster", async () => {
    const { code } = await edgeLb(["export", "nginx"]);
    expect(code).toBe(2);
  });
});
