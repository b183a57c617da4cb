import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import type { Config } from "../../../src/config/model.ts";
import { exportHaproxy } from "../../../src/migrate/export/haproxy.ts";
import { exportNginx } from "../../../src/migrate/export/nginx.ts";
import { command } from "../../support/command.ts";
import { codesOf, importText, loadFlags, unexplained } from "../fixtures.ts";

const LISTEN = [
  "--listen",
  "api=127.0.0.1:16443",
  "--listen",
  "https=127.0.0.1:10443",
  "--listen",
  "http=127.0.0.1:10080",
];

const CONFIGS: readonly (readonly [string, readonly string[]])[] = [
  ["one cluster", ["--cluster", "hub=192.168.125.20-25", "--domain", "lab"]],
  [
    "roles, names and a default",
    [
      "--cluster",
      "hub=10.0.0.1-3,ingress=10.0.0.4-5,domain=hub.lab,names=*.shop.lab,shop.lab,api-names=k8s.lab",
      "--default",
      "hub",
    ],
  ],
  ["no domain", ["--cluster", "hub=10.0.0.1", "--cluster", "dev=10.0.0.2"]],
  [
    "limits and clients",
    [
      "--cluster",
      "hub=10.0.0.1,domain=hub.lab,allow=10.0.0.0/8,max-connections=9",
      "--allow",
      "10.0.0.0/8,fd00::/8",
      "--max-connections",
      "100",
      "--max-connections-per-client",
      "5",
      "--trusted-proxies",
      "10.1.0.0/16",
    ],
  ],
  [
    "policies and checks",
    [
      "--cluster",
      "a=10.0.0.1,domain=a.lab,balance-https=host,balance-http=roundrobin,check=tcp",
      "--cluster",
      "b=10.0.0.2,domain=b.lab,check=tls,balance-api=source",
      "--cluster",
      "c=10.0.0.3,domain=c.lab,check=off",
    ],
  ],
  ["IPv6 and host names", ["--cluster", "six=[fd00::1],localhost,domain=six.lab", "--listen", "http=[::1]:10081"]],
  [
    "a redirect and no end of silence",
    ["--cluster", "r=10.0.0.1,domain=r.lab,redirect-https=on", "--timeout", "api-idle=0s"],
  ],
  ["https alone", ["--cluster", "x=10.0.0.1,domain=x.lab", "--listen", "api=off", "--listen", "http=off"]],
];

function load(words: readonly string[]): Config {
  return loadFlags(words.includes("api=off") ? words : [...LISTEN, ...words]);
}

async function check(
  text: string,
  argv: (path: string, folder: string) => readonly string[],
): Promise<readonly [number, string]> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-export-"));
  try {
    const path = join(folder, "exported");
    writeFileSync(path, text);
    const { code, err } = await command(argv(path, folder));
    return [code, code === 0 ? "" : err];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("exportHaproxy()", () => {
  test.each(CONFIGS)("is accepted by HAProxy: %s", async (_, words) => {
    expect(await check(exportHaproxy(load(words)), (path) => ["haproxy", "-c", "-f", path])).toEqual([0, ""]);
  });

  test("anchors names, waits for the hello, probes readiness, keeps silent tunnels, logs the name", () => {
    const text = exportHaproxy(load(["--cluster", "hub=10.0.0.1-2,domain=hub.lab"]));
    for (const line of [
      "use_backend https_hub if { var(sess.sni) -m end .apps.hub.lab }",
      "use_backend api_hub if { var(sess.sni) -m str api.hub.lab }",
      "tcp-request inspect-delay 5s",
      "http-check send meth GET uri /readyz",
      "http-check send meth GET uri /healthz/ready",
      "timeout tunnel 24h",
      "sni=%[var(sess.sni)]",
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toMatch(/ssl-hello-chk|http-send-name-header|-m sub|-m beg/);
  });
});

describe("exportNginx()", () => {
  test.each(CONFIGS)("is accepted by nginx: %s", async (_, words) => {
    const text = exportNginx(load(words));
    expect(await check(text, (path, folder) => ["nginx", "-t", "-q", "-c", path, "-g", `pid ${folder}/pid;`])).toEqual([
      0,
      "",
    ]);
  });

  test("prefers exact names, then the longest suffix, and keeps silent tunnels", () => {
    const text = exportNginx(load(["--cluster", "hub=10.0.0.1-2,domain=hub.lab"]));
    for (const line of [
      "hostnames;",
      "*.apps.hub.lab https_hub;",
      "api.hub.lab api_hub;",
      "proxy_timeout 86400000ms;",
      "ssl_preread on;",
    ]) {
      expect(text).toContain(line);
    }
  });
});

describe("exportHaproxy() and back", () => {
  const name = fc.constantFrom("hub", "m1", "dev", "blue");
  const cluster = fc.record({
    name,
    domain: fc.constantFrom("", "lab", "corp.example"),
    ingress: fc.boolean(),
    names: fc.subarray(["*.NAME.shop.example", "NAME.shop.example", "www.NAME.example"]),
  });
  const clusters = fc.uniqueArray(cluster, { minLength: 1, maxLength: 4, selector: (one) => one.name });

  test("imports without a mistake in a pattern, and every name goes where it went", () => {
    fc.assert(
      fc.property(clusters, fc.boolean(), (many, withDefault) => {
        const words = many.flatMap(({ name: label, domain, ingress, names }, index) => {
          const keys = [`10.${index}.0.1-3`];
          if (ingress) keys.push(`ingress=10.${index}.1.1-2`);
          if (domain !== "") keys.push(`domain=${label}.${domain}`);
          if (names.length > 0) keys.push(`names=${names.map((text) => text.replaceAll("NAME", label)).join(",")}`);
          return ["--cluster", `${label}=${keys.join(",")}`];
        });
        const config = load(withDefault ? [...words, "--default", many[0]?.name ?? ""] : words);
        const result = importText(exportHaproxy(config));
        const patterns = [
          "unanchored-end",
          "unanchored-start",
          "any-character",
          "no-boundary",
          "one-label",
          "substring",
          "case",
          "never-matches",
        ];
        expect(codesOf(result, "mistake").filter((code) => patterns.includes(code))).toEqual([]);
        expect(unexplained(result)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
