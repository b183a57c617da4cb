/** A configuration for nginx (stream with ssl_preread, and http) that serves the same clusters. */
import { ONLY_KEPT } from "./forwarded.ts";
import { leftOutLines } from "./left-out.ts";
import { cidrText, type ListenAddress } from "../../config/values/addresses.ts";
import type { Config } from "../../config/model.ts";
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

/** A pool that refuses at once: stream has no `return` per name. */
const REFUSED = "refused";

export function exportNginx(config: Config): string {
  const services = listenedServices(config);
  const stream = services.filter(({ routedBy }) => routedBy === "sni");
  return [
    "# Written by edge-lb export nginx; needs the stream module with ssl_preread (Debian: libnginx-mod-stream).",
    "# nginx probes no node: a failed connect takes a node out for 10 s, and the same client goes to the next one.",
    ...leftOutLines(config, "nginx"),
    "include /etc/nginx/modules-enabled/*.conf;",
    "worker_processes auto;",
    ...block("events", [`worker_connections ${workerConnections(config)};`]),
    ...(stream.length === 0 ? [] : block("stream", streamLines(config, stream))),
    ...services.filter(({ routedBy }) => routedBy === "host").flatMap((each) => block("http", httpLines(config, each))),
    "",
  ].join("\n");
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => (line === "" ? "" : `    ${line}`)), "}"];
}

/** A tunnel takes two; nginx starts with 512, which three busy consoles fill. */
function workerConnections({ maxConnections }: Config): number {
  return maxConnections > 0 ? 2 * maxConnections + 64 : 8192;
}

function streamLines(config: Config, services: readonly Service[]): string[] {
  return [
    "log_format names '$remote_addr:$remote_port [$time_local] $server_port $status $bytes_sent $bytes_received $session_time sni=\"$ssl_preread_server_name\" $upstream_addr';",
    "access_log /var/log/nginx/access.log names;",
    "map_hash_bucket_size 512;",
    "map_hash_max_size 65536;",
    "tcp_nodelay on;",
    ...clientLimit(config, "tls_clients"),
    ...block(`upstream ${REFUSED}`, ["server 127.0.0.1:9 down;"]),
    ...services.flatMap((service) => streamService(config, service)),
  ];
}

/** Stream and http cannot share a count. */
function clientLimit({ maxConnectionsPerClient: most }: Config, zone: string): string[] {
  return most === 0 ? [] : [`limit_conn_zone $binary_remote_addr zone=${zone}:10m;`, `limit_conn ${zone} ${most};`];
}

/** The variable that holds the pool chosen for a service: nginx knows no dash in its name. */
function chosenPool({ name }: Service): string {
  return `$${name.replaceAll("-", "_")}_pool`;
}

function streamService(config: Config, service: Service): string[] {
  const { timeouts } = config;
  const pools = poolsOf(config, service);
  const idle = timeouts[service.idle];
  const server = [
    ...listenOf(config, service).flatMap((at) => listenLines(at, " so_keepalive=30s:10s:3")),
    ...allowLines(config.allow),
    "ssl_preread on;",
    `preread_timeout ${timeouts.hello}ms;`,
    `proxy_connect_timeout ${timeouts.connect}ms;`,
    `proxy_timeout ${nginxTime(idle)};`,
    "proxy_socket_keepalive on;",
    "proxy_next_upstream_tries 3;",
    `proxy_next_upstream_timeout ${timeouts.dialTotal}ms;`,
    `proxy_pass ${chosenPool(service)};`,
  ];
  return [
    "",
    ...pools.flatMap((pool) => upstream(pool, "$ssl_preread_server_name")),
    ...pools.flatMap((pool, index) => gate(pool, index)),
    ...nameMap(config, service, pools),
    ...block("server", [...server, ...proxyLines(pools)]),
  ];
}

/** A weekend in nginx is as long as never. */
function nginxTime(ms: number): string {
  return ms === 0 ? "30d" : `${ms}ms`;
}

function listenLines({ ip, port }: ListenAddress, more: string): string[] {
  if (ip === "") return [`listen ${port}${more};`, `listen [::]:${port}${more};`];
  return [`listen ${ip.includes(":") ? `[${ip}]` : ip}:${port}${more};`];
}

