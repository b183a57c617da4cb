import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { exportHaproxy } from "../../../src/migrate/export/haproxy.ts";
import { leftOut } from "../../../src/migrate/export/left-out.ts";
import { exportNginx } from "../../../src/migrate/export/nginx.ts";
import { codesOf, importText, unexplained } from "../fixtures.ts";
import { load } from "./configs.ts";

describe("exportHaproxy()", () => {
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

  test("asks of a PROXY header's client what it asks of others, and dials as that client where edge-lb does", () => {
    const limits = ["--allow", "10.0.0.0/8", "--max-connections-per-client", "5"];
    const cluster = ["--cluster", "hub=10.0.0.1,domain=hub.lab,source=client"];
    const text = exportHaproxy(load([...cluster, ...limits, "--accept-proxy", "10.0.0.5"]));
    expect(text).toContain("tcp-request connection expect-proxy layer4 if { src 10.0.0.5/32 }\n");
    expect(text).toContain("tcp-request session reject if !{ src 10.0.0.0/8 }\n");
    expect(text).toContain("tcp-request session track-sc0 src table clients\n");
    expect(text.match(/tcp-request connection/g)).toHaveLength(3);
    expect(text.match(/source 0\.0\.0\.0 usesrc clientip\n/g)).toHaveLength(3);
  });
});

const FURTHER = [
  "--cluster hub=10.0.0.1,k0s-api=10.0.0.9,k0s-api-names=*.join.lab,domain=hub.lab,names=*,balance-k0s-api=source",
  "--cluster acme=http=10.0.1.2,domain=acme.lab",
  "--listen k0s-api=127.0.0.1:19443 --default hub --default http=acme",
].flatMap((text) => text.split(" "));

describe("exports of further services and of who takes the rest", () => {
  const config = load(FURTHER);
  test.each([
    [
      "HAProxy",
      exportHaproxy(config),
      [
        "frontend k0s-api\n    bind 127.0.0.1:19443\n    timeout client 24h",
        "use_backend k0s-api_hub if { var(sess.sni) -m str api.hub.lab }",
        "use_backend k0s-api_hub if { var(sess.sni) -m end .join.lab }\n    use_backend k0s-api_hub if !{ req.ssl_sni -m found }",
        "balance source",
        "server hub-1 10.0.0.9:19443",
        "use_backend https_hub if { var(sess.sni) -m found }",
        "use_backend http_acme if !{ req.hdr(host) -m found }",
        "server acme-1 10.0.1.2:80",
      ],
    ],
    [
      "nginx",
      exportNginx(config),
      [
        "map $ssl_preread_server_name $k0s_api_pool {",
        "proxy_pass $k0s_api_pool;",
        "*.join.lab k0s-api_hub;",
        "default https_hub;",
        "server 10.0.0.9:19443 max_fails=1",
        "listen 127.0.0.1:10080 default_server;\n        server_name *.apps.hub.lab;",
        'server_name *.apps.acme.lab "";',
      ],
    ],
  ])("to %s", (_, text, wanted) => {
    for (const line of wanted) expect(text).toContain(line);
    expect(text).not.toContain("https_acme");
  });
});

describe("exportNginx()", () => {
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
        const patterns = new Set([
          "unanchored-end",
          "unanchored-start",
          "any-character",
          "no-boundary",
          "one-label",
          "substring",
          "case",
          "never-matches",
        ]);
        expect(codesOf(result, "mistake").filter((code) => patterns.has(code))).toEqual([]);
        expect(unexplained(result)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe("what is left out", () => {
  const flags = [
    "--cluster",
    "hub=10.0.0.1,domain=hub.lab,clients=10.1.0.0/16,source=client",
    "--accept-proxy",
    "10.0.0.5",
  ];

  test("is told in the file and apart", () => {
    const config = load(flags);
    expect(leftOut(config, "haproxy")).toEqual([expect.stringContaining("clients= of hub is left out")]);
    expect(leftOut(config, "nginx")).toEqual([
      expect.stringContaining("clients= of hub is left out"),
      expect.stringContaining("accept-proxy is left out"),
      expect.stringContaining("source=client of hub is left out"),
    ]);
    for (const [text, target] of [
      [exportHaproxy(config), "haproxy"],
      [exportNginx(config), "nginx"],
    ] as const)
      for (const note of leftOut(config, target)) expect(text).toContain(`# ${note}`);
  });

  test("is not what says no name: that goes to the default", () => {
    const config = load(["--cluster", "hub=10.0.0.1,domain=hub.lab", "--default", "hub"]);
    expect(exportHaproxy(config)).toContain(
      "use_backend api_hub if { var(sess.sni) -m str localhost kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local }",
    );
    expect(exportNginx(config)).toContain("kubernetes.default.svc api_hub;");
    const rest = load(["--cluster", "hub=10.0.0.1,domain=hub.lab,api-names=*", "--default", "hub"]);
    expect(exportNginx(rest)).not.toContain("kubernetes.default.svc api_hub;");
  });
});
