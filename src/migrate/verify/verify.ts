/** The proof: every name asked of the source's rules and of edge-lb's route table, and why answers differ. */
import { buildSnapshot } from "../../config/build-snapshot.ts";
import type { NodeSpec } from "../../config/addresses.ts";
import type { Config } from "../../config/model.ts";
import { buildRoutes, route, type Routes } from "../../core/route/lookup.ts";
import { canonicalHost, canonicalName } from "../../core/route/canonical-name.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import { serviceNamed, type BuiltInName } from "../../seam/services.ts";
import type { ImportResult } from "../import.ts";
import type { Entry } from "../plan/listeners.ts";
import { endpointText } from "../plan/units.ts";
import { usableServers } from "../source/proxies.ts";
import type { Note } from "../source/ledger.ts";
import { evaluate, type Outcome } from "../source/evaluator.ts";
import { findReason } from "./reasons.ts";
import { namesToAsk } from "./names.ts";

export interface Difference {
  readonly listener: BuiltInName;
  /** Frontend of the source. */
  readonly frontend: string;
  /** As sent; null: no name. */
  readonly name: string | null;
  readonly source: string;
  readonly edge: string;
  /** The note that explains it; null is an error of the import. */
  readonly reason: Note | null;
}

export interface Verification {
  /** Names asked, over all listeners. */
  readonly asked: number;
  readonly differences: readonly Difference[];
}

/** Where a name leads on one of the two sides. */
export interface Answer {
  /** Words for people. */
  readonly text: string;
  /** Sorted `ip:port`, `redirect`, `` for nowhere. */
  readonly reached: string;
  /** Cluster of edge-lb, or -1. */
  readonly cluster: number;
}

/** @param config What edge-lb makes of the written configuration. */
export function verifyImport(result: ImportResult, config: Config): Verification {
  const addresses = standIns(result);
  const snapshot = buildSnapshot(config, {
    version: 1,
    cellOf: () => 0,
    addressesOf: ({ host }: NodeSpec) => [addresses.get(host) ?? host],
    maxConnections: 1,
  });
  const edge: Edge = { config, snapshot, routes: buildRoutes(snapshot), addresses };
  let asked = 0;
  const differences: Difference[] = [];
  for (const entry of result.entries) {
    for (const name of namesToAsk(result, entry)) {
      asked++;
      const difference = compare(result, edge, entry, name);
      if (difference !== null) differences.push(difference);
    }
  }
  return { asked, differences };
}

interface Edge {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly routes: Routes;
  readonly addresses: ReadonlyMap<string, string>;
}

/** Host names are not looked up in a proof: each gets an address that stands for it (RFC 6890: never used). */
function standIns({ units }: ImportResult): ReadonlyMap<string, string> {
  const hosts = new Set(
    units.flatMap((unit) => unit.servers.filter((server) => server.isName).map((server) => server.host)),
  );
  return new Map([...hosts].map((host, index) => [host, `240.0.${Math.floor(index / 256) % 256}.${index % 256}`]));
}

function compare(result: ImportResult, edge: Edge, entry: Entry, name: string | null): Difference | null {
  const port = entry.binds[0]?.port ?? 0;
  const outcome = evaluate(result.source, { proxy: entry.proxy, port, name });
  const was = sourceAnswer(outcome, port, edge.addresses);
  const is = edgeAnswer(edge, entry.kind, name);
  if (was.reached === is.reached && outcome.kind !== "unknown") return null;
  const group = result.groups.find((one) => one.name === edge.snapshot.clusters[is.cluster]?.name) ?? null;
  const reason = findReason(result, { entry, name, outcome, edgeReaches: is.reached, group });
  return { listener: entry.kind, frontend: entry.proxy.name, name, source: was.text, edge: is.text, reason };
}

function sourceAnswer(outcome: Outcome, port: number, addresses: ReadonlyMap<string, string>): Answer {
  if (outcome.kind === "redirect-https") return { text: "redirect to https", reached: "redirect", cluster: -1 };
  if (outcome.kind === "unknown") return { text: `it depends (line ${outcome.line.line})`, reached: "?", cluster: -1 };
  if (outcome.kind === "none") return { text: "refused", reached: "", cluster: -1 };
  const servers = usableServers(outcome.backend);
  const reached = servers.map((server) =>
    endpointText({ ...server, host: addresses.get(server.host) ?? server.host }, port),
  );
  const text = servers.length === 0 ? "refused" : `${outcome.backend.name}${outcome.byDefault ? " by default" : ""}`;
  return { text, reached: [...new Set(reached)].sort().join(" "), cluster: -1 };
}

/** A client of no cluster. */
const NOBODY = "";

function edgeAnswer({ config, snapshot, routes }: Edge, kind: BuiltInName, name: string | null): Answer {
  const service = serviceNamed(snapshot.services, kind);
  if (service === undefined) return { text: "refused", reached: "", cluster: -1 };
  const canonical = name === null ? null : service.routedBy === "host" ? canonicalHost(name) : canonicalName(name);
  const index = route(routes, service.index, canonical, NOBODY)?.cluster ?? -1;
  const cluster = snapshot.clusters[index];
  const endpoints = cluster?.pools[service.index]?.endpoints ?? [];
  if (cluster === undefined || config.listen[kind].length === 0) return { text: "refused", reached: "", cluster: -1 };
  if (service.routedBy === "host" && cluster.redirectHttps)
    return { text: "redirect to https", reached: "redirect", cluster: index };
  if (endpoints.length === 0) return { text: "refused", reached: "", cluster: -1 };
  const reached = endpoints.map(({ at }) => (at.ip.includes(":") ? `[${at.ip}]:${at.port}` : `${at.ip}:${at.port}`));
  return { text: `cluster ${cluster.name}`, reached: reached.sort().join(" "), cluster: index };
}
