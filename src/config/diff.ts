/** What a reload changes, in words, and what of it has to wait for a restart. */
import { cidrText, listenText } from "./addresses.ts";
import { CLUSTER } from "./cluster-options.ts";
import type { ClusterConfig, Config, ListenAddress, NodeSpec } from "./model.ts";
import { logTargetText } from "./log-target.ts";
import { GLOBAL, LIMITS, LISTEN, TIMEOUTS } from "./options.ts";
import { labelOf, type Row } from "./option.ts";
import type { Cidr } from "../seam/snapshot.ts";
import { durationText } from "./values.ts";

export interface ConfigDiff {
  /** One line per change that takes effect at once: `cluster hub: nodes +192.168.125.26`. */
  readonly changes: readonly string[];
  /** One line per change that does not: `listen.api: :6443 -> :7443`. */
  readonly needsRestart: readonly string[];
}

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const changed = SETTINGS.filter(({ show }) => show(before) !== show(after));
  const line = ({ row, show }: Shown<Config>): string =>
    row.secret ? `${labelOf(row)} changed` : `${labelOf(row)}: ${show(before)} -> ${show(after)}`;
  return {
    changes: [
      ...diffClusters(before.clusters, after.clusters),
      ...changed.filter(({ row }) => row.reload).map((each) => line(each)),
    ],
    needsRestart: changed.filter(({ row }) => !row.reload).map((each) => line(each)),
  };
}

/** A row, and its value in a configuration as text. */
interface Shown<C> {
  readonly row: Row<unknown>;
  readonly show: (config: C) => string;
}

/** Every row but `domain`, `rise`, `fall` and `interval`, which are seen in the clusters they change. */
const SETTINGS: readonly Shown<Config>[] = [
  { row: GLOBAL.defaultCluster, show: (config) => config.defaultCluster ?? "none" },
  { row: GLOBAL.allow, show: (config) => cidrs(config.allow, "everyone") },
  { row: GLOBAL.trustedProxies, show: (config) => cidrs(config.trustedProxies, "none") },
  { row: GLOBAL.maxConnections, show: (config) => String(config.maxConnections || "auto") },
  { row: GLOBAL.maxConnectionsPerClient, show: (config) => limit(config.maxConnectionsPerClient) },
  { row: GLOBAL.admin, show: ({ admin }) => (admin === null ? "off" : listenText(admin)) },
  { row: GLOBAL.adminAuth, show: ({ adminAuth }) => JSON.stringify(adminAuth) },
  { row: GLOBAL.control, show: (config) => config.control ?? "off" },
  { row: GLOBAL.engine, show: (config) => config.engine },
  { row: GLOBAL.workers, show: (config) => String(config.workers) },
  { row: GLOBAL.log, show: (config) => config.log },
  { row: GLOBAL.logTo, show: (config) => logTargetText(config.logTo) },
  { row: GLOBAL.accessLog, show: (config) => (config.accessLog ? "on" : "off") },
  { row: LISTEN.api, show: ({ listen }) => addresses(listen.api) },
  { row: LISTEN.https, show: ({ listen }) => addresses(listen.https) },
  { row: LISTEN.http, show: ({ listen }) => addresses(listen.http) },
  { row: LISTEN.mcs, show: ({ listen }) => addresses(listen.mcs) },
  { row: LIMITS.httpLine, show: ({ limits }) => String(limits.httpLine) },
  { row: LIMITS.httpHead, show: ({ limits }) => String(limits.httpHead) },
  { row: LIMITS.httpFields, show: ({ limits }) => String(limits.httpFields) },
  { row: TIMEOUTS.hello, show: ({ timeouts }) => durationText(timeouts.hello) },
  { row: TIMEOUTS.connect, show: ({ timeouts }) => durationText(timeouts.connect) },
  { row: TIMEOUTS.dialTotal, show: ({ timeouts }) => durationText(timeouts.dialTotal) },
  { row: TIMEOUTS.httpHead, show: ({ timeouts }) => durationText(timeouts.httpHead) },
  { row: TIMEOUTS.keepAlive, show: ({ timeouts }) => durationText(timeouts.keepAlive) },
  { row: TIMEOUTS.apiIdle, show: ({ timeouts }) => durationText(timeouts.apiIdle) },
  { row: TIMEOUTS.ingressIdle, show: ({ timeouts }) => durationText(timeouts.ingressIdle) },
  { row: TIMEOUTS.halfClosed, show: ({ timeouts }) => durationText(timeouts.halfClosed) },
  { row: TIMEOUTS.drain, show: ({ timeouts }) => durationText(timeouts.drain) },
  { row: TIMEOUTS.linger, show: ({ timeouts }) => durationText(timeouts.linger) },
  { row: TIMEOUTS.probe, show: ({ timeouts }) => durationText(timeouts.probe) },
];

