/** `edge-lb explain NAME|URL`: the rule, the cluster, the pool and its candidates, as configured. */
import { cidrText } from "../config/addresses.ts";
import { requireClusters } from "../config/load.ts";
import type { ClusterConfig, Config } from "../config/model.ts";
import { nodesFor } from "../config/clusters.ts";
import { buildSnapshot } from "../config/snapshot.ts";
import { quote } from "../config/text.ts";
import { canonicalIp, formatEndpoint } from "../core/address.ts";
import { buildRoutes, explainLookup, type RouteMatch, type Routes } from "../core/route/lookup.ts";
import { canonicalName } from "../core/route/names.ts";
import { nearestName } from "../core/route/nearest.ts";
import { EdgeError } from "../errors.ts";
import { LISTENER_KINDS, type ListenerKind } from "../seam/snapshot.ts";
import type { Io } from "./io.ts";

/** @throws EdgeError when the text is no name and no URL */
export function explain(config: Config, text: string, io: Io): number {
  requireClusters(config);
  const target = readTarget(text);
  const kinds = kindsOf(target, config);
  if (kinds.length === 0) {
    io.out(`${target.name}: nothing listens on port ${target.port}\n`);
    return 1;
  }
  const routes = buildRoutes(buildSnapshot(config, STATIC));
  const found = kinds.flatMap((kind) => explainKind(config, routes, kind, target.name) ?? []);
  if (found.length === 0) io.out(`${target.name}: ${unknownWords(routes, kinds, target.name)}\n`);
  else io.out(`${found.join("\n\n")}\n`);
  return found.length === 0 ? 1 : 0;
}

/** Routes need no addresses and no counters. */
const STATIC = { version: 1, rowOf: () => 0, addressesOf: () => [], maxConnections: 1 };

interface Target {
  /** Canonical, or an address. */
  readonly name: string;
  readonly scheme: "http" | "https" | null;
  /** As written. */
  readonly port: number | null;
}

function readTarget(text: string): Target {
  const [, scheme, authority = ""] = /^(?:(https?):\/\/)?([^/?#]*)/i.exec(text) ?? [];
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const name = canonicalIp(bracketed ?? plain) ?? (bracketed === undefined ? canonicalName(plain) : null);
  const lower = scheme?.toLowerCase();
  if (name === null || (lower === undefined && /[/?#]/.test(text))) {
    throw new EdgeError("USAGE", `Cannot explain ${quote(text)}: a name or an http(s) URL wanted`);
  }
  const port = portText === undefined ? null : Number(portText);
  return { name, scheme: lower === "http" || lower === "https" ? lower : null, port };
}

/** A port says which listener it is, a scheme names one; a bare name is asked of all that are on. */
function kindsOf({ scheme, port }: Target, config: Config): readonly ListenerKind[] {
  const on = LISTENER_KINDS.filter((kind) => config.listen[kind].length > 0);
  if (port !== null) return on.filter((kind) => config.listen[kind].some((at) => at.port === port));
  return scheme === null ? on : on.filter((kind) => kind === scheme);
}

function explainKind(config: Config, routes: Routes, kind: ListenerKind, name: string): string | null {
  // A client that is given an address sends no server name, but it does send a Host.
  if (kind !== "http" && canonicalIp(name) !== null) return explainDefault(config, kind, name);
  const match = explainLookup(routes, kind, name);
  const cluster = match === null ? undefined : config.clusters[match.cluster];
  return match === null || cluster === undefined ? null : describeMatch(name, kind, ruleText(match), cluster);
}

function explainDefault(config: Config, kind: ListenerKind, name: string): string | null {
  const cluster = config.clusters.find((each) => each.name === config.defaultCluster);
  if (cluster === undefined || kind === "mcs") return null;
  return describeMatch(name, kind, "--default, as an address carries no server name", cluster);
}

function ruleText({ rule, row }: RouteMatch): string {
  if (rule === "exact") return row;
  if (rule === "below") return `*.${row}`;
  return row.startsWith("apps.") ? `*.${row}.* (no domain known yet)` : `${row}.* (no domain known yet)`;
}

function describeMatch(name: string, kind: ListenerKind, rule: string, cluster: ClusterConfig): string {
  const candidates = nodesFor(cluster, kind).map(({ host, isName }) => {
    return `             ${formatEndpoint(host, cluster.ports[kind])}${isName ? " (resolved when running)" : ""}`;
  });
  const allow = cluster.allow.length === 0 ? [] : [`  allow      ${cluster.allow.map(cidrText).join(", ")}`];
  return [
    `${name} on ${kind}`,
    `  rule       ${rule}`,
    `  cluster    ${cluster.name} (${cluster.where})`,
    ...allow,
    `  pool       ${kind}, ${cluster.balance[kind]}, ${candidates.length} candidates`,
    ...candidates,
  ].join("\n");
}

function unknownWords(routes: Routes, kinds: readonly ListenerKind[], name: string): string {
  const where = kinds.join(", ");
  const near = kinds.map((kind) => nearestName(routes, kind, name)).find((each) => each !== null);
  return `no cluster has this name on ${where}; ${near === undefined ? "nothing known is near" : `nearest is ${near}`}`;
}
