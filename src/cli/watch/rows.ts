/** Clusters, nodes and unknown names as the rows of the live view: filtered, sorted, in columns. */
import { membersOf, type ClusterState } from "../../core/health/cluster-state.ts";
import type { EndpointStatus } from "../../control/status/pool-report.ts";
import type { ClusterStatus, Status } from "../../control/status/report.ts";
import type { UnknownName } from "../../control/serve/unknown-names.ts";
import type { HealthWord } from "../../seam/board.ts";
import { ageText } from "../live/status-table.ts";
import type { Sort, WatchState } from "./state.ts";

/** How a line looks where there is colour; the words say the same. */
export type Tone = "head" | "cluster" | "good" | "bad" | "middling" | "plain";

export interface Line {
  readonly text: string;
  readonly tone: Tone;
}

/** Worst first. */
const WORST: readonly HealthWord[] = ["dead", "foreign", "not-ready", "drained", "unknown", "up"];
const WORST_CLUSTER: readonly ClusterState[] = ["down", "degraded", "waking", "asleep", "unknown", "up"];
const TONES: Readonly<Record<HealthWord, Tone>> = {
  dead: "bad",
  foreign: "bad",
  "not-ready": "middling",
  drained: "middling",
  unknown: "plain",
  up: "good",
};

/** Ports of one node that are in one state. */
interface NodeRow {
  readonly node: string;
  readonly kinds: readonly string[];
  readonly state: HealthWord;
  readonly sinceSeconds: number;
  readonly active: number;
  readonly total: number;
  readonly why: string;
}

/** Names get a third of what is beyond 80 columns. */
const NAME_LEAST = 18;
const USUAL_COLUMNS = 80;

function nameWidth(columns: number): number {
  return NAME_LEAST + Math.max(0, Math.floor((columns - USUAL_COLUMNS) / 3));
}

/** Of one line: name, pools or rate, state, since, open, total, why. */
type Cells = readonly [string, string, string, string, string, string, string];

function lineText([name, pools, state, since, open, total, why]: Cells, columns: number): string {
  return [
    name.padEnd(nameWidth(columns)),
    pools.padEnd(11),
    state.padEnd(9),
    since.padStart(4),
    open.padStart(5),
    total.padStart(6),
    "",
    why,
  ].join(" ");
}

export function listHead(columns: number): Line {
  const cells: Cells = ["CLUSTER, NODE", "RATE, POOLS", "STATE", "FOR", "OPEN", "TOTAL", "BYTES/S, WHY"];
  return { text: lineText(cells, columns), tone: "head" };
}

export function listLines(status: Status, view: WatchState, columns: number): readonly Line[] {
  const shown = status.clusters.flatMap((cluster) => {
    const rows = nodeRows(cluster);
    const whole = [cluster.name, cluster.domain ?? "", cluster.state].some((text) => matches(text, view.filter));
    const kept = whole ? rows : rows.filter((row) => matches(`${row.node} ${row.state}`, view.filter));
    return whole || kept.length > 0 ? [{ cluster, rows: kept }] : [];
  });
  return shown
    .sort((a, b) => compare(a.cluster, b.cluster, view.sort))
    .flatMap(({ cluster, rows }) => {
      const below = view.nodes ? sorted(rows, view.sort).map((row) => nodeLine(row, columns)) : [];
      return clusterLines(cluster, columns).concat(below);
    });
}

function matches(text: string, filter: string): boolean {
  return text.toLowerCase().includes(filter);
}

function compare(a: ClusterStatus, b: ClusterStatus, sort: Sort): number {
  const byName = a.name.localeCompare(b.name);
  if (sort === "state") return WORST_CLUSTER.indexOf(a.state) - WORST_CLUSTER.indexOf(b.state) || byName;
  if (sort === "open") return b.active - a.active || byName;
  if (sort === "rate") return b.rates.connections - a.rates.connections || byName;
  return byName;
}

function sorted(rows: readonly NodeRow[], sort: Sort): readonly NodeRow[] {
  if (sort === "state") return rows.toSorted((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state));
  if (sort === "open") return rows.toSorted((a, b) => b.active - a.active);
  return sort === "rate" ? rows.toSorted((a, b) => b.total - a.total) : rows;
}