function allowLines(allow: readonly Cidr[]): string[] {
  return allow.length === 0 ? [] : [...allow.map((cidr) => `allow ${cidrText(cidr)};`), "deny all;"];
}

/** @param name What holds the name asked for, for pools hashed by it. */
function upstream(pool: ExportPool, name: string): string[] {
  const policies = {
    leastconn: ["least_conn;"],
    roundrobin: [],
    source: ["hash $remote_addr consistent;"],
    host: [`hash ${name} consistent;`],
  };
  const servers = pool.servers.map(({ at }) => `server ${at} max_fails=1 fail_timeout=10s;`);
  return block(`upstream ${pool.name}`, [...policies[policyOf(pool.cluster, pool.service)], ...servers]);
}

function variable(pool: ExportPool, index: number): string {
  return `$allowed_${pool.service.name.replaceAll("-", "_")}_${index}`;
}

/** Clients that a cluster allows get its pool, others none. */
function gate(pool: ExportPool, index: number): string[] {
  if (pool.cluster.allow.length === 0) return [];
  const lines = pool.cluster.allow.map((cidr) => `${cidrText(cidr)} ${pool.name};`);
  return block(`geo ${variable(pool, index)}`, [`default ${REFUSED};`, ...lines]);
}

/** With `hostnames`, nginx takes exact names before the longest suffix before expressions, as edge-lb does; case does not matter. */
function nameMap(config: Config, service: Service, pools: readonly ExportPool[]): string[] {
  const upstreamOf = (pool: ExportPool | null): string => {
    if (pool === null) return REFUSED;
    const index = pools.findIndex((one) => one.name === pool.name);
    return pool.cluster.allow.length === 0 ? pool.name : variable(pool, index);
  };
  const fallback = defaultPool(config, service);
  const nameless = fallback === null ? [] : namelessNames(config, service);
  return block(`map $ssl_preread_server_name ${chosenPool(service)}`, [
    "hostnames;",
    `default ${upstreamOf(restPool(config, service))};`,
    `"" ${upstreamOf(fallback)};`,
    ...nameless.map((name) => `${name} ${upstreamOf(fallback)};`),
    ...namedRoutes(config, service).map((route) => `${mapKey(route)} ${upstreamOf(route.pool)};`),
  ]);
}

function namedRoutes(config: Config, service: Service): ExportRoute[] {
  return routesFor(config, service).filter(({ claim }) => claim.rule !== "rest");
}

function mapKey({ claim }: ExportRoute): string {
  if (claim.rule === "exact") return claim.name;
  return claim.rule === "below" ? `*.${claim.name}` : `"~*${labelExpression(claim.name)}"`;
}

function proxyVersion({ service, cluster }: ExportPool): number {
  return service.takesProxy ? cluster.sendProxy : 0;
}

/** `proxy_protocol` holds for a whole server block in nginx, so all clusters must agree. */
function proxyLines(pools: readonly ExportPool[]): string[] {
  const others = pools.filter((pool) => proxyVersion(pool) === 0).map((pool) => pool.cluster.name);
  if (others.length === pools.length) return [];
  const careful = `# CAREFUL: ${others.join(", ")} did not expect it; give them an address of their own`;
  return [
    "# nginx sends version 1 of the PROXY protocol, to every node of this listener",
    ...(others.length === 0 ? [] : [careful]),
    "proxy_protocol on;",
  ];
}

function httpLines(config: Config, service: Service): string[] {
  const { timeouts } = config;
  const pools = poolsOf(config, service);
  const shared = [
    "access_log /var/log/nginx/access.log;",
    "server_names_hash_bucket_size 512;",
    "server_names_hash_max_size 65536;",
    "server_tokens off;",
    "client_max_body_size 0;",
    `client_header_timeout ${timeouts.httpHead}ms;`,
    `client_body_timeout ${timeouts.httpBody}ms;`,
    `keepalive_timeout ${timeouts.keepAlive}ms;`,
    "large_client_header_buffers 8 16k;",
    ...block("map $http_upgrade $connection_upgrade", ["default upgrade;", '"" "";']),
    ...forwardedMaps(config),
    ...(config.allow.length === 0
      ? []
      : block("geo $outside", ["default 1;", ...config.allow.map((cidr) => `${cidrText(cidr)} 0;`)])),
    ...clientLimit(config, "http_clients"),
    ...pools.flatMap((pool) => upstream(pool, "$host")),
  ];
  return [...shared, ...unknownServer(config, service), ...pools.flatMap((pool) => httpServer(config, pool))];
}

