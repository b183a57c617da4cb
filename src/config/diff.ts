/** What a reload changes, in words, and what of it has to wait for a restart. */
import { CLUSTER } from "./cluster-options.ts";
import type { ClusterConfig, Config } from "./model.ts";
import { changesOf } from "./option-group.ts";
import { labelOf } from "./option.ts";
import { SETTINGS } from "./options.ts";

export interface ConfigDiff {
  /** One line per change that takes effect at once: `cluster hub: nodes +192.168.125.26`. */
  readonly changes: readonly string[];
  /** One line per change that does not: `listen.api: :6443 -> :7443`. */
  readonly needsRestart: readonly string[];
}

export function diffConfig(before: Config, after: Config): ConfigDiff {
  const lines = changesOf(SETTINGS, before, after).map(({ option, text }) => ({
    reload: option.reload,
    line: option.secret ? `${labelOf(option)} changed` : `${labelOf(option)}: ${text}`,
  }));
  const linesOf = (reload: boolean): readonly string[] =>
    lines.filter((each) => each.reload === reload).map(({ line }) => line);
  return {
    changes: [...diffClusters(before.clusters, after.clusters), ...linesOf(true)],
    needsRestart: linesOf(false),
  };
}

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
  const changes = changesOf(CLUSTER, before, after);
  return changes.map(({ option, text }) => `cluster ${after.name}: ${labelOf(option)} ${text}`);
}
