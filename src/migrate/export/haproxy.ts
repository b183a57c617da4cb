/** A configuration for HAProxy 2.4 and later that serves the same clusters: anchored names, readiness checks, long timeouts. */
import { ONLY_KEPT, SET_HERE } from "./forwarded.ts";
import { leftOutLines } from "./left-out.ts";
import { cidrText, type ListenAddress } from "../../config/values/addresses.ts";
import type { Config } from "../../config/model.ts";
import { durationText } from "../../config/values/values.ts";
import type { Cidr } from "../../seam/snapshot.ts";
import { listenOf, policyOf } from "../../config/clusters/service-settings.ts";
import type { Service } from "../../seam/services.ts";
import {
  defaultPool,
  labelExpression,
  listenedServices,
  namelessNames,
  poolsOf,
  restPool,
  routesFor,
  type ExportPool,
  type ExportRoute,
} from "./pools.ts";

export function exportHaproxy(config: Config): string {
  const services = listenedServices(config);
  const pools = services.flatMap((service) => poolsOf(config, service));
  const sections = [
    globalSection(config),
    defaultsSection(config),
    ...(pools.some((pool) => pool.servers.some((server) => server.isName)) ? [RESOLVERS] : []),
    ...statsSection(config),
    ...services.map((service) =>
      service.routedBy === "host" ? httpFrontend(config, service) : tlsFrontend(config, service),
    ),
    ...pools.map((pool) => backend(config, pool)),
    ...(services.some(({ routedBy }) => routedBy === "host") ? [UNKNOWN_NAME] : []),
    ...(config.maxConnectionsPerClient > 0 ? [CLIENTS] : []),
  ];
  const head = "# Written by edge-lb export haproxy; needs HAProxy 2.4 or later, 2.6 to balance TLS by name\n";
  return [
    `${head}${leftOutLines(config, "haproxy").join("\n")}\n`,
    ...sections.map((lines) => `${lines.join("\n    ")}\n`),
  ].join("\n");
}

type Section = readonly string[];

const RESOLVERS: Section = ["resolvers system", "parse-resolv-conf", "hold valid 30s"];

const UNKNOWN_NAME: Section = [
  "backend unknown_name",
  "mode http",
  'http-request return status 404 content-type text/plain string "No cluster has this name\\n"',
];

/** One count of connections per client address for all frontends. */
const CLIENTS: Section = ["backend clients", "stick-table type ipv6 size 100k expire 10m store conn_cur"];

function clientLimit({ maxConnectionsPerClient: most, acceptProxy }: Config): string[] {
  if (most === 0) return [];
  const rule = `tcp-request ${acceptProxy.length === 0 ? "connection" : "session"}`;
  const over = `${rule} reject if { sc_conn_cur(0,clients) gt ${most} }`;
  return [`${rule} track-sc0 src table clients`, over];
}

function globalSection({ maxConnections }: Config): Section {
  const limit = maxConnections > 0 ? [`maxconn ${maxConnections}`] : [];
  return ["global", "log stdout format raw local0", ...limit];
}

function defaultsSection({ timeouts }: Config): Section {
  return [
    "defaults",
    "log global",
    "mode tcp",
    `timeout connect ${haproxyTime(timeouts.connect)}`,
    `timeout client ${haproxyTime(timeouts.ingressIdle)}`,
    `timeout server ${haproxyTime(timeouts.ingressIdle)}`,
    `timeout client-fin ${haproxyTime(timeouts.halfClosed)}`,
    `timeout server-fin ${haproxyTime(timeouts.halfClosed)}`,
    `timeout http-request ${haproxyTime(timeouts.httpHead)}`,
    `timeout http-keep-alive ${haproxyTime(timeouts.keepAlive)}`,
    `timeout check ${haproxyTime(timeouts.probe)}`,
    "option clitcpka",
    "option srvtcpka",
    "# every failed connect goes to another node",
    "option redispatch 1",
    "retries 2",
  ];
}

/** 0 is no limit in edge-lb; HAProxy warns about none, so it gets its longest. */
function haproxyTime(ms: number): string {
  return ms === 0 ? "24d" : durationText(ms);
}

function statsSection({ admin }: Config): Section[] {
  if (admin === null) return [];
  return [
    ["listen stats", `bind ${bindAddress(admin)}`, "mode http", "stats enable", "stats uri /", "stats hide-version"],
  ];
}

