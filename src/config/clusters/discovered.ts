/** Clusters that were discovered: the lowest layer. They never take a name, an address or a domain of one that was given. */
import { checkClaims, nameSetsOf } from "./claims.ts";
import { resolveCluster, type ClusterTable } from "./clusters.ts";
import { keysOf } from "../options/cluster-options.ts";
import { readFlagClusters, type ClusterEntry } from "../layers/layers.ts";
import type { ClusterBase, ClusterConfig, Config } from "../model.ts";
import type { Machine } from "../options/option.ts";
import { COMMAND_LINE } from "../options/options.ts";
import { checkOwnNodes, type OwnPlace } from "./own-listeners.ts";
import { allNodes } from "./service-settings.ts";
import { Problems } from "../values/text.ts";

export interface DiscoveredInput {
  readonly layer: {
    /** `NAME=SPEC`, as for `--cluster`. */
    readonly discovered?: readonly string[];
    /** Names of those that were removed while running. */
    readonly removed: ReadonlySet<string>;
  };
  readonly base: ClusterBase;
  readonly table: ClusterTable;
  readonly machine: Machine;
  readonly place: OwnPlace | null;
}

/** The same configuration with those that clash with nothing; what does is left out, since nobody typed it. */
export function withDiscovered(config: Config, input: DiscoveredInput): Config {
  const { layer: from, table } = input;
  const { discovered: specs = [], removed } = from;
  if (specs.length === 0) return config;
  const keys = keysOf(table.options);
  const flags = specs.map((text) => ({ flag: COMMAND_LINE.clusters.flag, text }));
  const entries = readFlagClusters(flags, keys, new Problems(), "discovered");
  const isGone = ({ name }: ClusterEntry): boolean => removed.has(name);
  const clusters = [...config.clusters];
  for (const entry of entries.filter((each) => !isGone(each))) {
    const cluster = fitting(entry, clusters, config, input);
    if (cluster !== null) clusters.push(cluster);
  }
  const left = entries.filter(isGone).map(({ name, layer, where }) => ({ name, layer, where }));
  return { ...config, clusters, removed: [...config.removed, ...left] };
}

function fitting(
  entry: ClusterEntry,
  before: readonly ClusterConfig[],
  config: Config,
  { base, table, machine, place }: DiscoveredInput,
): ClusterConfig | null {
  const problems = new Problems();
  const found = resolveCluster(entry, { ...base, domain: null }, table, machine, problems);
  if (found === undefined || before.some(({ name }) => name === entry.name)) return null;
  const given = before.filter(({ layer }) => layer !== "discovered");
  const taken = new Set(given.flatMap((each) => allNodes(each).map(({ host }) => host)));
  const cluster = { ...found, nodes: found.nodes.filter(({ host }) => !taken.has(host)) };
  checkClaims([...before, cluster], nameSetsOf(table.services), problems);
  if (place !== null) checkOwnNodes({ ...config, clusters: [cluster] }, [entry], place, problems);
  return cluster.nodes.length === 0 || problems.count > 0 ? null : cluster;
}
