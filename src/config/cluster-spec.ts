/**
 * The grammar of a cluster: `ITEM[,ITEM...]` on the command line, keys in the file.
 * An ITEM without `=` continues the key before it; before any key it is a node of any role.
 */
import { CLUSTER, CLUSTER_KEYS } from "./cluster-options.ts";
import { addText, describe, reportUnknownKey, textsOf, type Texts } from "./option-texts.ts";
import type { Option } from "./option.ts";
import { quote, type Located, type Problems } from "./text.ts";
import type { Tree } from "./yaml.ts";

/** The items of `--cluster NAME=…`, or of a cluster written as one text in the file. */
export function readClusterItems(spec: Located, name: string, problems: Problems): Texts {
  const texts = new Map<Option<unknown>, Located[]>();
  /** Null: the key was unknown, and so are the items that continue it. */
  let option: Option<unknown> | null = CLUSTER.nodes;
  for (const part of spec.text.split(",")) {
    const item = part.trim();
    const [key = "", ...rest] = item.split("=");
    if (rest.length > 0) {
      option = readKey({ text: key, where: spec.where }, name, problems);
      if (option !== null) addKey(option, rest.join("="), texts, spec.where, name, problems);
    } else if (option !== null) addItem(option, item, texts, spec.where, name, problems);
  }
  return texts;
}

function readKey(key: Located, name: string, problems: Problems): Option<unknown> | null {
  const option = CLUSTER_KEYS.get(key.text);
  if (option === undefined) reportUnknownKey(key, ` of cluster ${quote(name)}`, CLUSTER_KEYS.keys(), problems);
  return option ?? null;
}

type Gathered = Map<Option<unknown>, Located[]>;

function addKey(
  option: Option<unknown>,
  text: string,
  to: Gathered,
  where: string,
  name: string,
  problems: Problems,
): void {
  if (text === "") {
    problems.add(where, `Cannot use ${option.item} of cluster ${quote(name)}: no value found, ${option.value} wanted`);
  } else if (!option.many && to.has(option)) {
    problems.add(where, `Cannot use ${option.item} of cluster ${quote(name)}: given twice, once wanted`);
  } else addText(to, option, { text, where });
}

function addItem(
  option: Option<unknown>,
  item: string,
  to: Gathered,
  where: string,
  name: string,
  problems: Problems,
): void {
  const key = CLUSTER_KEYS.get(item);
  if (item === "") {
    problems.add(where, `Cannot use cluster ${quote(name)}: an empty item found, a node or KEY=VALUE wanted`);
  } else if (key !== undefined) {
    problems.add(where, `Cannot use ${item} of cluster ${quote(name)}: no value found, ${item}=${key.value} wanted`);
  } else if (option.many) {
    addText(to, option, { text: item, where });
  } else {
    const hint = `put nodes first, or write nodes=${item}`;
    problems.add(
      where,
      `Cannot use ${option.item} of cluster ${quote(name)}: ${quote(item)} continues it, one value wanted`,
      hint,
    );
  }
}

/** The keys of `clusters.NAME` in the file. */
export function readClusterMap(tree: Tree, name: string, problems: Problems): Texts {
  const texts = new Map<Option<unknown>, Located[]>();
  if (tree.kind !== "map") {
    problems.add(tree.where, `Cannot use cluster ${quote(name)}: ${describe(tree)} found, keys such as nodes: wanted`);
    return texts;
  }
  for (const { key, where, value } of tree.entries) {
    const option = readKey({ text: key, where }, name, problems);
    if (option !== null) addText(texts, option, ...textsOf(value, option, problems));
  }
  return texts;
}