/** A node with everything in one state takes one line. */
function nodeRows({ pools }: ClusterStatus): readonly NodeRow[] {
  const groups = new Map<string, { readonly kinds: string[]; readonly endpoints: EndpointStatus[] }>();
  for (const { kind, endpoints } of pools) {
    for (const endpoint of membersOf({ endpoints })) {
      const key = `${endpoint.node} ${endpoint.ip} ${endpoint.state}`;
      const group = groups.get(key) ?? { kinds: [], endpoints: [] };
      group.kinds.push(kind);
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()].flatMap(({ kinds, endpoints }) => {
    const [first] = endpoints;
    if (first === undefined) return [];
    const sum = (of: (endpoint: EndpointStatus) => number): number =>
      endpoints.reduce((all, each) => all + of(each), 0);
    return {
      node: first.node,
      kinds,
      state: first.state,
      sinceSeconds: Math.min(...endpoints.map(({ sinceSeconds }) => sinceSeconds)),
      active: sum(({ active }) => active),
      total: sum(({ total }) => total),
      why: [...new Set(endpoints.map(({ reason }) => reason))].join(", "),
    };
  });
}

function clusterLines(cluster: ClusterStatus, columns: number): Line[] {
  const { name, state, sinceSeconds, active, total, rates, warnings } = cluster;
  const text = lineText(
    [
      shortened(name, nameWidth(columns)),
      `${rates.connections}/s`,
      state,
      shortAge(sinceSeconds),
      `${active}`,
      countText(total),
      `up ${countText(rates.bytesUp)} down ${countText(rates.bytesDown)}`,
    ],
    columns,
  );
  const warned = warnings.map((warning): Line => ({ text: `! ${warning}`, tone: "middling" }));
  return [{ text, tone: state === "down" ? "bad" : state === "degraded" ? "middling" : "cluster" }, ...warned];
}

function nodeLine({ node, kinds, state, sinceSeconds, active, total, why }: NodeRow, columns: number): Line {
  const mark = TONES[state] === "bad" ? "!" : " ";
  const name = `${mark} ${shortened(node, nameWidth(columns) - 2)}`;
  const pools = kinds.join(" ").replace("https http", "ingress");
  const cells: Cells = [name, pools, state, shortAge(sinceSeconds), `${active}`, countText(total), why];
  return { text: lineText(cells, columns), tone: TONES[state] };
}

/** Its largest unit: `3h` of `3h 12m`. */
function shortAge(seconds: number): string {
  return ageText(seconds).split(" ")[0] ?? "";
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}~`;
}

/** Names that nobody serves, the most asked first. */
export function unknownLines({ unknownNames }: Status, { filter }: WatchState, most: number): readonly Line[] {
  const shown = unknownNames.filter(({ name }) => matches(name, filter));
  if (shown.length === 0 || most < 2) return [];
  const head: Line = {
    text: `${"UNKNOWN NAME".padEnd(34)} ${"ON".padEnd(6)} ${"COUNT".padStart(7)}  ${"LAST CLIENT".padEnd(15)} NEAREST`,
    tone: "head",
  };
  return [head, ...shown.slice(0, most - 1).map(unknownLine)];
}

function unknownLine({ name, listener, count, lastClient, nearest }: UnknownName): Line {
  const cells = [shortened(name, 34).padEnd(34), listener.padEnd(6), countText(count).padStart(7)];
  return { text: `${cells.join(" ")}  ${lastClient.padEnd(15)} ${nearest ?? "-"}`, tone: "plain" };
}

/** `950`, `12.3k`, `4.5M`: at most six characters. */
export function countText(count: number): string {
  return scaled(count, 1_000, ["", "k", "M", "G", "T"]);
}

/** `950B`, `12.3kB`. */
export function bytesText(bytes: number): string {
  return `${scaled(bytes, 1_000, ["", "k", "M", "G", "T"])}B`;
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let [rest, unit] = [value, 0];
  while (rest >= step * 10 && unit < units.length - 1) [rest, unit] = [rest / step, unit + 1];
  return `${unit === 0 ? Math.round(rest) : rest.toFixed(rest < 100 ? 1 : 0)}${units[unit]}`;
}
