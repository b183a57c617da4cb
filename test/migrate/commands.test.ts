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
  use_backend hub if { req_ssl_sni -i api.hub.lab }
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
};

describe("edge-lb import", () => {
  test("prints YAML on stdout and the report on stderr", async () => {
    const { code, out, err } = await edgeLb(["import", "h.cfg"], FILES);
    expect([code, out]).toEqual([0, YAML]);
    expect(err).toContain("h.cfg:7-9: use_backend hub if { req_ssl_sni -i api.hub.lab }\n      cluster hub, pool api");
    expect(err).toEndWith("not needed: 0, carried over: 9\n");
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
    expect(out).toContain("Carried over\n");
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
    const { err } = await edgeLb(["import", "article.cfg", "--verify"], FILES);
    expect(err).toMatch(/Verified: \d+ names asked of both, 31 answered differently, 0 of them unexplained/);
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
    ["a file without routes", ["empty.cfg"], "edge-lb: empty.cfg: Cannot import: no frontend"],
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
    for (const flag of ["--format", "--out", "--domain", "--verify", "--json"]) expect(out).toContain(flag);
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
    expect([code, err]).toEqual([2, 'edge-lb: Cannot export to "traefik": haproxy or nginx wanted (USAGE)\n']);
  });

  test("ends with 2 without a cluster", async () => {
    const { code } = await edgeLb(["export", "nginx"]);
    expect(code).toBe(2);
  });
});
