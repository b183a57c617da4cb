/** Two layers, one shape: what the file says and what the flags say, still as texts with their places. */
import type { ClusterKeys } from "../options/cluster-options.ts";
import { ClusterReader } from "./cluster-spec.ts";
import { readDomain } from "../values/names.ts";
import { COMMAND_LINE, GLOBAL } from "../options/options.ts";
import { LISTEN } from "../options/service-options.ts";
import type { Option } from "../options/option.ts";
import { addText, describe, reportUnknownKey, textsOf, type Texts } from "./option-texts.ts";
import { needsListener, serviceOfKey, wrongServiceName } from "./service-names.ts";
import { didYouMean, nearestWord, oneOf, quote, typed, type Located, type Problems } from "../values/text.ts";
import type { Tree } from "./yaml.ts";

export type Layer = "file" | "flags" | "runtime" | "discovered";

/** A flag and its value as the command line had them. */
export interface FlagText {
  /** Without dashes, long form. */
  readonly flag: string;
  readonly text: string;
}

/** A cluster as one layer describes it. */
export interface ClusterEntry {
  readonly name: string;
  readonly layer: Layer;
  readonly where: string;
  readonly keys: Texts;
  /** Something in it could not be read; the rest is still looked at. */
  readonly flawed: boolean;
}

/** The settings of the command line; `--config` is left to the caller. @param options Every setting there is. */
export function readFlagSettings(
  flags: readonly FlagText[],
  options: readonly Option<unknown>[],
  problems: Problems,
): Texts {
  const settings = new Map<Option<unknown>, Located[]>();
  for (const flag of flags) {
    if (flag.flag !== COMMAND_LINE.clusters.flag) readSettingFlag(flag, options, settings, problems);
  }
  return settings;
}

/** The clusters of the command line. @param keys Every key that a cluster may have. */
export function readFlagClusters(
  flags: readonly FlagText[],
  keys: ClusterKeys,
  problems: Problems,
  layer: Layer = "flags",
): readonly ClusterEntry[] {
  const texts = flags.filter(({ flag }) => flag === COMMAND_LINE.clusters.flag);
  const clusters = texts.flatMap(({ text }) => readClusterFlag(text, keys, layer, problems) ?? []);
  return withoutDuplicates(clusters, problems);
}

function readSettingFlag(
  { flag, text }: FlagText,
  all: readonly Option<unknown>[],
  settings: Map<Option<unknown>, Located[]>,
  problems: Problems,
): void {
  const options = all.filter((option) => option.flag === flag);
  const [first] = options;
  if (first === undefined) return; // the command line refuses unknown flags before
  const where = first.secret ? `--${flag}` : typed(`--${flag} ${text}`);
  const whole = options.find(({ item }) => item === null);
  const [item = "", ...rest] = text.split("=");
  if (whole !== undefined && (options.length === 1 || rest.length === 0)) {
    return addText(settings, whole, { text, where });
  }
  const option = item === EVERY ? whole : options.find((candidate) => candidate.item === item);
  if (option === undefined) reportUnknownItem({ text: item, where }, options, problems);
  else if (rest.length === 0) {
    problems.add(where, `Cannot use --${flag}: no value found, ${item}=${option.value} wanted`);
  } else addText(settings, option, { text: rest.join("="), where });
}

/** Stands for every service that the option says nothing else of. */
const EVERY = "*";

function reportUnknownItem(at: Located, options: readonly Option<unknown>[], problems: Problems): void {
  const { flag } = options[0] ?? LISTEN.api;
  const items = options.flatMap(({ item }) => item ?? []);
  const service = flag === GLOBAL.defaultCluster.flag ? unlistened(at.text, items) : null;
  if (service !== null) return reportUnlistened(at, `--${flag}`, service, problems);
  const isName = flag === LISTEN.api.flag && /^[\w-]+$/.test(at.text);
  const wanted = isName ? wrongServiceName(at.text) : null;
  const what = `Cannot use --${flag}: ${quote(at.text)} found`;
  problems.add(at.where, `${what}, ${wanted ?? oneOf(items)} wanted`, didYouMean(at.text, items));
}

/** How an operator sees where a spec came from. */
const FROM: Readonly<Record<Layer, string>> = {
  file: "--cluster",
  flags: "--cluster",
  runtime: "add",
  discovered: "discover",
};

function readClusterFlag(text: string, known: ClusterKeys, layer: Layer, problems: Problems): ClusterEntry | null {
  const where = typed(`${FROM[layer]} ${text}`);
  const before = problems.count;
  const equals = text.indexOf("=");
  if (equals < 0) {
    problems.add(where, `Cannot use --cluster: ${quote(text)} found, NAME=NODE[,NODE...] wanted`);
    return null;
  }
  const name = readClusterName({ text: text.slice(0, equals), where }, problems);
  const reader = new ClusterReader(text.slice(0, equals), known, problems);
  const keys = reader.readItems({ text: text.slice(equals + 1), where });
  return name === null ? null : { name, layer, where, keys, flawed: problems.count > before };
}

function readClusterName(at: Located, problems: Problems): string | null {
  const name = readDomain(at.text);
  if (name.ok) return name.value;
  problems.add(at.where, `Cannot use cluster name ${quote(at.text)}: a DNS label or name such as hub wanted`);
  return null;
}

const CLUSTERS = "clusters";

