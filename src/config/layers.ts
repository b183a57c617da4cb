/** Two layers, one shape: what the file says and what the flags say, still as texts with their places. */
import { readClusterItems, readClusterMap } from "./cluster-spec.ts";
import { readDomain } from "./names.ts";
import { COMMAND_LINE, TOP_OPTIONS } from "./options.ts";
import type { Option } from "./option.ts";
import { addText, describe, reportUnknownKey, textsOf, type Texts } from "./option-texts.ts";
import { didYouMean, oneOf, quote, typed, type Located, type Problems } from "./text.ts";
import type { Tree } from "./yaml.ts";

export type Layer = "file" | "flags" | "runtime";

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

export interface LayerTexts {
  readonly settings: Texts;
  readonly clusters: readonly ClusterEntry[];
}

/** The layer of the command line; `--config` is left to the caller. */
export function readFlags(flags: readonly FlagText[], problems: Problems, layer: Layer = "flags"): LayerTexts {
  const settings = new Map<Option<unknown>, Located[]>();
  const clusters: ClusterEntry[] = [];
  for (const flag of flags) {
    if (flag.flag === COMMAND_LINE.clusters.flag) {
      const entry = readClusterFlag(flag.text, layer, problems);
      if (entry !== null) clusters.push(entry);
    } else readSettingFlag(flag, settings, problems);
  }
  return { settings, clusters: withoutDuplicates(clusters, problems) };
}

function readSettingFlag(flag: FlagText, settings: Map<Option<unknown>, Located[]>, problems: Problems): void {
  const options = TOP_OPTIONS.filter((option) => option.flag === flag.flag);
  const [only] = options;
  if (only === undefined) return; // the command line refuses unknown flags before
  const where = only.secret ? `--${flag.flag}` : typed(`--${flag.flag} ${flag.text}`);
  if (only.item === null) return addText(settings, only, { text: flag.text, where });
  const [item = "", ...rest] = flag.text.split("=");
  const option = options.find((candidate) => candidate.item === item);
  const items = options.map((candidate) => candidate.item ?? "");
  if (option === undefined) {
    problems.add(
      where,
      `Cannot use --${flag.flag}: ${quote(item)} found, ${oneOf(items)} wanted`,
      didYouMean(item, items),
    );
  } else if (rest.length === 0) {
    problems.add(where, `Cannot use --${flag.flag}: no value found, ${item}=${option.value} wanted`);
  } else addText(settings, option, { text: rest.join("="), where });
}

function readClusterFlag(text: string, layer: Layer, problems: Problems): ClusterEntry | null {
  const where = typed(`${layer === "runtime" ? "add" : "--cluster"} ${text}`);
  const before = problems.count;
  const equals = text.indexOf("=");
  if (equals < 0) {
    problems.add(where, `Cannot use --cluster: ${quote(text)} found, NAME=NODE[,NODE...] wanted`);
    return null;
  }
  const name = readClusterName({ text: text.slice(0, equals), where }, problems);
  const keys = readClusterItems({ text: text.slice(equals + 1), where }, text.slice(0, equals), problems);
  return name === null ? null : { name, layer, where, keys, flawed: problems.count > before };
}

function readClusterName(at: Located, problems: Problems): string | null {
  const name = readDomain(at.text);
  if (name.ok) return name.value;
  problems.add(at.where, `Cannot use cluster name ${quote(at.text)}: a DNS label or name such as hub wanted`);
  return null;
}

/** The layer of the file. */
export function readTree(tree: Tree, problems: Problems): LayerTexts {
  const settings = new Map<Option<unknown>, Located[]>();
  const clusters: ClusterEntry[] = [];
  if (tree.kind !== "map" && tree.kind !== "empty") {
    problems.add(tree.where, `Cannot use the file: ${describe(tree)} found, keys such as clusters: wanted`);
  }
  for (const { key, where, value } of tree.kind === "map" ? tree.entries : []) {
    if (key === "clusters") clusters.push(...readClusters(value, problems));
    else readSetting({ text: key, where }, value, settings, problems);
  }
  return { settings, clusters: withoutDuplicates(clusters, problems) };
}

function readSetting(key: Located, value: Tree, settings: Map<Option<unknown>, Located[]>, problems: Problems): void {
  const option = TOP_OPTIONS.find((candidate) => candidate.yaml === key.text);
  if (option !== undefined) return addText(settings, option, ...textsOf(value, option, problems));
  const group = TOP_OPTIONS.filter((candidate) => candidate.yaml?.startsWith(`${key.text}.`));
  if (group.length === 0) return reportUnknownKey(key, "", topKeys(), problems);
  if (value.kind !== "map") {
    const example = `${group[0]?.item}: ${group[0]?.value}`;
    return problems.add(
      value.where,
      `Cannot use ${key.text}: ${describe(value)} found, keys such as ${example} wanted`,
    );
  }
  for (const { key: item, where, value: inner } of value.entries) {
    const option = group.find((candidate) => candidate.item === item);
    if (option !== undefined) addText(settings, option, ...textsOf(inner, option, problems));
    else
      reportUnknownKey(
        { text: item, where },
        ` of ${key.text}`,
        group.map((one) => one.item ?? ""),
        problems,
      );
  }
}

function topKeys(): readonly string[] {
  return ["clusters", ...TOP_OPTIONS.flatMap((option) => option.yaml?.split(".")[0] ?? [])];
}

function readClusters(tree: Tree, problems: Problems): readonly ClusterEntry[] {
  if (tree.kind === "empty") return [];
  if (tree.kind !== "map") {
    problems.add(tree.where, `Cannot use clusters: ${describe(tree)} found, NAME: { nodes: ... } wanted`);
    return [];
  }
  return tree.entries.flatMap(({ key, where, value }) => {
    const before = problems.count;
    const name = readClusterName({ text: key, where }, problems);
    const keys = value.kind === "text" ? readClusterItems(value, key, problems) : readClusterMap(value, key, problems);
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
