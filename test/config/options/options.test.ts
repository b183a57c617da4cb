import { describe, expect, test } from "bun:test";
import { cidrText } from "../../../src/config/values/addresses.ts";
import { CLUSTER, CLUSTER_KEYS } from "../../../src/config/options/cluster-options.ts";
import type { ClusterConfig, Config } from "../../../src/config/model.ts";
import { optionsOf } from "../../../src/config/options/option-group.ts";
import { BASE, COMMAND_LINE, GLOBAL, SETTINGS as GROUPS, TOP_OPTIONS } from "../../../src/config/options/options.ts";
import { LISTEN } from "../../../src/config/options/service-options.ts";
import { SERVICE_CONTROL_PATH } from "../../../src/config/options/control-path.ts";
import { LIMITS, TIMEOUTS } from "../../../src/config/options/timeouts.ts";
import { labelOf, resolveOption, type Option } from "../../../src/config/options/option.ts";
import { Problems } from "../../../src/config/values/text.ts";
import { SERVICES } from "../../../src/seam/services.ts";
import { load, MACHINE, mistakes } from "../loading.ts";
import { schemaFaults } from "./schema-faults.ts";

const HUB = ["cluster", "hub=10.0.0.1"] as const;

/** Each setting: the option, a good text, what it becomes, a bad text and its line after "Cannot use ". */
const SETTINGS: readonly [Option<unknown>, string, (config: Config) => unknown, unknown, string, string][] = [
  [
    BASE.domain,
    "Linuxera.lab.",
    (c) => c.clusters[0]?.domain,
    "hub.linuxera.lab",
    "a..b",
    'domain: "a..b" found, a DNS name such as linuxera.lab wanted',
  ],
  [
    BASE.domain,
    "08080",
    (c) => c.clusters[0]?.domain,
    "hub.08080",
    "-",
    'domain: "-" found, a DNS name such as linuxera.lab wanted',
  ],
  [
    GLOBAL.defaultCluster,
    "hub",
    (c) => c.defaultCluster,
    "hub",
    "hbu",
    'default "hbu": the name of a cluster wanted (CONFIG_INVALID); did you mean hub',
  ],
  [
    GLOBAL.allow,
    "10.0.0.0/8,fd00::1",
    (c) => c.allow.map(cidrText),
    ["10.0.0.0/8", "fd00::1/128"],
    "10.0.0.0/40",
    'allow: "10.0.0.0/40" found, a prefix from 0 to 32 wanted',
  ],
  [
    GLOBAL.acceptProxy,
    "10.1.1.1,fd00::/8",
    (c) => c.acceptProxy.map(cidrText),
    ["10.1.1.1/32", "fd00::/8"],
    "all",
    'accept-proxy: "all" found, an address or a range such as 10.0.0.0/8 wanted',
  ],
  [
    GLOBAL.trustedProxies,
    "10.1.1.1",
    (c) => c.trustedProxies.map(cidrText),
    ["10.1.1.1/32"],
    "proxy.lab",
    'trusted-proxies: "proxy.lab" found, an address or a range such as 10.0.0.0/8 wanted',
  ],
  [GLOBAL.forwarded, "on", (c) => c.forwarded, true, "maybe", 'forwarded: "maybe" found, on or off wanted'],
  [
    GLOBAL.maxConnections,
    "5000",
    (c) => c.maxConnections,
    5000,
    "0",
    'max-connections: "0" found, a whole number from 1 to 10000000 or auto wanted',
  ],
  [
    GLOBAL.maxConnections,
    "auto",
    (c) => c.maxConnections,
    0,
    "many",
    'max-connections: "many" found, a whole number from 1 to 10000000 or auto wanted',
  ],
  [
    GLOBAL.maxConnectionsPerClient,
    "50",
    (c) => c.maxConnectionsPerClient,
    50,
    "-1",
    'max-connections-per-client: "-1" found, a whole number from 1 to 10000000 or off wanted',
  ],
  [BASE.rise, "5", (c) => c.clusters[0]?.rise, 5, "0", 'rise: "0" found, a whole number from 1 to 100 wanted'],
  [BASE.fall, "4", (c) => c.clusters[0]?.fall, 4, "101", 'fall: "101" found, a whole number from 1 to 100 wanted'],
  [
    BASE.intervalMs,
    "10s",
    (c) => c.clusters[0]?.intervalMs,
    10_000,
    "50ms",
    'interval: "50ms" found, 100ms to 576h wanted',
  ],
  [GLOBAL.engine, "node", (c) => c.engine, "node", "deno", 'engine: "deno" found, auto, linux, bun or node wanted'],
  [GLOBAL.ring, "off", (c) => c.ring, "off", "on", 'ring: "on" found, auto or off wanted'],
  [GLOBAL.workers, "3", (c) => c.workers, 3, "65", 'workers: "65" found, a whole number from 1 to 64 wanted'],
  [GLOBAL.user, "nobody", (c) => c.user, "nobody", "No Body", 'user: "No Body" found, the name of a user wanted'],
  [GLOBAL.log, "json", (c) => c.log, "json", "xml", 'log: "xml" found, text, json or haproxy wanted'],
  [
    GLOBAL.logTo,
    "/var/log/edge-lb.log",
    (c) => c.logTo,
    { kind: "file", path: "/var/log/edge-lb.log" },
    "http://x",
    'log-to: "http://x" found, stderr, a file\'s path, syslog://HOST:PORT?facility=local2 or unix:PATH wanted',
  ],
  [GLOBAL.accessLog, "off", (c) => c.accessLog, false, "2", 'access-log: "2" found, on or off wanted'],
  [
    GLOBAL.admin,
    "127.0.0.1:50001",
    (c) => c.admin,
    { ip: "127.0.0.1", port: 50_001 },
    ":50000",
    "admin: :50000 can be reached from outside, a password wanted",
  ],
  [GLOBAL.control, "off", (c) => c.control, null, "x.sock", 'control: "x.sock" found, an absolute path or off wanted'],
  [
    LISTEN.api,
    "127.0.0.1:7443,[::1]:7443",
    (c) => c.listen.api,
    [
      { ip: "127.0.0.1", port: 7443 },
      { ip: "::1", port: 7443 },
    ],
    "7443",
    'listen.api: "7443" found, :PORT, ADDRESS:PORT or [IPv6]:PORT wanted (CONFIG_INVALID); write :7443',
  ],
  [
    LISTEN.https,
    "off",
    (c) => c.listen.https,
    [],
    "lab:443",
    'listen.https: "lab:443" found, an address of this machine, not a name wanted',
  ],
  [
    LISTEN.http,
    ":8080",
    (c) => c.listen.http,
    [{ ip: "", port: 8080 }],
    "off,:80",
    'listen.http: "off" found, :PORT, ADDRESS:PORT or [IPv6]:PORT wanted',
  ],
  [
    LISTEN.mcs,
    "10.0.0.1:22623",
    (c) => c.listen.mcs,
    [{ ip: "10.0.0.1", port: 22_623 }],
    "192.0.2.1:22623",
    'listen.mcs: "192.0.2.1:22623" found, a private, link-local or loopback address wanted',
  ],
  [
    LIMITS.httpLine,
    "9000",
    (c) => c.limits.httpLine,
    9_000,
    "9",
    'limits.http-line: "9" found, a whole number from 256 to 65536 wanted',
  ],
  [
    LIMITS.httpHead,
    "9000",
    (c) => c.limits.httpHead,
    9_000,
    "9",
    'limits.http-head: "9" found, a whole number from 1024 to 1048576 wanted',
  ],
  [
    LIMITS.httpFields,
    "64",
    (c) => c.limits.httpFields,
    64,
    "7",
    'limits.http-fields: "7" found, a whole number from 8 to 1024 wanted',
  ],
  [TIMEOUTS.hello, "6s", (c) => c.timeouts.hello, 6000, "0s", 'timeouts.hello: "0s" found, 1ms to 576h wanted'],
  [
    TIMEOUTS.connect,
    "4s",
    (c) => c.timeouts.connect,
    4000,
    "3",
    'timeouts.connect: "3" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.dialTotal,
    "9s",
    (c) => c.timeouts.dialTotal,
    9000,
    "x",
    'timeouts.dial-total: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.httpHead,
    "11s",
    (c) => c.timeouts.httpHead,
    11_000,
    "x",
    'timeouts.http-head: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.httpBody,
    "12s",
    (c) => c.timeouts.httpBody,
    12_000,
    "x",
    'timeouts.http-body: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.keepAlive,
    "2m",
    (c) => c.timeouts.keepAlive,
    120_000,
    "x",
    'timeouts.keep-alive: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.apiIdle,
    "0s",
    (c) => c.timeouts.apiIdle,
    0,
    "x",
    'timeouts.api-idle: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.ingressIdle,
    "2h",
    (c) => c.timeouts.ingressIdle,
    7_200_000,
    "x",
    'timeouts.ingress-idle: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.halfClosed,
    "31s",
    (c) => c.timeouts.halfClosed,
    31_000,
    "x",
    'timeouts.half-closed: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.shutdownDelay,
    "3s",
    (c) => c.timeouts.shutdownDelay,
    3_000,
    "x",
    'timeouts.shutdown-delay: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.drain,
    "32s",
    (c) => c.timeouts.drain,
    32_000,
    "x",
    'timeouts.drain: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.wake,
    "20s",
    (c) => c.timeouts.wake,
    20_000,
    "x",
    'timeouts.wake: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.linger,
    "500ms",
    (c) => c.timeouts.linger,
    500,
    "x",
    'timeouts.linger: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    GLOBAL.discover,
    "net:192.168.125.0/24,libvirt",
    (c) => c.discover,
    [
      { kind: "net", place: "192.168.125.0/24", ports: {}, fingerprint: null },
      { kind: "libvirt", place: "", ports: {}, fingerprint: null },
    ],
    "lan",
    'discover: "lan" found, net:CIDR, libvirt[:URI], proxmox:https://HOST:8006 or kubeconfig:FILE wanted',
  ],
  [
    GLOBAL.dns,
    "192.168.125.1:53,[::1]:5353",
    (c) => c.dns,
    [
      { ip: "192.168.125.1", port: 53 },
      { ip: "::1", port: 5353 },
    ],
    "53",
    'dns: "53" found, :PORT, ADDRESS:PORT or [IPv6]:PORT wanted',
  ],
  [
    GLOBAL.dnsAnswer,
    "192.168.125.1,fd00::1",
    (c) => c.dnsAnswer,
    ["192.168.125.1", "fd00::1"],
    "x",
    'dns-answer: "x" found, an IPv4 or IPv6 address wanted',
  ],
  [
    TIMEOUTS.gone,
    "1h",
    (c) => c.timeouts.gone,
    3_600_000,
    "x",
    'timeouts.gone: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    TIMEOUTS.probe,
    "3s",
    (c) => c.timeouts.probe,
    3000,
    "x",
    'timeouts.probe: "x" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
];

function flagOf(option: Option<unknown>, text: string): readonly [string, string] {
  return [option.flag, option.item === null ? text : `${option.item}=${text}`];
}

function yamlOf(option: Option<unknown>, text: string): string {
  const [first = "", second] = (option.yaml ?? "").split(".");
  const value = JSON.stringify(text);
  return second === undefined ? `${first}: ${value}\n` : `${first}: { ${second}: ${value} }\n`;
}

/** The message without its place. */
function tail(line: string | undefined, from = "Cannot use "): string {
  return (line ?? "").slice((line ?? "").indexOf(from) + from.length);
}

describe("the option table", () => {
  test.each(
    SETTINGS.map(([option, text, get, want]) => [`${labelOf(option)} ${text}`, option, text, get, want] as const),
  )("reads %s from a flag and from the file alike", (_, option, text, get, want) => {
    expect(get(load([HUB, flagOf(option, text)]))).toEqual(want);
    expect(get(load([HUB], yamlOf(option, text)))).toEqual(want);
  });

  test.each(SETTINGS.map((option) => [`${labelOf(option[0])} ${option[4]}`, option[0], option[4], option[5]] as const))(
    "refuses %s in one line that says what is wanted",
    (_, option, text, message) => {
      const [line, ...more] = mistakes([HUB, flagOf(option, text)]);
      expect(more).toEqual([]);
      expect(tail(line)).toStartWith(message);
      expect(line).toStartWith(`--${flagOf(option, text).join(" ")}: Cannot use `);
      const [fileLine, ...others] = mistakes([HUB], yamlOf(option, text));
      expect(others).toEqual([]);
      expect(tail(fileLine)).toStartWith(message);
      expect(fileLine).toMatch(/^lab\.yaml:1:\d+: Cannot use /);
    },
  );

  test.each(TOP_OPTIONS.concat(...CLUSTER_KEYS.values()).filter(({ fallback }) => typeof fallback === "string"))(
    "shows the default of $flag $item as a text that reads back",
    (option) => {
      const value = resolveOption(option, [], MACHINE, new Problems());
      const shown = { text: option.show(value), where: "" };
      expect(resolveOption(option, [shown], MACHINE, new Problems())).toEqual(value);
    },
  );

  test("has a test above for every option but the secret one", () => {
    const covered = new Set(SETTINGS.map(([option]) => option));
    const missing = TOP_OPTIONS.filter((option) => !covered.has(option)).map((option) => option.flag);
    expect(missing).toEqual(["cluster", "config", "admin-auth"]);
  });

  test("lists every option of every group once", () => {
    // one line of help says for all services what --default SERVICE=CLUSTER does
    const { defaults: _, ...groups } = GROUPS;
    const all = optionsOf({ ...COMMAND_LINE, ...BASE, ...groups });
    expect(TOP_OPTIONS.length).toBe(all.length);
    expect(new Set(TOP_OPTIONS)).toEqual(new Set(all));
    expect(new Set(TOP_OPTIONS.map((option) => `${option.flag} ${option.item}`)).size).toBe(TOP_OPTIONS.length);
    expect(CLUSTER_KEYS.size).toBe(optionsOf(CLUSTER).length);
  });

  test("has the documented defaults", () => {
    const config = load([HUB]);
    expect(config.timeouts).toEqual({
      hello: 5000,
      connect: 3000,
      dialTotal: 8000,
      httpHead: 10_000,
      httpBody: 30_000,
      keepAlive: 60_000,
      apiIdle: 86_400_000,
      ingressIdle: 3_600_000,
      halfClosed: 30_000,
      shutdownDelay: 0,
      drain: 30_000,
      wake: 8000,
      linger: 1000,
      probe: 2000,
      gone: 600_000,
    });
    expect(config.listen).toEqual({
      api: [{ ip: "", port: 6443 }],
      https: [{ ip: "", port: 443 }],
      http: [{ ip: "", port: 80 }],
      mcs: [],
    });
    const { clusters: _, listen: __, timeouts: ___, ...rest } = config;
    expect(rest).toEqual({
      file: null,
      fromFile: null,
      removed: [],
      limits: { httpLine: 8_192, httpHead: 65_536, httpFields: 128 },
      defaultCluster: null,
      defaults: { api: null, https: null, http: null, mcs: null },
      services: SERVICES,
      maxConnections: 0,
      maxConnectionsPerClient: 0,
      acceptProxy: [],
      trustedProxies: [],
      forwarded: false,
      allow: [],
      admin: { ip: "127.0.0.1", port: 50_000 },
      adminGiven: false,
      adminAuth: null,
      control: "/run/edge-lb.sock",
      controlGiven: false,
      discover: [],
      dns: [],
      dnsAnswer: [],
      ring: "auto",
      engine: "auto",
      user: null,
      workers: 4,
      log: "text",
      logTo: { kind: "stderr" },
      accessLog: true,
    });
  });

  test.each([
    [1, 1],
    [2, 2],
    [64, 4],
    [0, 1],
  ])("starts by default on a machine with %d CPUs this many workers: %d", (cpus, want) => {
    expect(load([HUB], undefined, { ...MACHINE, cpus }).workers).toBe(want);
  });

  test("reads by the user and the environment where the default depends on them", () => {
    const read = <T>(option: Option<T>, text: string | null, userId = 0, env = {}): T =>
      resolveOption(
        option,
        text === null ? [] : [{ text, where: "" }],
        { env, userId, cpus: 1, addresses: null },
        new Problems(),
      );
    expect(read(GLOBAL.admin, null)).toEqual({ ip: "127.0.0.1", port: 50_000 });
    expect(read(GLOBAL.admin, "off")).toBeNull();
    expect(read(GLOBAL.adminAuth, "admin:pass:word")).toEqual({ user: "admin", password: "pass:word" });
    expect(read(GLOBAL.control, null)).toBe("/run/edge-lb.sock");
    expect(read(GLOBAL.control, null, 1000, { XDG_RUNTIME_DIR: "/run/user/1000" })).toBe("/run/user/1000/edge-lb.sock");
    const service = { RUNTIME_DIRECTORY: "/run/edge-lb:/run/more", XDG_RUNTIME_DIR: "/run/user/1000" };
    expect(read(GLOBAL.control, null, 1000, service)).toBe(SERVICE_CONTROL_PATH);
    expect(read(GLOBAL.control, null, 0, service)).toBe("/run/edge-lb.sock");
    expect(read(GLOBAL.control, null, 1000)).toBeNull();
    expect(read(GLOBAL.log, "haproxy")).toBe("haproxy");
    expect(read(LISTEN.mcs, "192.168.125.1:22623")).toEqual([{ ip: "192.168.125.1", port: 22_623 }]);
    expect(read(LISTEN.mcs, "off")).toEqual([]);
    expect(read(CLUSTER.sendProxy, "v2")).toBe(2);
    expect(read(CLUSTER.ports.mcs, "2")).toBe(2);
  });

  test("lets the machine-config server listen on private addresses only", () => {
    const problems = new Problems();
    resolveOption(LISTEN.mcs, [{ text: "8.8.8.8:22623,:22623", where: "x" }], MACHINE, problems);
    expect(() => problems.throwIfAny()).toThrow(
      'x: Cannot use listen.mcs: "8.8.8.8:22623" found, a private, link-local or loopback address wanted (CONFIG_INVALID)\n' +
        'x: Cannot use listen.mcs: ":22623" found, a private, link-local or loopback address wanted (CONFIG_INVALID)',
    );
  });
});

/** Each key of a cluster: good text, what it becomes, bad text, message. */
const KEYS: readonly [Option<unknown>, string, (cluster: ClusterConfig) => unknown, unknown, string, string][] = [
  [
    CLUSTER.nodes,
    "10.0.0.2-3,w.lab",
    (c) => c.nodes.map(({ host }) => host),
    ["10.0.0.2", "10.0.0.3", "w.lab"],
    "10.0.0.3-2",
    '"10.0.0.3-2" found, a range that ends after its start wanted',
  ],
  [
    CLUSTER.api,
    "10.0.0.2-3",
    (c) => c.api?.map(({ host }) => host),
    ["10.0.0.2", "10.0.0.3"],
    "10.0.0.300",
    '"10.0.0.300" found, an address, [IPv6], a range such as 192.168.125.20-22 or a host name wanted',
  ],
  [
    CLUSTER.ingress,
    "[fd00::1],10.0.0.5",
    (c) => c.ingress?.map(({ host }) => host),
    ["fd00::1", "10.0.0.5"],
    "10.0.0.0-10.9.0.0",
    "a range of 589825 nodes found, at most 1024 wanted",
  ],
  ...(["https", "http", "mcs"] as const).map((name): (typeof KEYS)[number] => [
    CLUSTER.ownNodes[name],
    "10.0.0.2-3",
    (c) => c.ownNodes[name]?.map(({ host }) => host),
    ["10.0.0.2", "10.0.0.3"],
    "10.0.0.300",
    '"10.0.0.300" found, an address, [IPv6], a range such as 192.168.125.20-22 or a host name wanted',
  ]),
  [
    CLUSTER.clients,
    "10.1.2.3/16,fd00::/8",
    (c) => c.clients.map(cidrText),
    ["10.1.0.0/16", "fd00::/8"],
    "10.0.0.0/33",
    '"10.0.0.0/33" found, a prefix from 0 to 32 wanted',
  ],
  [
    CLUSTER.balance.mcs,
    "source",
    (c) => c.balance.mcs,
    "source",
    "random",
    '"random" found, leastconn, source, host or roundrobin wanted',
  ],
  [
    CLUSTER.domain,
    "Hub-Cluster.lab",
    (c) => c.domain,
    "hub-cluster.lab",
    "*.lab",
    '"*.lab" found, a DNS name such as linuxera.lab wanted',
  ],
  [
    CLUSTER.names,
    "shop.lab,*.Shop.lab,shop.lab",
    (c) => c.names,
    ["shop.lab", "*.shop.lab"],
    "a.*.lab",
    '"a.*.lab" found, a name such as shop.lab or *.shop.lab wanted',
  ],
  [
    CLUSTER.apiNames,
    "kube.lab",
    (c) => c.apiNames,
    ["kube.lab"],
    "*.lab",
    '"*.lab" found, a name without a star wanted',
  ],
  [CLUSTER.ports.api, "7443", (c) => c.ports.api, 7443, "0", '"0" found, a whole number from 1 to 65535 wanted'],
  [
    CLUSTER.ports.https,
    "8443",
    (c) => c.ports.https,
    8443,
    "65536",
    '"65536" found, a whole number from 1 to 65535 wanted',
  ],
  [
    CLUSTER.ports.http,
    "8080",
    (c) => c.ports.http,
    8080,
    "http",
    '"http" found, a whole number from 1 to 65535 wanted',
  ],
  [CLUSTER.ports.ready, "1937", (c) => c.ports.ready, 1937, "", "no value found, PORT wanted"],
  [
    CLUSTER.balance.api,
    "roundrobin",
    (c) => c.balance.api,
    "roundrobin",
    "first",
    '"first" found, leastconn, source, host or roundrobin wanted',
  ],
  [
    CLUSTER.balance.https,
    "host",
    (c) => c.balance.https,
    "host",
    "first",
    '"first" found, leastconn, source, host or roundrobin wanted',
  ],
  [
    CLUSTER.balance.http,
    "source",
    (c) => c.balance.http,
    "source",
    "first",
    '"first" found, leastconn, source, host or roundrobin wanted',
  ],
  [CLUSTER.check, "tcp", (c) => c.check, "tcp", "ping", '"ping" found, auto, readyz, tls, tcp or off wanted'],
  [CLUSTER.rise, "7", (c) => c.rise, 7, "0", '"0" found, a whole number from 1 to 100 wanted'],
  [CLUSTER.fall, "8", (c) => c.fall, 8, "0", '"0" found, a whole number from 1 to 100 wanted'],
  [
    CLUSTER.intervalMs,
    "9s",
    (c) => c.intervalMs,
    9000,
    "9",
    '"9" found, a duration such as 500ms, 5s, 2m or 24h wanted',
  ],
  [
    CLUSTER.allow,
    "10.0.0.0/8,10.1.1.1",
    (c) => c.allow.map(cidrText),
    ["10.0.0.0/8", "10.1.1.1/32"],
    "10.0.0.0/8/8",
    '"10.0.0.0/8/8" found, an address or a range such as 10.0.0.0/8 wanted',
  ],
  [
    CLUSTER.maxConnections,
    "100",
    (c) => c.maxConnections,
    100,
    "0",
    '"0" found, a whole number from 1 to 10000000 or off wanted',
  ],
  [CLUSTER.source, "client", (c) => c.source, "client", "node", '"node" found, edge or client wanted'],
  [CLUSTER.allDown, "refuse", (c) => c.allDown, "refuse", "wait", '"wait" found, try or refuse wanted'],
  [CLUSTER.redirectHttps, "on", (c) => c.redirectHttps, true, "1", '"1" found, on or off wanted'],
  [
    CLUSTER.wake,
    "/opt/wake",
    (c) => c.wake,
    "/opt/wake",
    "wake.sh",
    '"wake.sh" found, the absolute path of a program wanted',
  ],
  [CLUSTER.sleep, "/opt/nap", (c) => c.sleep, "/opt/nap", "nap", '"nap" found, the absolute path of a program wanted'],
  [CLUSTER.sleepAfterMs, "2h", (c) => c.sleepAfterMs, 7_200_000, "0s", '"0s" found, 1s to 576h wanted'],
  [CLUSTER.ttlMs, "4h", (c) => c.ttlMs, 14_400_000, "4", '"4" found, a duration such as 500ms, 5s, 2m or 24h wanted'],
  [
    CLUSTER.untilMs,
    "2026-12-01T18:00:00Z",
    (c) => c.untilMs,
    1_796_148_000_000,
    "tomorrow",
    '"tomorrow" found, a time such as 2026-12-01T18:00:00Z wanted',
  ],
  [CLUSTER.sendProxy, "v2", (c) => c.sendProxy, 2, "v3", '"v3" found, v1, v2 or off wanted'],
  [CLUSTER.ports.mcs, "22624", (c) => c.ports.mcs, 22_624, "0", '"0" found, a whole number from 1 to 65535 wanted'],
];

describe("the cluster keys", () => {
  // a file knows no start to count from: load.test.ts
  const readable = KEYS.filter(([option, good]) => good !== "" && option !== CLUSTER.ttlMs);
  test.each(readable.map(([option, text, get, want]) => [option.item, option, text, get, want] as const))(
    "reads %s from a flag and from the file alike",
    (key, option, text, get, want) => {
      const first = key === "nodes" ? "" : "10.0.0.1,";
      const [fromFlag] = load([["cluster", `hub=${first}${key}=${text}`]]).clusters;
      const nodes = key === "nodes" ? "" : "nodes: 10.0.0.1, ";
      const [fromFile] = load([], `clusters: { hub: { ${nodes}${key}: ${JSON.stringify(text)} } }`).clusters;
      const [fromList] = load([], `clusters: { hub: { ${nodes}${key}: ${listOrText(option, text)} } }`).clusters;
      for (const cluster of [fromFlag, fromFile, fromList]) expect(cluster && get(cluster)).toEqual(want);
    },
  );

  test.each(KEYS.map((option) => [option[0].item, option[4], option[5]] as const))(
    "refuses %s=%s",
    (key, text, message) => {
      const spec = `hub=10.0.0.1,${key}=${text}`;
      const [line, ...more] = mistakes([["cluster", spec]]);
      expect(more).toEqual([]);
      expect(line).toStartWith(`--cluster ${spec}: Cannot use ${key} of cluster "hub": ${message}`);
    },
  );

  test.each(
    [...SETTINGS, ...KEYS].flatMap(([option, text]) => (text === "" ? [] : [[labelOf(option), text, option] as const])),
  )("shows the value of %s %s as a text that reads back", (_, text, option) => {
    const read = (written: string): unknown =>
      option.parse([{ text: written, where: "" }], (__, { wanted }) => expect(wanted).toBe(""));
    const value = read(text);
    expect(read(option.show(value))).toEqual(value);
    expect(option.change(value, read(text))).toBeNull();
  });

  test("has a test above for every key", () => {
    expect(KEYS.map(([option]) => option.item).toSorted()).toEqual([...CLUSTER_KEYS.keys()].toSorted());
  });

  test("has the documented defaults", () => {
    const { where: _, layer: __, nodes: ___, ...rest } = load([HUB]).clusters[0] ?? ({} as ClusterConfig);
    expect(rest).toEqual({
      name: "hub",
      domain: null,
      api: null,
      ingress: null,
      ownNodes: { https: null, http: null, mcs: null },
      names: [],
      apiNames: [],
      ownNames: {},
      clients: [],
      ports: { api: 6443, https: 443, http: 80, mcs: 22_623, ready: 1936 },
      balance: { api: "leastconn", https: "source", http: "host", mcs: "leastconn" },
      check: "auto",
      rise: 3,
      fall: 2,
      intervalMs: 5000,
      allow: [],
      maxConnections: 0,
      sendProxy: 0,
      source: "edge",
      allDown: "try",
      wake: null,
      sleep: null,
      sleepAfterMs: 1_800_000,
      ttlMs: null,
      untilMs: null,
      redirectHttps: false,
    });
  });
});

/** Wrong by what only edge-lb can know: other settings, sizes, and where an address is. */
const BEYOND_A_SCHEMA: ReadonlySet<string> = new Set([
  "default hbu",
  "admin :50000",
  "interval 50ms",
  "ingress 10.0.0.0-10.9.0.0",
  "listen.mcs 192.0.2.1:22623",
  "nodes 10.0.0.3-2",
]);

describe("fileSchema()", () => {
  const rows = [...SETTINGS, ...KEYS].map(([option, good, , , bad]) => [option, good, bad] as const);
  const fileOf = ({ flag, yaml, item }: Option<unknown>, text: string): string => {
    const [first = "", second] =
      flag === "cluster" ? ["clusters", `{ hub: { ${item}: ${text} } }`] : (yaml ?? "").split(".");
    return `${first}: ${second === undefined ? text : flag === "cluster" ? second : `{ ${second}: ${text} }`}`;
  };

  // a file that says ttl= is a mistake
  test.each(rows.filter(([option, good]) => good !== "" && option !== CLUSTER.ttlMs))(
    "takes the good text %#",
    (option, good) => {
      expect(schemaFaults(fileOf(option, listOrText(option, good)))).toEqual([]);
      expect(schemaFaults(fileOf(option, JSON.stringify(good)))).toEqual([]);
    },
  );

  test.each(rows.map(([option, , bad]) => [labelOf(option), bad, option] as const))(
    "refuses %s %s",
    (label, bad, option) => {
      const file = fileOf(option, /^[\d-]+$/.test(bad) ? bad : JSON.stringify(bad));
      if (BEYOND_A_SCHEMA.has(`${label} ${bad}`)) expect(schemaFaults(file)).toEqual([]);
      else expect(schemaFaults(file)).not.toEqual([]);
    },
  );
});

function listOrText(option: Option<unknown>, text: string): string {
  return option.many ? JSON.stringify(text.split(",")) : text;
}