/** The settings of the file. @param options Every setting there is. */
export function readTreeSettings(tree: Tree, options: readonly Option<unknown>[], problems: Problems): Texts {
  const settings = new Map<Option<unknown>, Located[]>();
  if (tree.kind !== "map" && tree.kind !== "empty") {
    problems.add(tree.where, `Cannot use the file: ${describe(tree)} found, keys such as clusters: wanted`);
  }
  for (const { key, where, value } of tree.kind === "map" ? tree.entries : []) {
    if (key !== CLUSTERS) readSetting({ text: key, where }, value, options, settings, problems);
  }
  return settings;
}

/** The clusters of the file. @param keys Every key that a cluster may have. */
export function readTreeClusters(tree: Tree, keys: ClusterKeys, problems: Problems): readonly ClusterEntry[] {
  const entries = tree.kind === "map" ? tree.entries.filter(({ key }) => key === CLUSTERS) : [];
  const clusters = entries.flatMap(({ value }) => readClusters(value, keys, problems));
  return withoutDuplicates(clusters, problems);
}

/** How many clusters the file names, whatever it says of them. */
export function clusterCount(tree: Tree | null): number {
  const clusters = tree?.kind === "map" ? tree.entries.find(({ key }) => key === CLUSTERS)?.value : undefined;
  return clusters?.kind === "map" ? clusters.entries.length : 0;
}

function readSetting(
  key: Located,
  value: Tree,
  options: readonly Option<unknown>[],
  settings: Map<Option<unknown>, Located[]>,
  problems: Problems,
): void {
  const whole = options.find((candidate) => candidate.yaml === key.text);
  const group = options.filter((candidate) => candidate.yaml?.startsWith(`${key.text}.`));
  if (whole !== undefined && group.length > 0 && value.kind !== "map" && value.kind !== "text") {
    const [first] = group;
    const wanted = `${first?.value} or keys such as ${first?.item}: ${first?.value} wanted`;
    return problems.add(value.where, `Cannot use ${key.text}: ${describe(value)} found, ${wanted}`);
  }
  if (whole !== undefined && (group.length === 0 || value.kind !== "map")) {
    return addText(settings, whole, ...textsOf(value, whole, problems));
  }
  if (group.length === 0) return reportUnknownKey(key, "", topKeys(options), problems);
  if (value.kind !== "map") {
    const example = `${group[0]?.item}: ${group[0]?.value}`;
    return problems.add(
      value.where,
      `Cannot use ${key.text}: ${describe(value)} found, keys such as ${example} wanted`,
    );
  }
  for (const { key: item, where, value: inner } of value.entries) {
    const option = item === EVERY ? whole : group.find((candidate) => candidate.item === item);
    if (option !== undefined) addText(settings, option, ...textsOf(inner, option, problems));
    else reportUnknownGroupKey({ text: item, where }, key.text, group, problems);
  }
}

function reportUnknownGroupKey(at: Located, of: string, group: readonly Option<unknown>[], problems: Problems): void {
  const wrong = of === LISTEN.api.flag ? wrongServiceName(at.text) : null;
  const items = group.map(({ item }) => item ?? "");
  const service = of === GLOBAL.defaultCluster.flag ? unlistened(at.text, items) : null;
  if (service !== null) return reportUnlistened(at, `key ${quote(at.text)} of ${of}`, service, problems);
  if (wrong === null) return reportUnknownKey(at, ` of ${of}`, items, problems);
  return problems.add(
    at.where,
    `Cannot use key ${quote(at.text)} of ${of}: ${wrong} wanted`,
    didYouMean(at.text, items),
  );
}

/** @returns the service that is meant and has no listener; null: it is a mistyped word, or cannot be one */
function unlistened(text: string, known: readonly string[]): string | null {
  return nearestWord(text, known) === null ? serviceOfKey(text) : null;
}

function reportUnlistened({ where }: Located, what: string, service: string, problems: Problems): void {
  problems.add(where, `Cannot use ${what}: no service ${service} has a listener`, needsListener(service));
}

function topKeys(options: readonly Option<unknown>[]): readonly string[] {
  return [CLUSTERS, ...options.flatMap((option) => option.yaml?.split(".")[0] ?? [])];
}

function readClusters(tree: Tree, known: ClusterKeys, problems: Problems): readonly ClusterEntry[] {
  if (tree.kind === "empty") return [];
  if (tree.kind !== "map") {
    problems.add(tree.where, `Cannot use clusters: ${describe(tree)} found, NAME: { nodes: ... } wanted`);
    return [];
  }
  return tree.entries.flatMap(({ key, where, value }) => {
    const before = problems.count;
    const name = readClusterName({ text: key, where }, problems);
    const reader = new ClusterReader(key, known, problems);
    const keys = value.kind === "text" ? reader.readItems(value) : reader.readMap(value);
    return name === null ? [] : [{ name, layer: "file" as const, where, keys, flawed: problems.count > before }];
  });
}

function withoutDuplicates(entries: readonly ClusterEntry[], problems: Problems): readonly ClusterEntry[] {
  const first = new Map<string, ClusterEntry>();
  for (const entry of entries) {
    const before = first.get(entry.name);
    if (before === undefined) first.set(entry.name, entry);
    else problems.add(entry.where, `Cannot use cluster ${quote(entry.name)} twice: first at ${before.where}`);
  }
  return [...first.values()];
}
