/** The table, the goals and the JSON. */
import { cpus, release } from "node:os";
import type { Figures, Summary } from "./record.ts";
import { summarize } from "./record.ts";

interface Row {
  readonly id: string;
  readonly title: string;
  readonly digits: number;
}

const ROWS: readonly Row[] = [
  { id: "short-cpu", title: "short TLS-SNI connection, µs CPU", digits: 1 },
  { id: "short-p50", title: "– connect to answer, p50 µs", digits: 0 },
  { id: "short-p99", title: "– connect to answer, p99 µs", digits: 0 },
  { id: "short-rate", title: "– connections per second", digits: 0 },
  { id: "two-cpu", title: "short connection with two workers, µs CPU", digits: 1 },
  { id: "two-rate", title: "– connections per second", digits: 0 },
  { id: "ping-64-cpu", title: "64-byte ping-pong on 64 tunnels, µs CPU", digits: 1 },
  { id: "ping-64-p50", title: "– p50 µs", digits: 0 },
  { id: "ping-64-p99", title: "– p99 µs", digits: 0 },
  { id: "ping-1-cpu", title: "– on 1 tunnel, µs CPU", digits: 1 },
  { id: "ping-4-cpu", title: "– on 4 tunnels, µs CPU", digits: 1 },
  { id: "ping-32-cpu", title: "– on 32 tunnels, µs CPU", digits: 1 },
  { id: "ping-256-cpu", title: "– on 256 tunnels, µs CPU", digits: 1 },
  { id: "bulk-cpu", title: "one GB through 8 tunnels, ms CPU", digits: 0 },
  { id: "bulk-rate", title: "– MB/s", digits: 0 },
  { id: "http-cpu", title: "keep-alive HTTP request, µs CPU", digits: 1 },
  { id: "http-p50", title: "– p50 µs", digits: 0 },
  { id: "http-p99", title: "– p99 µs", digits: 0 },
  { id: "http-rate", title: "– requests per second", digits: 0 },
  { id: "memory-idle", title: "memory idle, MB (PSS)", digits: 1 },
  { id: "memory-idle-rss", title: "– MB (RSS)", digits: 1 },
  { id: "memory-full", title: "memory with 4,000 idle tunnels, MB (PSS)", digits: 1 },
  { id: "memory-full-rss", title: "– MB (RSS)", digits: 1 },
  { id: "memory-tunnel", title: "– each tunnel from 2,000 to 4,000, KB", digits: 2 },
  { id: "start", title: "start to first answered connection, ms", digits: 0 },
  { id: "cold", title: "the first 2,000 short connections, µs CPU", digits: 0 },
  { id: "clusters-3", title: "short connection with 3 clusters, µs CPU", digits: 1 },
  { id: "clusters-100", title: "– 100 clusters", digits: 1 },
  { id: "clusters-1000", title: "– 1,000 clusters", digits: 1 },
  { id: "clusters-10000", title: "– 10,000 clusters", digits: 1 },
  { id: "services-0", title: "short connection without further services, µs CPU", digits: 1 },
  { id: "services-20", title: "– with 20", digits: 1 },
];

export interface Column {
  readonly id: string;
  readonly title: string;
}

/** edge-lb's figure over each of the others', the largest ratio counts: at most `most`. Over nothing: the figure itself. */
interface Goal {
  readonly title: string;
  readonly row: string;
  readonly over: readonly { readonly row: string; readonly column: string }[];
  readonly most: number;
}

function over(row: string, ...columns: readonly string[]): Goal["over"] {
  return columns.map((column) => ({ row, column }));
}

const BETTER = "better of HAProxy and nginx";

function againstBoth(what: string, row: string, most: number): Goal {
  return { title: `${what} / ${BETTER}`, row, over: over(row, "haproxy", "nginx"), most };
}

const GOALS: readonly Goal[] = [
  againstBoth("short connection", "short-cpu", 0.85),
  {
    title: "short connection / nginx that lets a client half-close, as HAProxy and edge-lb do",
    row: "short-cpu",
    over: over("short-cpu", "nginx-half"),
    most: 0.85,
  },
  { title: "first 2,000 connections, µs CPU", row: "cold", over: [], most: 90 },
  againstBoth("p99 of a short connection", "short-p99", 1),
  {
    title: "short connection with 2 workers / HAProxy with 2 threads",
    row: "two-cpu",
    over: over("two-cpu", "haproxy"),
    most: 1,
  },
  ...[32, 64, 256].map((tunnels) => againstBoth(`ping-pong on ${tunnels} tunnels`, `ping-${tunnels}-cpu`, 0.88)),
  ...[1, 4].map((tunnels) => againstBoth(`ping-pong on ${tunnels}`, `ping-${tunnels}-cpu`, 1)),
  againstBoth("HTTP request", "http-cpu", 0.82),
  { title: "GB / HAProxy", row: "bulk-cpu", over: over("bulk-cpu", "haproxy"), most: 0.35 },
  { title: "GB / HAProxy with forced splice", row: "bulk-cpu", over: over("bulk-cpu", "haproxy-splice"), most: 0.65 },
  { title: "memory idle, MB", row: "memory-idle", over: [], most: 52 },
  { title: "memory with 4,000 tunnels, MB", row: "memory-full", over: [], most: 62 },
  { title: "memory per tunnel / HAProxy", row: "memory-tunnel", over: over("memory-tunnel", "haproxy"), most: 1 },
  { title: "10,000 clusters / 3", row: "clusters-10000", over: over("clusters-3", "linux"), most: 1.05 },
  { title: "20 further services / none", row: "services-20", over: over("services-0", "linux"), most: 1.05 },
];

