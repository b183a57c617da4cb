/** `GET /v1/tail?cluster=&name=&failed=`: connections and events as they come, one JSON object a line. */
import type { EndReason } from "../../seam/tallies.ts";
import type { LiveTail } from "../log/live-tail.ts";
import type { ControlEvent, RecentEvents } from "../log/recent-events.ts";

export interface TailFilter {
  /** Of this cluster; null: of all. */
  readonly cluster: string | null;
  /** Connections whose name this glob matches; null: all. */
  readonly name: string | null;
  /** What went wrong, only. */
  readonly failed: boolean;
}

export interface TailSources {
  readonly tail: LiveTail;
  readonly events: RecentEvents;
}

/** What waits for a slow reader; what comes then is lost, and counted. */
const MOST_WAITING_BYTES = 262_144;

/** Until the client goes or `signal` aborts. */
export function tailStream(sources: TailSources, filter: TailFilter, signal: AbortSignal): Response {
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING_BYTES });
  const body = new ReadableStream<Uint8Array>(new TailSource(sources, filter, signal), strategy);
  return new Response(body, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } });
}

class TailSource {
  private readonly sources: TailSources;
  private readonly signal: AbortSignal;
  private readonly wants: Wants;
  private readonly encoder = new TextEncoder();
  private readonly onAbort = (): void => this.close();
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  private ends: (() => void)[] = [];
  private lost = 0;

  constructor(sources: TailSources, filter: TailFilter, signal: AbortSignal) {
    this.sources = sources;
    this.signal = signal;
    this.wants = new Wants(filter);
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller;
    if (this.signal.aborted) return this.close();
    this.signal.addEventListener("abort", this.onAbort);
    const { tail, events } = this.sources;
    this.ends = [
      tail.watch({ take: (lines, dropped) => this.take(lines, dropped) }),
      events.subscribe((event) => {
        if (this.wants.event(event)) this.send([eventLine(event)]);
      }),
      () => this.signal.removeEventListener("abort", this.onAbort),
    ];
    this.send([]); // the head of the answer leaves
  }

  cancel(): void {
    for (const end of this.ends.splice(0)) end();
  }

  private take(lines: readonly string[], dropped: number): void {
    this.lost += dropped;
    this.send(lines.filter((line) => this.wants.connection(line)));
  }

  private send(lines: readonly string[]): void {
    if ((this.controller?.desiredSize ?? 0) <= 0) {
      this.lost += lines.length;
      return;
    }
    const all = this.lost === 0 ? lines : [lostLine(this.lost), ...lines];
    this.lost = 0;
    this.controller?.enqueue(this.encoder.encode(all.map((line) => `${line}\n`).join("") || "\n"));
  }

  private close(): void {
    this.cancel();
    this.controller?.close();
  }
}

/** Ends that are nobody's fault. */
const WELL: ReadonlySet<unknown> = new Set<EndReason>([
  "done",
  "redirected",
  "client closed",
  "node closed",
  "client reset",
  "idle",
  "half-closed",
  "cut: drain",
  "cut: removed",
  "cut: shutdown",
]);
const SERVER_ERROR = 500;

/** The same as in the access log, as far as it matters here. */
interface Connection {
  readonly name: string | null;
  readonly cluster: string | null;
  readonly end: string;
  readonly status?: number;
}

class Wants {
  private readonly cluster: string | null;
  private readonly failed: boolean;
  private readonly name: RegExp | null;

  constructor({ cluster, name, failed }: TailFilter) {
    this.cluster = cluster;
    this.failed = failed;
    this.name = name === null ? null : globPattern(name);
  }

  connection(line: string): boolean {
    if (this.cluster === null && this.name === null && !this.failed) return true;
    const { name, cluster, end, status = 0 } = JSON.parse(line) as Connection;
    if (this.cluster !== null && cluster !== this.cluster) return false;
    if (this.name !== null && !this.name.test(name ?? "")) return false;
    return !this.failed || !WELL.has(end) || status >= SERVER_ERROR;
  }

  /** No event has a name. */
  event({ level, fields }: ControlEvent): boolean {
    if (this.name !== null || (this.failed && level === "info")) return false;
    return this.cluster === null || fields["cluster"] === this.cluster;
  }
}

/** `*` is any text, `?` one character; letters of either case. */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/[^A-Za-z0-9]/g, (char) => (char === "*" ? ".*" : char === "?" ? "." : `\\${char}`));
  return new RegExp(`^${source.replaceAll(/(\.\*)+/g, ".*")}$`, "i");
}

/** As in the JSON log. */
function eventLine({ time, level, event, message, fields }: ControlEvent): string {
  return JSON.stringify({ time, level, event, message, ...fields });
}

function lostLine(lines: number): string {
  const message = `${lines} ${lines === 1 ? "line" : "lines"} not shown: this reader is too slow`;
  return JSON.stringify({ time: new Date().toISOString(), level: "warn", event: "tail", message, lost: lines });
}
