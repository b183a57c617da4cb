/** A kubeconfig whose cluster is reached through edge-lb; comments, order and everything else stay. */
import { isMap, isScalar, isSeq, parseDocument, type Document, type YAMLMap } from "yaml";
import { oneOf, quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";

export interface KubeconfigTarget {
  /** The cluster as edge-lb calls it. */
  readonly cluster: string;
  /** `https://api.hub.lab:6443` */
  readonly server: string;
  /** The name in the API's certificate, where `server` has an address; null: `server` has it. */
  readonly tlsServerName: string | null;
  /** Names that stand for the cluster's API in a server's URL. */
  readonly names: readonly string[];
}

/** @param where Of the text, for messages. @throws EdgeError CONFIG_UNREADABLE: no kubeconfig, or none of its clusters is meant */
export function retarget(text: string, where: string, target: KubeconfigTarget): string {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault !== undefined) throw unreadable(where, `no YAML found (${fault.code.toLowerCase().replaceAll("_", " ")})`);
  const entry = chooseEntry(document, where, target);
  const cluster = entry.get("cluster");
  if (!isMap(cluster)) throw unreadable(where, `cluster ${quote(nameOf(entry))} without its part cluster found`);
  cluster.set("server", target.server);
  if (target.tlsServerName === null) cluster.delete("tls-server-name");
  else cluster.set("tls-server-name", target.tlsServerName);
  // kubectl does not indent lists, and certificates are one long line
  return document.toString({ lineWidth: 0, indentSeq: !/^clusters:\s*\n-/m.test(text) });
}

/** The only one, the one of that name, the one whose server has the cluster's name, or the one of the current context. */
function chooseEntry(document: Document, where: string, { cluster, names }: KubeconfigTarget): YAMLMap {
  const clusters = document.get("clusters");
  const entries = isSeq(clusters) ? clusters.items.filter((item) => isMap(item)) : [];
  const [first] = entries;
  if (first === undefined) throw unreadable(where, "no clusters found, a kubeconfig wanted");
  if (entries.length === 1) return first;
  const current = currentCluster(document);
  const found =
    entries.find((entry) => nameOf(entry) === cluster) ??
    entries.find((entry) => names.includes(hostOf(entry))) ??
    entries.find((entry) => nameOf(entry) === current);
  if (found !== undefined) return found;
  throw unreadable(where, `${oneOf(entries.map(nameOf))} found, one called ${cluster} wanted`);
}

function currentCluster(document: Document): string | null {
  const contexts = document.get("contexts");
  const current = document.get("current-context");
  const context = isSeq(contexts)
    ? contexts.items.find((item) => isMap(item) && item.get("name") === current)
    : undefined;
  const cluster = isMap(context) ? context.getIn(["context", "cluster"]) : undefined;
  return typeof cluster === "string" ? cluster : null;
}

function nameOf(entry: YAMLMap): string {
  return String(entry.get("name") ?? "");
}

function hostOf(entry: YAMLMap): string {
  const server = entry.getIn(["cluster", "server"], true);
  const url = isScalar(server) ? String(server.value) : "";
  return URL.canParse(url) ? new URL(url).hostname : "";
}

function unreadable(where: string, found: string): EdgeError {
  return new EdgeError("CONFIG_UNREADABLE", `Cannot use the kubeconfig: ${found}`, { where });
}