function bindAddress({ ip, port }: ListenAddress): string {
  if (ip === "") return `:::${port} v4v6`;
  return ip.includes(":") ? `[${ip}]:${port} v6only` : `${ip}:${port}`;
}

/** Of peers that send a PROXY header, the client it names is known after it only. */
function admission({ acceptProxy, allow }: Config): string[] {
  if (acceptProxy.length === 0) return allowLine(allow, "tcp-request connection reject");
  const peers = acceptProxy.map(cidrText).join(" ");
  const expect = `tcp-request connection expect-proxy layer4 if { src ${peers} }`;
  return [expect, ...allowLine(allow, "tcp-request session reject")];
}

function allowLine(allow: readonly Cidr[], rule: string): string[] {
  return allow.length === 0 ? [] : [`${rule} if !{ src ${allow.map(cidrText).join(" ")} }`];
}

/** An address is no server name (RFC 6066 §3): it goes where none goes. */
const IS_ADDRESS = "{ var(sess.sni) -m ip 0.0.0.0/0 ::/0 }";

function tlsFrontend(config: Config, service: Service): Section {
  const idle = config.timeouts[service.idle];
  const fallback = defaultPool(config, service);
  return [
    `frontend ${service.name}`,
    ...listenOf(config, service).map((at) => `bind ${bindAddress(at)}`),
    `timeout client ${haproxyTime(idle)}`,
    'log-format "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq sni=%[var(sess.sni)]"',
    ...admission(config),
    ...clientLimit(config),
    `tcp-request inspect-delay ${haproxyTime(config.timeouts.hello)}`,
    "tcp-request content set-var(sess.sni) req.ssl_sni,lower if { req.ssl_hello_type 1 }",
    // the rest is for names
    ...(fallback === null && restPool(config, service) !== null ? [`tcp-request content reject if ${IS_ADDRESS}`] : []),
    "tcp-request content accept if { req.ssl_hello_type 1 }",
    "tcp-request content reject",
    ...(fallback === null ? [] : [`use_backend ${fallback.name} if ${IS_ADDRESS}`]),
    ...routesFor(config, service).map((route) => useBackend(route, "var(sess.sni)")),
    ...(fallback === null ? [] : namelessLines(config, service, fallback.name)),
  ];
}

function namelessLines(config: Config, service: Service, pool: string): string[] {
  const names = namelessNames(config, service);
  const internal = names.length === 0 ? [] : [`use_backend ${pool} if { var(sess.sni) -m str ${names.join(" ")} }`];
  return [`use_backend ${pool} if !{ req.ssl_sni -m found }`, ...internal];
}

function useBackend({ claim, pool }: ExportRoute, sample: string): string {
  const tests = {
    exact: `-m str ${claim.name}`,
    below: `-m end .${claim.name}`,
    // Single quotes keep backslash and dollar as they are.
    labels: `-m reg '${labelExpression(claim.name)}'`,
    rest: "-m found",
  };
  return `use_backend ${pool.name} if { ${sample} ${tests[claim.rule]} }`;
}

/** Each request is routed; its Host passes unchanged. */
function httpFrontend(config: Config, service: Service): Section {
  const fallback = defaultPool(config, service);
  const routes = routesFor(config, service);
  const redirected = routes.filter((route) => route.pool.cluster.redirectHttps);
  const trusted = config.trustedProxies.map(cidrText).join(" ");
  return [
    `frontend ${service.name}`,
    ...listenOf(config, service).map((at) => `bind ${bindAddress(at)}`),
    "mode http",
    "option httplog",
    ...admission(config),
    ...clientLimit(config),
    "http-request set-var(txn.host) req.hdr(host),field(1,:),lower,regsub(\\.$,)",
    ...redirected.map((route) => redirectLine(route)),
    ...(trusted === "" ? [] : [`acl trusted src ${trusted}`]),
    ...[...SET_HERE, ...ONLY_KEPT].map(
      (name) => `http-request del-header ${name}${trusted === "" ? "" : " if !trusted"}`,
    ),
    "option forwardfor",
    `http-request set-header X-Forwarded-Proto http${trusted === "" ? "" : " if !trusted"}`,
    `http-request set-header X-Forwarded-Host %[req.hdr(host)]${trusted === "" ? "" : " if !trusted"}`,
    `http-request set-header X-Forwarded-Port %[dst_port]${trusted === "" ? "" : " if !trusted"}`,
    ...routes.map((route) => useBackend(route, "var(txn.host)")),
    ...(fallback === null ? [] : [`use_backend ${fallback.name} if !{ req.hdr(host) -m found }`]),
    "default_backend unknown_name",
  ];
}

