/** What a reload changes, in words, and what of it has to wait for a restart. */
import { cidrText, listenText } from "./addresses.ts";
import { CLUSTER } from "./cluster-options.ts";
import type { ClusterConfig, Config, ListenAddress, NodeSpec } from "./model.ts";
import { logTargetText } from "./log-target.ts";
import { GLOBAL, LIMITS, LISTEN, TIMEOUTS } from "./options.ts";
import { labelOf, type Option } from "./option.ts";
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
  const line = ({ option, show }: Shown<Config>): string =>
    option.secret ? `${labelOf(option)} changed` : `${labelOf(option)}: ${show(before)} -> ${show(after)}`;
  return {
    changes: [
      ...diffClusters(before.clusters, after.clusters),
      ...changed.filter(({ option }) => option.reload).map((each) => line(each)),
    ],
    needsRestart: changed.filter(({ option }) => !option.reload).map((each) => line(each)),
  };
}

/** A option, and its value in a configuration as text. */
interface Shown<C> {
  readonly option: Option<unknown>;
  readonly show: (config: C) => string;
}

/** Every option but `domain`, `rise`, `fall` and `interval`, which are seen in the clusters they change. */
const SETTINGS: readonly Shown<Config>[] = [
  { option: GLOBAL.defaultCluster, show: (config) => config.defaultCluster ?? "none" },
  { option: GLOBAL.allow, show: (config) => cidrs(config.allow, "everyone") },
  { option: GLOBAL.trustedProxies, show: (config) => cidrs(config.trustedProxies, "none") },
  { option: GLOBAL.maxConnections, show: (config) => String(config.maxConnections || "auto") },
  { option: GLOBAL.maxConnectionsPerClient, show: (config) => limit(config.maxConnectionsPerClient) },
  { option: GLOBAL.admin, show: ({ admin }) => (admin === null ? "off" : listenText(admin)) },
  { option: GLOBAL.adminAuth, show: ({ adminAuth }) => JSON.stringify(adminAuth) },
  { option: GLOBAL.control, show: (config) => config.control ?? "off" },
  { option: GLOBAL.engine, show: (config) => config.engine },
  { option: GLOBAL.workers, show: (config) => String(config.workers) },
  { option: GLOBAL.log, show: (config) => config.log },
  { option: GLOBAL.logTo, show: (config) => logTargetText(config.logTo) },
  { option: GLOBAL.accessLog, show: (config) => (config.accessLog ? "on" : "off") },
  { option: LISTEN.api, show: ({ listen }) => addresses(listen.api) },
  { option: LISTEN.https, show: ({ listen }) => addresses(listen.https) },
  { option: LISTEN.http, show: ({ listen }) => addresses(listen.http) },
  { option: LISTEN.mcs, show: ({ listen }) => addresses(listen.mcs) },
  { option: LIMITS.httpLine, show: ({ limits }) => String(limits.httpLine) },
  { option: LIMITS.httpHead, show: ({ limits }) => String(limits.httpHead) },
  { option: LIMITS.httpFields, show: ({ limits }) => String(limits.httpFields) },
  { option: TIMEOUTS.hello, show: ({ timeouts }) => durationText(timeouts.hello) },
  { option: TIMEOUTS.connect, show: ({ timeouts }) => durationText(timeouts.connect) },
  { option: TIMEOUTS.dialTotal, show: ({ timeouts }) => durationText(timeouts.dialTotal) },
  { option: TIMEOUTS.httpHead, show: ({ timeouts }) => durationText(timeouts.httpHead) },
  { option: TIMEOUTS.keepAlive, show: ({ timeouts }) => durationText(timeouts.keepAlive) },
  { option: TIMEOUTS.apiIdle, show: ({ timeouts }) => durationText(timeouts.apiIdle) },
  { option: TIMEOUTS.ingressIdle, show: ({ timeouts }) => durationText(timeouts.ingressIdle) },
  { option: TIMEOUTS.halfClosed, show: ({ timeouts }) => durationText(timeouts.halfClosed) },
  { option: TIMEOUTS.drain, show: ({ timeouts }) => durationText(timeouts.drain) },
  { option: TIMEOUTS.linger, show: ({ timeouts }) => durationText(timeouts.linger) },
  { option: TIMEOUTS.probe, show: ({ timeouts }) => durationText(timeouts.probe) },
];

const KEYS: readonly Shown<ClusterConfig>[] = [
  { option: CLUSTER.domain, show: (cluster) => cluster.domain ?? "unknown" },
  { option: CLUSTER.names, show: (cluster) => texts(cluster.names) },
  { option: CLUSTER.apiNames, show: (cluster) => texts(cluster.apiNames) },
  { option: CLUSTER.apiPort, show: ({ ports }) => String(ports.api) },
  { option: CLUSTER.httpsPort, show: ({ ports }) => String(ports.https) },
  { option: CLUSTER.httpPort, show: ({ ports }) => String(ports.http) },
  { option: CLUSTER.mcsPort, show: ({ ports }) => String(ports.mcs) },
  { option: CLUSTER.readyPort, show: ({ ports }) => String(ports.ready) },
  { option: CLUSTER.balanceApi, show: ({ balance }) => balance.api },
  { option: CLUSTER.balanceHttps, show: ({ balance }) => balance.https },
  { option: CLUSTER.balanceHttp, show: ({ balance }) => balance.http },
  { option: CLUSTER.check, show: (cluster) => cluster.check },
  { option: CLUSTER.rise, show: (cluster) => String(cluster.rise) },
  { option: CLUSTER.fall, show: (cluster) => String(cluster.fall) },
  { option: CLUSTER.intervalMs, show: (cluster) => durationText(cluster.intervalMs) },
  { option: CLUSTER.allow, show: (cluster) => cidrs(cluster.allow, "everyone") },
  { option: CLUSTER.maxConnections, show: (cluster) => limit(cluster.maxConnections) },
  { option: CLUSTER.sendProxy, show: ({ sendProxy }) => (sendProxy === 0 ? "off" : `v${sendProxy}`) },
  { option: CLUSTER.allDown, show: (cluster) => cluster.allDown },
  { option: CLUSTER.redirectHttps, show: (cluster) => (cluster.redirectHttps ? "on" : "off") },
];

const LISTS = [
  { option: CLUSTER.nodes, of: (cluster: ClusterConfig) => cluster.nodes },
  { option: CLUSTER.api, of: (cluster: ClusterConfig) => cluster.api },
  { option: CLUSTER.ingress, of: (cluster: ClusterConfig) => cluster.ingress },
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
  const lists = LISTS.flatMap(({ option, of }) => {
    const change = diffNodes(of(before), of(after));
    return change === "" ? [] : [`${labelOf(option)} ${change}`];
  });
  const keys = KEYS.filter(({ show }) => show(before) !== show(after)).map(
    ({ option, show }) => `${labelOf(option)} ${show(before)} -> ${show(after)}`,
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
