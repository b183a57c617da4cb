/** Changes of single clusters in a YAML file; comments, order and everything else stay. */
import { isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Pair, type YAMLMap } from "yaml";
import { clusterWith, keysOf } from "../options/cluster-options.ts";
import { ClusterReader } from "./cluster-spec.ts";
import { readDomain } from "../values/names.ts";
import { Problems } from "../values/text.ts";
import type { Service } from "../../seam/services.ts";

/** @param spec As behind `--cluster NAME=`; it can be read. @returns the file's new text; the cluster keeps its place if it has one */
export function setCluster(text: string, name: string, spec: string, services: readonly Service[]): string {
  const document = parse(text);
  const clusters = clustersOf(document);
  const pair = clusters.items.find((each) => isNamed(each, name));
  const value = document.createNode(valuesOf(name, spec, services), { flow: inFlow(clusters, pair) });
  for (const { value: list } of value.items) if (isSeq(list)) list.flow = true;
  if (pair === undefined) clusters.add(document.createPair(name, value));
  else replaceValue(pair, value);
  return print(document);
}

/** The remark behind the old value still holds. */
function replaceValue(pair: Pair, value: YAMLMap): void {
  if (isNode(pair.value)) {
    if (pair.value.comment !== undefined) value.comment = pair.value.comment;
    if (pair.value.commentBefore !== undefined) value.commentBefore = pair.value.commentBefore;
  }
  pair.value = value;
}

/** @returns the file's new text; null when it does not have the cluster */
export function removeCluster(text: string, name: string): string | null {
  const document = parse(text);
  const clusters = document.get("clusters");
  if (!isMap(clusters)) return null;
  const at = clusters.items.findIndex((each) => isNamed(each, name));
  if (at < 0) return null;
  clusters.items.splice(at, 1);
  return print(document);
}

/** "failsafe" as in yaml.ts: every scalar stays the text that was written. */
function parse(text: string): Document {
  return parseDocument(text, { schema: "failsafe" });
}

/** Lines are not folded: what was one line stays one. */
function print(document: Document): string {
  return document.toString({ lineWidth: 0 });
}

/** The map of clusters, made where there is none. */
function clustersOf(document: Document): YAMLMap {
  const found = document.get("clusters");
  if (isMap(found)) return found;
  const made = document.createNode({});
  made.flow = false;
  if (isMap(document.contents)) document.set("clusters", made);
  else document.contents = document.createNode({ clusters: made });
  return made;
}

function isNamed({ key }: Pair, name: string): boolean {
  if (!isScalar(key) || typeof key.value !== "string") return false;
  const read = readDomain(key.value);
  return read.ok && read.value === name;
}

/** Written as the one before it, or as most people write few keys. */
function inFlow(clusters: YAMLMap, pair: Pair | undefined): boolean {
  const like = pair?.value ?? clusters.items.at(-1)?.value;
  return isMap(like) ? like.flow === true : true;
}

function valuesOf(
  name: string,
  spec: string,
  services: readonly Service[],
): Record<string, string | readonly string[]> {
  const reader = new ClusterReader(name, keysOf(clusterWith(services)), new Problems());
  const texts = reader.readItems({ text: spec, where: "" });
  const keys: Record<string, string | readonly string[]> = {};
  for (const [option, values] of texts) {
    const [only, ...more] = values.map(({ text }) => text);
    if (option.item !== null && only !== undefined) keys[option.item] = more.length === 0 ? only : [only, ...more];
  }
  return keys;
}