function redirectLine(route: ExportRoute): string {
  const test = useBackend(route, "var(txn.host)").replace(/^use_backend \S+ if /, "");
  return `http-request redirect scheme https code 301 if ${test} !{ path_beg /.well-known/acme-challenge/ }`;
}

function backend(config: Config, pool: ExportPool): Section {
  const { service, cluster, servers } = pool;
  const idle = config.timeouts[service.idle];
  const isHttp = service.routedBy === "host";
  const options = serverOptions(pool);
  const reject = isHttp ? "http-request deny" : "tcp-request content reject";
  return [
    `backend ${pool.name}`,
    ...(isHttp ? ["mode http"] : []),
    `timeout server ${haproxyTime(idle)}`,
    `timeout tunnel ${haproxyTime(idle)}`,
    ...(cluster.source === "client" ? ["source 0.0.0.0 usesrc clientip"] : []),
    ...(cluster.maxConnections > 0 ? [`${reject} if { be_conn gt ${cluster.maxConnections} }`] : []),
    ...allowLine(cluster.allow, reject),
    ...balanceLines(pool),
    ...checkLines(pool),
    ...(options === "" ? [] : [`default-server ${options}`]),
    ...servers.map(
      ({ name, at, isName }) => `server ${name} ${at}${isName ? " resolvers system init-addr last,libc,none" : ""}`,
    ),
  ];
}

function balanceLines({ service, cluster }: ExportPool): string[] {
  const policy = policyOf(cluster, service);
  if (policy === "leastconn" || policy === "roundrobin") return [`balance ${policy}`];
  if (policy === "source") return ["balance source", "hash-type consistent"];
  // `balance hash` is HAProxy 2.6; a TLS pool hashed by name needs it.
  return [service.routedBy === "host" ? "balance hdr(host)" : "balance hash var(sess.sni)", "hash-type consistent"];
}

type Check = "readyz" | "router" | "tls" | "tcp" | "off";

/** HAProxy has one check per pool where edge-lb has a ladder: the top rung is taken. */
function checkOf({ service, cluster }: ExportPool): Check {
  if (cluster.check === "off" || cluster.check === "tcp") return cluster.check;
  if (cluster.check === "tls") return service.routedBy === "host" ? "tcp" : "tls";
  const { readiness } = service.group;
  if (readiness?.port === "ready") return "router";
  return readiness?.rung === "readyz" ? "readyz" : "tls";
}

function checkLines(pool: ExportPool): string[] {
  const check = checkOf(pool);
  const { domain } = pool.cluster;
  if (check === "readyz") {
    return [
      "option httpchk",
      `http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host ${domain === null ? "localhost" : `api.${domain}`}`,
      "# 401 and 403: it answers, anonymous requests are off",
      "http-check expect rstatus ^(200|401|403)$",
    ];
  }
  if (check !== "router") return [];
  return [
    `# the router's readiness; a cluster without it needs "option tcp-check" and no "port ${pool.cluster.ports.ready}"`,
    "option httpchk",
    "http-check send meth GET uri /healthz/ready",
    "http-check expect status 200",
  ];
}

function serverOptions(pool: ExportPool): string {
  const { cluster, service } = pool;
  const check = checkOf(pool);
  const sni =
    cluster.domain === null
      ? ""
      : ` check-sni ${service.group.servername === "apps" ? "console.apps" : "api"}.${cluster.domain}`;
  const how = {
    readyz: `check check-ssl verify none${sni}`,
    tls: `check check-ssl verify none${sni}`,
    router: `check port ${cluster.ports.ready}`,
    tcp: "check",
    off: "",
  };
  const proxy =
    service.takesProxy && cluster.sendProxy > 0 ? (cluster.sendProxy === 2 ? " send-proxy-v2" : " send-proxy") : "";
  const timing =
    check === "off"
      ? ""
      : ` inter ${durationText(cluster.intervalMs)} fastinter 1s rise ${cluster.rise} fall ${cluster.fall} on-marked-down shutdown-sessions`;
  const policy = policyOf(cluster, service);
  const slow = policy === "leastconn" || policy === "roundrobin" ? " slowstart 60s" : "";
  return `${how[check]}${timing}${check === "off" ? "" : slow}${proxy}`.trim();
}