/** What a client says of itself counts only where it is a trusted proxy. */
function forwardedMaps({ trustedProxies }: Config): string[] {
  return [
    ...block("geo $trusted", ["default 0;", ...trustedProxies.map((cidr) => `${cidrText(cidr)} 1;`)]),
    ...block("map $trusted $forwarded_for", ["0 $remote_addr;", "1 $proxy_add_x_forwarded_for;"]),
    ...ONLY_KEPT.flatMap((name) =>
      block(`map $trusted $kept_${variableOf(name)}`, ['0 "";', `1 $http_${variableOf(name)};`]),
    ),
  ];
}

function variableOf(field: string): string {
  return field.toLowerCase().replaceAll("-", "_");
}

/** What no other server takes; where a cluster takes the rest, that is a request without a name. */
function unknownServer(config: Config, service: Service): string[] {
  const rest = restPool(config, service);
  if (rest !== null && defaultPool(config, service) !== null) return [];
  const listens = listenOf(config, service).flatMap((at) => listenLines(at, rest === null ? " default_server" : ""));
  const answer = 'return 404 "No cluster has this name\\n";';
  return block("server", [
    ...listens,
    `server_name ${rest === null ? "_" : '""'};`,
    "default_type text/plain;",
    ...allowLines(config.allow),
    ...block("location /", [answer]),
  ]);
}

function httpServer(config: Config, pool: ExportPool): string[] {
  const { cluster, service } = pool;
  const isRest = restPool(config, service)?.name === pool.name;
  const routes = namedRoutes(config, service).filter((route) => route.pool.name === pool.name);
  const names = routes.map(serverName);
  if (defaultPool(config, service)?.name === pool.name) names.push('""');
  const proxied = [
    `proxy_pass http://${pool.name};`,
    "proxy_http_version 1.1;",
    "proxy_set_header Host $http_host;",
    "proxy_set_header Upgrade $http_upgrade;",
    "proxy_set_header Connection $connection_upgrade;",
    "proxy_set_header X-Forwarded-For $forwarded_for;",
    "proxy_set_header X-Forwarded-Proto http;",
    "proxy_set_header X-Forwarded-Host $http_host;",
    "proxy_set_header X-Forwarded-Port $server_port;",
    ...ONLY_KEPT.map((name) => `proxy_set_header ${name} $kept_${variableOf(name)};`),
    "proxy_buffering off;",
    "proxy_request_buffering off;",
    `proxy_connect_timeout ${config.timeouts.connect}ms;`,
    `proxy_read_timeout ${nginxTime(config.timeouts.ingressIdle)};`,
    `proxy_send_timeout ${nginxTime(config.timeouts.ingressIdle)};`,
    "proxy_next_upstream_tries 3;",
    `proxy_next_upstream_timeout ${config.timeouts.dialTotal}ms;`,
  ];
  const locations = cluster.redirectHttps
    ? [
        ...block("location /.well-known/acme-challenge/", proxied),
        ...block("location /", ["return 301 https://$host$request_uri;"]),
      ]
    : block("location /", proxied);
  const both = cluster.allow.length > 0 && config.allow.length > 0;
  return block("server", [
    ...listenOf(config, service).flatMap((at) => listenLines(at, isRest ? " default_server" : "")),
    `server_name ${names.join(" ") || "_"};`,
    ...allowLines(cluster.allow.length === 0 ? config.allow : cluster.allow),
    ...(both ? ["if ($outside) { return 403; }"] : []),
    ...locations,
  ]);
}

/** Names are in lower case before they are compared. */
function serverName({ claim }: ExportRoute): string {
  if (claim.rule === "exact") return claim.name;
  return claim.rule === "below" ? `*.${claim.name}` : `"~${labelExpression(claim.name)}"`;
}
