/**
 * THE option table (a cluster's keys are in cluster-options.ts). Flags, YAML keys, `--help`, the README table and "may change on reload" derive from these options.
 */
import type { ServiceName } from "../seam/services.ts";
import { isPrivate, readCidr, readListenAddress } from "./addresses.ts";
import type { EngineChoice, HeadLimits, ListenAddress, LogFormat, Timeouts } from "./model.ts";
import { readDomain } from "./names.ts";
import { listOf, many, one, word, type Machine, type Option } from "./option.ts";
import { readLogTarget } from "./log-target.ts";
import { fit, unfit, type Reading } from "./text.ts";
import { choice, CONNECTIONS_MOST, duration, onOff, whole } from "./values.ts";

/** More threads than this only share the same memory bandwidth; a typing mistake otherwise. */
const WORKERS_MOST = 64;

/** Where root's edge-lb is found. */
export const ROOT_CONTROL_PATH = "/run/edge-lb.sock";

/** Flags that are no settings of a file. */
export const COMMAND_LINE = {
  file: one<string | null>({
    flag: "config",
    short: "c",
    value: "FILE",
    yaml: null,
    fallback: { none: null },
    help: "Read settings and clusters from this YAML file",
    reload: false,
    read: fit,
  }),
  clusters: one<string | null>({
    flag: "cluster",
    value: "NAME=ITEM[,ITEM...]",
    yaml: null,
    fallback: { none: null },
    help: "A cluster: its nodes, then keys (repeatable)",
    read: fit,
  }),
};

/** Options that are resolved once for the whole program. */
export const GLOBAL = {
  domain: one<string | null>({
    flag: "domain",
    value: "DOMAIN",
    fallback: { none: null },
    help: "Base domain: cluster hub gets api.hub.DOMAIN and *.apps.hub.DOMAIN",
    read: readDomain,
  }),
  defaultCluster: one<string | null>({
    flag: "default",
    value: "CLUSTER",
    fallback: { none: null },
    help: "Cluster that takes connections without a name (no SNI, HTTP/1.0 without Host)",
    read: readDomain,
  }),
  allow: many({
    flag: "allow",
    value: "CIDR,...",
    fallback: { none: [] },
    fallbackShown: "everyone",
    help: "Clients that may connect at all",
    readItem: listOf(readCidr),
  }),
  trustedProxies: many({
    flag: "trusted-proxies",
    value: "CIDR,...",
    fallback: { none: [] },
    fallbackShown: "none",
    help: "Clients whose X-Forwarded-* fields are kept and appended to",
    readItem: listOf(readCidr),
  }),
  maxConnections: one({
    flag: "max-connections",
    value: "N",
    fallback: "auto",
    fallbackShown: "(open files - 200) / 4",
    help: "Client connections at a time",
    read: whole(1, CONNECTIONS_MOST, { auto: 0 }),
  }),
  maxConnectionsPerClient: one({
    flag: "max-connections-per-client",
    value: "N",
    fallback: "off",
    help: "Client connections of one address at a time",
    read: whole(1, CONNECTIONS_MOST, { off: 0 }),
  }),
  rise: one({
    flag: "rise",
    value: "N",
    fallback: "3",
    help: "Good probes in a row until a node is up",
    read: whole(1, 100),
  }),
  fall: one({
    flag: "fall",
    value: "N",
    fallback: "2",
    help: "Bad probes in a row until a node is out",
    read: whole(1, 100),
  }),
  intervalMs: one({
    flag: "interval",
    value: "DURATION",
    fallback: "5s",
    help: "Time between two probes of a node",
    read: duration(100),
  }),
  admin: one<ListenAddress | null>({
    flag: "admin",
    value: "ADDR:PORT|off",
    fallback: "127.0.0.1:50000",
    help: "Status page, JSON, metrics and CSV",
    reload: false,
    read: orOff(readListenAddress),
  }),
  adminAuth: one<{ readonly user: string; readonly password: string } | null>({
    flag: "admin-auth",
    value: "USER:PASSWORD",
    fallback: { none: null },
    help: "Ask viewers for this; the variable EDGE_LB_ADMIN_AUTH does the same",
    reload: false,
    secret: true,
    read: readCredentials,
  }),
  control: one<string | null>({
    flag: "control",
    value: "PATH|off",
    fallback: controlPath,
    fallbackShown: "/run/edge-lb.sock, else $XDG_RUNTIME_DIR/edge-lb.sock",
    help: "Socket for status, add, rm, drain and reload",
    reload: false,
    read: orOff((text) => (text.startsWith("/") ? fit(text) : unfit("an absolute path or off"))),
  }),
  engine: word<EngineChoice>({
    flag: "engine",
    of: choice("auto", "linux", "bun", "node"),
    fallback: "auto",
    help: "What moves the bytes; auto takes the best that works here",
    reload: false,
  }),
  workers: one({
    flag: "workers",
    value: "N",
    fallback: ({ cpus }) => String(Math.max(1, Math.min(cpus, 4))),
    fallbackShown: "CPUs, at most 4",
    help: "Threads that serve connections",
    reload: false,
    read: whole(1, WORKERS_MOST),
  }),
  log: word<LogFormat>({
    flag: "log",
    of: choice("text", "json", "haproxy"),
    fallback: "text",
    help: "Format of log lines",
    reload: false,
  }),
  logTo: one({
    flag: "log-to",
    value: "stderr|FILE|syslog://HOST:PORT?facility=local2|unix:PATH",
    fallback: "stderr",
    help: "Where log lines go",
    reload: false,
    read: readLogTarget,
  }),
  accessLog: one({
    flag: "access-log",
    value: "on|off",
    fallback: "on",
    help: "One line per connection or request, at its end",
    reload: false,
    read: onOff,
  }),
};