const KEYS: readonly Shown<ClusterConfig>[] = [
  { row: CLUSTER.domain, show: (cluster) => cluster.domain ?? "unknown" },
  { row: CLUSTER.names, show: (cluster) => texts(cluster.names) },
  { row: CLUSTER.apiNames, show: (cluster) => texts(cluster.apiNames) },
  { row: CLUSTER.apiPort, show: ({ ports }) => String(ports.api) },
  { row: CLUSTER.httpsPort, show: ({ ports }) => String(ports.https) },
  { row: CLUSTER.httpPort, show: ({ ports }) => String(ports.http) },
  { row: CLUSTER.mcsPort, show: ({ ports }) => String(ports.mcs) },
  { row: CLUSTER.readyPort, show: ({ ports }) => String(ports.ready) },
  { row: CLUSTER.balanceApi, show: ({ balance }) => balance.api },
  { row: CLUSTER.balanceHttps, show: ({ balance }) => balance.https },
  { row: CLUSTER.balanceHttp, show: ({ balance }) => balance.http },
  { row: CLUSTER.check, show: (cluster) => cluster.check },
  { row: CLUSTER.rise, show: (cluster) => String(cluster.rise) },
  { row: CLUSTER.fall, show: (cluster) => String(cluster.fall) },
  { row: CLUSTER.intervalMs, show: (cluster) => durationText(cluster.intervalMs) },
  { row: CLUSTER.allow, show: (cluster) => cidrs(cluster.allow, "everyone") },
  { row: CLUSTER.maxConnections, show: (cluster) => limit(cluster.maxConnections) },
  { row: CLUSTER.sendProxy, show: ({ sendProxy }) => (sendProxy === 0 ? "off" : `v${sendProxy}`) },
  { row: CLUSTER.allDown, show: (cluster) => cluster.allDown },
  { row: CLUSTER.redirectHttps, show: (cluster) => (cluster.redirectHttps ? "on" : "off") },
];

const LISTS = [
  { row: CLUSTER.nodes, of: (cluster: ClusterConfig) => cluster.nodes },
  { row: CLUSTER.api, of: (cluster: ClusterConfig) => cluster.api },
  { row: CLUSTER.ingress, of: (cluster: ClusterConfig) => cluster.ingress },
] as const;

function diffClusters(before: readonly ClusterConfig[], after: readonly ClusterConfig[]): readonly string[] {
  const old = new Map(before.map((cluster) => [cluster.name, cluster]));
  const fresh = new Set(after.map(({ name }) => name));
  return [
    ...before.filter(({ name }) => !fresh.has(name)).map(({ name }) => `cluster ${name} removed`),
    ...after.flatMap((cluster) => {
      const was = old.get(cluster.name);
      return was === undefined ? [`cluster ${cluster.name} added`] : diffCluster(was, cluster);
    }),
  ];
}

function diffCluster(before: ClusterConfig, after: ClusterConfig): readonly string[] {
  const lists = LISTS.flatMap(({ row, of }) => {
    const change = diffNodes(of(before), of(after));
    return change === "" ? [] : [`${labelOf(row)} ${change}`];
  });
  const keys = KEYS.filter(({ show }) => show(before) !== show(after)).map(
    ({ row, show }) => `${labelOf(row)} ${show(before)} -> ${show(after)}`,
  );
  return [...lists, ...keys].map((change) => `cluster ${after.name}: ${change}`);
}

/** `+192.168.125.26 -192.168.125.20`; null is "no list of its own". */
function diffNodes(before: readonly NodeSpec[] | null, after: readonly NodeSpec[] | null): string {
  const [old, fresh] = [new Set(before?.map(({ host }) => host)), new Set(after?.map(({ host }) => host))];
  const added = [...fresh].filter((host) => !old.has(host)).map((host) => `+${host}`);
  const removed = [...old].filter((host) => !fresh.has(host)).map((host) => `-${host}`);
  const own = after === null && before !== null ? ["(now from nodes)"] : [];
  return [...added, ...removed, ...own].join(" ");
}

function cidrs(list: readonly Cidr[], none: string): string {
  return list.length === 0 ? none : list.map(cidrText).join(",");
}

function addresses(list: readonly ListenAddress[]): string {
  return list.length === 0 ? "off" : list.map(listenText).join(",");
}

function texts(list: readonly string[]): string {
  return list.length === 0 ? "none" : list.join(",");
}

function limit(count: number): string {
  return count === 0 ? "off" : String(count);
}