export interface Verdict {
  readonly title: string;
  readonly ratio: number;
  readonly most: number;
  readonly holds: boolean;
}

/** Goals whose figures were measured, for one engine. */
export function judge(figures: Figures, engine: string): Verdict[] {
  return GOALS.flatMap((goal) => {
    const own = figures.of(goal.row, engine);
    const ratios = goal.over.map(({ row, column }) =>
      pairedRatio(own, figures.of(row, column === "linux" ? engine : column)),
    );
    const known = goal.over.length === 0 ? [summarize(own)?.median ?? NaN] : ratios;
    const ratio = Math.max(...known.filter((value) => !Number.isNaN(value)));
    if (!Number.isFinite(ratio)) return [];
    return [{ title: goal.title, ratio, most: goal.most, holds: ratio <= goal.most }];
  });
}

/** The median of the rounds' ratios: both of a round were measured within seconds, whatever the machine did then. */
function pairedRatio(own: readonly number[], other: readonly number[]): number {
  const ratios = own.flatMap((value, round) => value / (other[round] ?? NaN));
  return summarize(ratios.filter((ratio) => !Number.isNaN(ratio)))?.median ?? NaN;
}

/** The five lines of the README, in few words: what most people ask first. */
const BRIEF: readonly Row[] = [
  { id: "short-cpu", title: "short connection", digits: 1 },
  { id: "ping-64-cpu", title: "ping-pong", digits: 1 },
  { id: "http-cpu", title: "HTTP request", digits: 1 },
  { id: "bulk-cpu", title: "GB (ms)", digits: 0 },
  { id: "memory-full", title: "4,000 tunnels (MB)", digits: 1 },
];

/** Null: not all of them were measured. */
export function brief(figures: Figures): string | null {
  const rows = BRIEF.map(({ id, title, digits }) => {
    const medians = ["linux", "haproxy", "nginx"].map((column) => summarize(figures.of(id, column))?.median);
    return [title, ...medians.map((median) => median?.toFixed(digits) ?? "–")];
  });
  if (rows.flat().includes("–")) return null;
  const lines = [["µs CPU", "edge-lb", "HAProxy", "nginx"], ["---", "--:", "--:", "--:"], ...rows];
  return lines.map((cells) => `|${cells.join("|")}|`).join("\n");
}

/** Medians with least and most in brackets; a row that nobody measured is left out. */
export function table(figures: Figures, columns: readonly Column[]): string {
  const rows = ROWS.flatMap((row) => {
    const cells = columns.map(({ id }) => cell(summarize(figures.of(row.id, id)), row.digits));
    return cells.every((text) => text === "–") ? [] : [[row.title, ...cells]];
  });
  return markdown([["", ...columns.map(({ title }) => title)], ...rows]);
}

export function goals(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ title, ratio, most, holds }) => [
    title,
    ratio.toFixed(2),
    most.toFixed(2),
    holds ? "yes" : "**no**",
  ]);
  return markdown([["edge-lb linux against", "median of the rounds' ratios", "goal, at most", "holds"], ...rows]);
}

function cell(summary: Summary | null, digits: number): string {
  if (summary === null) return "–";
  const text = (value: number): string => value.toFixed(digits);
  const { median, least, most } = summary;
  return least === most ? text(median) : `${text(median)} (${text(least)}–${text(most)})`;
}

function markdown(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const rule = head.map((_, i) => (i === 0 ? "---" : "--:"));
  return [head, rule, ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** What a reader must know to judge the figures. */
export const METHOD = [
  "`npm run bench` (`-- --quick` for some minutes) compares edge-lb's engines with the balancers that are installed, all in one run and",
  "in turn, one worker each, without access log and health probes; every configuration is in `scripts/bench/peers/`. Clients and nodes",
  "are our own, a process each, on epoll and without any code of edge-lb; they share one CPU and the balancer has another to itself. Every answer is compared",
  "byte by byte (streams: one read in eight), what clients and nodes counted must agree, and where a peer misbehaves the run has failed.",
  "CPU is the user and system time of all threads of the balancer per unit of work. A short connection is connect, a ClientHello of 517",
  "bytes, an answer of 200, close, 64 at a time; every tunnel has one ping under way; requests run on 64 connections. With two workers nobody is",
  "pinned but load and nodes. All of it runs in a network namespace of its own where that may be made. HAProxy and sniproxy look",
  "names up one by one, as their users write it; nginx has a map of names, but looks for the upstream so named one by one. At a client's",
  "FIN nginx closes both sides unless `proxy_half_close` is on, while the others bring the rest of the answer over: it runs both ways. edge-lb is",
  "measured after a warm-up: its compiler needs some ten thousand connections, and the first 2,000 have a line of their own. Memory is what a fresh",
  "process has six seconds after its start, and after the last tunnel; what each tunnel adds is anonymous memory, which has nothing to do with the file's.",
  "Ratios within one run hold, absolute times belong to the machine.",
].join("\n");

/** Without names of hosts: the page is public. */
export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? "?"}, Linux ${release().split("-")[0]}, loopback, Bun ${Bun.version}`;
}

export function json(figures: Figures, columns: readonly Column[], verdicts: readonly Verdict[]): unknown {
  const rows = ROWS.map(({ id, title }) => ({
    id,
    title: title.startsWith("–") ? `${id}: ${title.slice(2)}` : title,
    columns: Object.fromEntries(
      columns.flatMap((column) => {
        const values = figures.of(id, column.id);
        return values.length === 0 ? [] : [[column.id, { ...summarize(values), rounds: values }]];
      }),
    ),
  }));
  return { machine: machine(), at: new Date().toISOString(), rows, goals: verdicts };
}