/** `--listen KIND=ADDR:PORT`, repeatable. */
export const LISTEN: { readonly [K in ServiceName]: Option<readonly ListenAddress[]> } = {
  api: listenOption("api", ":6443", "Kubernetes API, routed by SNI"),
  https: listenOption("https", ":443", "Ingress over TLS, routed by SNI"),
  http: listenOption("http", ":80", "Ingress over HTTP, routed by the Host of each request"),
  mcs: listenOption("mcs", "off", "Machine-config server, on private addresses only", readPrivate),
};

function listenOption(
  kind: ServiceName,
  fallback: string,
  help: string,
  read: (text: string) => Reading<ListenAddress> = readListenAddress,
): Option<readonly ListenAddress[]> {
  return many({
    flag: "listen",
    item: kind,
    value: "ADDR:PORT|off",
    yaml: `listen.${kind}`,
    fallback,
    help,
    reload: false,
    inert: "off",
    readItem: listOf(read),
  });
}

function readPrivate(text: string): Reading<ListenAddress> {
  const at = readListenAddress(text);
  return at.ok && !isPrivate(at.value.ip) ? unfit("a private, link-local or loopback address") : at;
}

/** `--timeout NAME=DURATION`, repeatable. */
export const TIMEOUTS: { readonly [K in keyof Timeouts]: Option<number> } = {
  hello: timeoutOption("hello", "5s", "Until the client's TLS hello is complete"),
  connect: timeoutOption("connect", "3s", "To connect to one node, then the next is tried"),
  dialTotal: timeoutOption("dial-total", "8s", "To connect to any node of the cluster"),
  httpHead: timeoutOption("http-head", "10s", "Until the head of a request is complete"),
  keepAlive: timeoutOption("keep-alive", "60s", "Between two requests of one HTTP connection"),
  apiIdle: timeoutOption("api-idle", "24h", "API tunnel without traffic; 0s: no limit", 0),
  ingressIdle: timeoutOption("ingress-idle", "1h", "Ingress tunnel or response without traffic; 0s: no limit", 0),
  halfClosed: timeoutOption("half-closed", "30s", "Tunnel whose one side has finished"),
  drain: timeoutOption("drain", "30s", "For tunnels to end on shutdown or removal, then they are cut", 0),
  linger: timeoutOption("linger", "1s", "For a client to read an alert or error page"),
  probe: timeoutOption("probe", "2s", "For one health probe"),
};

/** `--limit NAME=NUMBER`, repeatable: what the head of a request or answer may hold. */
export const LIMITS: { readonly [K in keyof HeadLimits]: Option<number> } = {
  httpLine: limitOption("http-line", 8_192, 256, 65_536, "Bytes of a request line"),
  httpHead: limitOption("http-head", 65_536, 1_024, 1_048_576, "Bytes of a request's or an answer's head"),
  httpFields: limitOption("http-fields", 128, 8, 1_024, "Fields of a request's or an answer's head"),
};

function limitOption(name: string, fallback: number, least: number, most: number, help: string): Option<number> {
  return one({
    flag: "limit",
    item: name,
    value: "NUMBER",
    yaml: `limits.${name}`,
    fallback: String(fallback),
    help,
    read: whole(least, most),
  });
}

function timeoutOption(name: string, fallback: string, help: string, leastMs = 1): Option<number> {
  return one({
    flag: "timeout",
    item: name,
    value: "DURATION",
    yaml: `timeouts.${name}`,
    fallback,
    help,
    read: duration(leastMs),
  });
}

function readCredentials(text: string): Reading<{ user: string; password: string }> {
  const [, user, password] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  return user === undefined || password === undefined ? unfit("USER:PASSWORD") : fit({ user, password });
}

function orOff<T>(read: (text: string) => Reading<T>): (text: string) => Reading<T | null> {
  return (text) => (text === "off" ? fit(null) : read(text));
}

function controlPath({ env, userId }: Machine): string {
  const folder = env["XDG_RUNTIME_DIR"];
  if (userId === 0) return ROOT_CONTROL_PATH;
  return folder?.startsWith("/") === true ? `${folder}/edge-lb.sock` : "off";
}

/** Options in the order of `--help` and the README. */
export const SECTIONS: readonly { readonly title: string; readonly options: readonly Option<unknown>[] }[] = [
  { title: "Clusters", options: [COMMAND_LINE.clusters, COMMAND_LINE.file, GLOBAL.domain, GLOBAL.defaultCluster] },
  { title: "Listeners", options: Object.values(LISTEN) },
  {
    title: "Access and limits",
    options: [
      GLOBAL.allow,
      GLOBAL.trustedProxies,
      GLOBAL.maxConnections,
      GLOBAL.maxConnectionsPerClient,
      ...Object.values(LIMITS),
    ],
  },
  { title: "Health", options: [GLOBAL.rise, GLOBAL.fall, GLOBAL.intervalMs] },
  { title: "Timeouts", options: Object.values(TIMEOUTS) },
  { title: "Status and control", options: [GLOBAL.admin, GLOBAL.adminAuth, GLOBAL.control] },
  { title: "Process and logs", options: [GLOBAL.engine, GLOBAL.workers, GLOBAL.log, GLOBAL.logTo, GLOBAL.accessLog] },
];

/** Every option that is not a cluster's key. */
export const TOP_ROWS: readonly Option<unknown>[] = SECTIONS.flatMap((section) => section.options);
