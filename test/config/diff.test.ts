import { describe, expect, test } from "bun:test";
import { CLUSTER_KEYS } from "../../src/config/options/cluster-options.ts";
import { diffConfig } from "../../src/config/diff.ts";
import type { Config } from "../../src/config/model.ts";
import { TOP_OPTIONS } from "../../src/config/options/options.ts";
import { load } from "./loading.ts";

const BEFORE = load([
  ["cluster", "hub=10.0.0.1-3"],
  ["cluster", "m1=10.0.0.9"],
]);

function diff(...flags: [string, string][]): ReturnType<typeof diffConfig> {
  return diffConfig(BEFORE, load([["cluster", "hub=10.0.0.1-3"], ["cluster", "m1=10.0.0.9"], ...flags]));
}

describe("diffConfig()", () => {
  test("says nothing when nothing changed", () => {
    expect(diff()).toEqual({ changes: [], needsRestart: [] });
  });

  test.each([
    ["default", "hub", "default: none -> hub"],
    ["allow", "10.0.0.0/8", "allow: everyone -> 10.0.0.0/8"],
    ["accept-proxy", "10.0.0.1", "accept-proxy: none -> 10.0.0.1/32"],
    ["trusted-proxies", "10.0.0.1,10.0.0.2", "trusted-proxies: none -> 10.0.0.1/32,10.0.0.2/32"],
    ["max-connections", "10", "max-connections: auto -> 10"],
    ["max-connections-per-client", "10", "max-connections-per-client: off -> 10"],
    ["timeout", "api-idle=0s", "timeouts.api-idle: 24h -> 0s"],
    ["timeout", "hello=5500ms", "timeouts.hello: 5s -> 5500ms"],
    ["domain", "lab", "cluster hub: domain unknown -> hub.lab"],
    ["rise", "5", "cluster hub: rise 3 -> 5"],
    ["fall", "5", "cluster hub: fall 2 -> 5"],
    ["interval", "9s", "cluster hub: interval 5s -> 9s"],
  ])("says what --%s %s changes at once", (flag, text, want) => {
    const { changes, needsRestart } = diff([flag, text]);
    expect(changes[0]).toBe(want);
    expect(needsRestart).toEqual([]);
  });

  test.each([
    ["listen", "http=:8080", "listen.http: :80 -> :8080"],
    ["listen", "api=off", "listen.api: :6443 -> off"],
    ["workers", "2", "workers: 4 -> 2"],
    ["engine", "node", "engine: auto -> node"],
    ["log", "json", "log: text -> json"],
    ["access-log", "off", "access-log: on -> off"],
  ])("says that --%s %s waits for a restart", (flag, text, want) => {
    expect(diff([flag, text])).toEqual({ changes: [], needsRestart: [want] });
  });

  test("says which clusters and nodes come and go", () => {
    const after = load([
      ["cluster", "hub=10.0.0.2-4,api=10.0.0.2"],
      ["cluster", "m2=10.0.0.9"],
    ]);
    expect(diffConfig(BEFORE, after).changes).toEqual([
      "cluster m1 removed",
      "cluster hub: nodes +10.0.0.4 -10.0.0.1",
      "cluster hub: api +10.0.0.2",
      "cluster m2 added",
    ]);
    expect(diffConfig(after, BEFORE).changes).toContain("cluster hub: api -10.0.0.2 (now from nodes)");
  });

  const CHANGED = {
    domain: "x.lab",
    names: "a.lab",
    "api-names": "b.lab",
    "api-port": "1",
    "https-port": "2",
    "http-port": "3",
    "mcs-port": "5",
    "ready-port": "4",
    "send-proxy": "v2",
    "balance-api": "host",
    "balance-https": "host",
    "balance-http": "source",
    check: "tcp",
    rise: "9",
    fall: "9",
    interval: "9s",
    allow: "10.0.0.0/8",
    "max-connections": "9",
    source: "client",
    "all-down": "refuse",
    wake: "/opt/wake",
    sleep: "/opt/sleep",
    "sleep-after": "1h",
    ttl: "4h",
    until: "2100-01-01T00:00:00Z",
    "redirect-https": "on",
    nodes: "10.0.0.8",
    api: "10.0.0.8",
    ingress: "10.0.0.8",
    https: "10.0.0.8",
    http: "10.0.0.8",
    mcs: "10.0.0.8",
    "balance-mcs": "source",
    clients: "10.0.0.0/8",
  } as const;

  test.each(Object.entries(CHANGED))("sees a changed %s of a cluster", (key, text) => {
    const { changes } = diffConfig(
      load([["cluster", "hub=10.0.0.1"]]),
      load([["cluster", `hub=10.0.0.1,${key}=${text}`]]),
    );
    expect(changes.length).toBe(1);
    expect(changes[0]).toStartWith(`cluster hub: ${key} `);
  });

  test("sees every available key", () => {
    const unseen = [...CLUSTER_KEYS].filter(([key]) => !(key in CHANGED)).map(([key]) => key);
    expect(unseen).toEqual([]);
  });

  test("sees what needs a restart, and never shows a password", () => {
    const after: Config = {
      ...BEFORE,
      admin: { ip: "127.0.0.1", port: 50_001 },
      adminAuth: { user: "admin", password: "hunter2" },
      control: "/run/x.sock",
      logTo: { kind: "file", path: "/var/log/x" },
      listen: { ...BEFORE.listen, mcs: [{ ip: "10.0.0.1", port: 22_623 }] },
      clusters: BEFORE.clusters.map((cluster) => ({ ...cluster, sendProxy: 2, ports: { ...cluster.ports, mcs: 1 } })),
    };
    const { changes, needsRestart } = diffConfig(BEFORE, after);
    expect(needsRestart).toEqual([
      "admin: 127.0.0.1:50000 -> 127.0.0.1:50001",
      "admin-auth changed",
      "control: /run/edge-lb.sock -> /run/x.sock",
      "log-to: stderr -> /var/log/x",
      "listen.mcs: off -> 10.0.0.1:22623",
    ]);
    expect(changes).toContain("cluster hub: send-proxy off -> v2");
    expect(changes).toContain("cluster hub: mcs-port 22623 -> 1");
  });

  test("says of every option in the table whether it reloads", () => {
    const restart = TOP_OPTIONS.filter((option) => !option.reload).map((option) => option.flag);
    expect([...new Set(restart)]).toEqual([
      "config",
      "listen",
      "admin",
      "admin-auth",
      "control",
      "dns",
      "engine",
      "ring",
      "workers",
      "user",
      "log",
      "log-to",
      "access-log",
    ]);
  });
});
