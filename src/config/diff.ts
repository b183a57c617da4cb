/** What a reload changes, in words, and what of it has to wait for a restart. */
import { isBuiltIn, type ServiceName } from "../seam/services.ts";
import { clusterWith, type CLUSTER } from "./options/cluster-options.ts";
import type { ClusterConfig, Config } from "./model.ts";
import { changesOf } from "./options/option-group.ts";
import { labelOf } from "./options/option.ts";
import { settingsWith } from "./options/options.ts";
import { listenOf, settingOf } from "./clusters/service-settings.ts";

export interface ConfigDiff {
  /** One line per change that takes effect at once: `cluster hub: nodes +192.168.125.26`. */
  readonly changes: readonly string[];
  /** One line per change that does not: `listen.api: :6443 -> :7443`. */
  readonly needsRestart: readonly string[];
}

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const further = [...before.services, ...after.services].filter(({ name }) => !isBuiltIn(name));
  const names = [...new Set(further.map(({ name }) => name))];
  const changes = changesOf(settingsWith(names), withEach(before, names), withEach(after, names));
  const lines = changes.map(({ option, text }) => ({
    reload: option.reload,
    line: option.secret ? `${labelOf(option)} changed` : `${labelOf(option)}: ${text}`,
  }));
  const linesOf = (reload: boolean): readonly string[] =>
    lines.filter((each) => each.reload === reload).map(({ line }) => line);
  return {
    changes: [...diffClusters(before, after), ...linesOf(true)],
    needsRestart: linesOf(false),
  };
}

/** A service that the configuration does not have is one that is not listened to. */
function withEach(config: Config, names: readonly ServiceName[]): Config {
  const listen = Object.fromEntries(names.map((name) => [name, listenOf(config, { name })]));
  const defaults = Object.fromEntries(names.map((name) => [name, settingOf(config.defaults, name) ?? null]));
  return { ...config, listen: { ...config.listen, ...listen }, defaults: { ...config.defaults, ...defaults } };
}

function diffClusters(before: Config, after: Config): readonly string[] {
  const old = new Map(before.clusters.map((cluster) => [cluster.name, cluster]));
  const fresh = new Set(after.clusters.map(({ name }) => name));
  const now = new Set(after.services.map(({ name }) => name));
  // the keys of a service that comes or goes wait for a restart with it
  const keys = clusterWith(before.services.filter(({ name }) => now.has(name)));
  return [
    ...before.clusters.filter(({ name }) => !fresh.has(name)).map(({ name }) => `cluster ${name} removed`),
    ...after.clusters.flatMap((cluster) => {
      const was = old.get(cluster.name);
      return was === undefined ? [`cluster ${cluster.name} added`] : diffCluster(was, cluster, keys);
    }),
  ];
}

function diffCluster(before: ClusterConfig, after: ClusterConfig, keys: typeof CLUSTER): readonly string[] {
  const changes = changesOf(keys, before, after);
  return changes.map(({ option, text }) => `cluster ${after.name}: ${labelOf(option)} ${text}`);
}
