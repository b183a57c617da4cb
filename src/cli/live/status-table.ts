/** A status as text for people: aligned, 80 columns for usual names, no colours. */
import { membersOf } from "../../core/health/cluster-state.ts";
import type { EndpointStatus, PoolStatus } from "../../control/status/pool-report.ts";
import type { ClusterStatus, Status } from "../../control/status/report.ts";
import { table } from "../terminal/table.ts";

/** Names that nobody serves, at most. */
const UNKNOWN_MOST = 10;
/** Nodes that serve nothing, at most: a range may be wider than the cluster is. */
const IDLE_MOST = 6;

export function statusText(status: Status): string {
  const blocks = [
    headline(status),
    listenerTable(status),
    ...status.clusters.map(clusterBlock),
    removedBlock(status),
    discoveryBlock(status),
    unknownBlock(status),
  ].filter((block) => block !== "");
  return blocks.join("\n");
}

/** `edge-lb 0.1.0, pid 4711, engine linux, 2 workers, up 3h 12m, 14 of 15934 connections`. */
export function headline(status: Status): string {
  const { release, pid, engine, ring, workers, uptimeSeconds, connections, stopping, reload, file } = status;
  const parts = [
    `edge-lb ${release}`,
    `pid ${pid}`,
    `engine ${engine}`,
    `${workers} ${workers === 1 ? "worker" : "workers"}`,
    `up ${ageText(uptimeSeconds)}`,
    `${connections.open} of ${connections.limit} connections`,
    ...(connections.byClientAddress > 0 ? [`${connections.byClientAddress} by client address`] : []),
    ...(stopping ? ["stopping"] : []),
    ...(ring?.on === false ? [`no io_uring (${ring.why})`] : []),
  ];
  const wrong = reload.lastError === null ? "" : `last reload of ${file} changed nothing: ${reload.lastError}\n`;
  return `${parts.join(", ")}\n${wrong}`;
}

function listenerTable({ listeners }: Status): string {
  const rows = listeners.map(({ kind, address, connections, total }) => [kind, address, `${connections}`, `${total}`]);
  return table([["LISTENER", "ADDRESS", "OPEN", "TOTAL"], ...rows]);
}

function clusterBlock(cluster: ClusterStatus): string {
  const { name, domain, learnt, layer, certificate, warnings, state, expiresAt } = cluster;
  const about = [
    `${name}: ${domain ?? "domain not known yet"}${learnt ? " (learnt)" : ""}`,
    state,
    `from ${layer}`,
    ...(expiresAt === undefined || expiresAt === null ? [] : [`leaves at ${expiresAt.slice(0, 16)}Z`]),
    ...(certificate === null ? [] : [`certificate until ${certificate.notAfter.slice(0, 10)}`]),
  ];
  const rows = cluster.pools.flatMap(poolRows);
  const head = ["  POOL", "NODE", "STATE", "SINCE", "OPEN", "TOTAL", "WHY"];
  const warned = warnings.map((text) => `  warning: ${text}\n`).join("");
  return `${about.join(", ")}\n${warned}${table([head, ...rows])}${idleText(cluster)}`;
}

/** Nodes that no pool has, so that no row shows them: switched off since the start, a mistyped address, …. */
function idleText({ pools }: ClusterStatus): string {
  const members = new Set(pools.flatMap((pool) => membersOf(pool).map(({ node }) => node)));
  const reasons = new Map(pools.flatMap(({ endpoints }) => endpoints.map(({ node, reason }) => [node, reason])));
  const idle = [...reasons].filter(([node]) => !members.has(node)).map(([node, reason]) => `${node} (${reason})`);
  if (idle.length === 0) return "";
  const more = idle.length > IDLE_MOST ? `, and ${idle.length - IDLE_MOST} more` : "";
  return `  serving nothing: ${idle.slice(0, IDLE_MOST).join(", ")}${more}\n`;
}

function poolRows({ kind, endpoints }: PoolStatus): readonly (readonly string[])[] {
  return membersOf({ endpoints }).map((endpoint, at) => [
    at === 0 ? `  ${kind}` : "",
    nodeText(endpoint),
    endpoint.state,
    ageText(endpoint.sinceSeconds),
    `${endpoint.active}`,
    `${endpoint.total}`,
    endpoint.reason + failureText(endpoint),
  ]);
}

function nodeText({ node, ip }: EndpointStatus): string {
  return node === ip ? node : `${node} (${ip})`;
}

function failureText(endpoint: EndpointStatus): string {
  const words = failedDials(endpoint);
  return words === null ? "" : `; ${words}`;
}

/** Null: there is nothing to say of them. */
export function failedDials({
  failures,
  lastFailure,
}: Pick<EndpointStatus, "failures" | "lastFailure">): string | null {
  if (lastFailure === null) return null;
  return `${failures} failed ${failures === 1 ? "dial" : "dials"}, the last ${lastFailure.error}`;
}

function removedBlock({ removed = [] }: Status): string {
  return removed
    .map(
      ({ name, from }) => `${name}: removed while running, ${from} still has it: edge-lb add ${name} brings it back\n`,
    )
    .join("");
}

function discoveryBlock({ discovery }: Status): string {
  if (discovery === undefined || discovery === null) return "";
  const rows = discovery.sources.map(({ source, addresses, fault }) => [
    source,
    addresses === null ? "-" : `${addresses}`,
    fault ?? (addresses === null ? "is being asked" : "ok"),
  ]);
  const notes = discovery.notes.map((note) => `  ${note}\n`).join("");
  return `${table([["DISCOVER", "ADDRESSES", "STATE"], ...rows])}${notes}`;
}

function unknownBlock({ unknownNames }: Status): string {
  if (unknownNames.length === 0) return "";
  const rows = unknownNames
    .slice(0, UNKNOWN_MOST)
    .map(({ listener, name, count, lastClient, nearest }) => [listener, name, `${count}`, lastClient, nearest ?? "-"]);
  const more = unknownNames.length - rows.length;
  const rest = more > 0 ? `and ${more} more\n` : "";
  return `${table([["UNKNOWN ON", "NAME", "COUNT", "LAST CLIENT", "NEAREST"], ...rows])}${rest}`;
}

/** `42s`, `7m`, `3h 12m`, `9d 4h`. */
export function ageText(seconds: number): string {
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (minutes === undefined || minutes < 1) return `${seconds}s`;
  if (hours === undefined || hours < 1) return `${minutes}m`;
  if (days === undefined || days < 1) return `${hours}h ${minutes % 60}m`;
  return `${days}d ${hours % 24}h`;
}
