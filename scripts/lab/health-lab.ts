/** A cluster of three nodes of every role behind edge-lb, its health events, and a crowd that comes while a node changes. */
import { type Crowd, type Door, startCrowd, type Visit } from "./crowd.ts";
import { type EdgeLb, type EdgeLbOptions, startEdgeLb } from "./edge-lb.ts";
import { LISTENERS, type Listener } from "./lab.ts";
import { freePorts } from "./ports.ts";
import { startToyCluster, type ToyCluster } from "./toy/cluster.ts";
import type { BehaviourName, ToyNode } from "./toy/node.ts";

export interface HealthLabOptions extends EdgeLbOptions {
  /** The first three bytes of every node's address. */
  readonly block: string;
  /** Where edge-lb listens. @default 127.0.0.1 */
  readonly at?: string;
  /** More flags. */
  readonly args?: readonly string[];
  /** More items for the cluster, as `send-proxy=v1`. */
  readonly items?: string;
  /** How nodes behave when edge-lb starts, by index. @default healthy */
  readonly manners?: Readonly<Record<number, BehaviourName>>;
  /** Nodes as processes, so that they can be killed. @default false */
  readonly processes?: boolean;
}

/** An event of the JSON log. */
export interface HealthEvent {
  readonly atMs: number;
  readonly event: string;
  readonly message: string;
  readonly cluster?: string | null;
  readonly pool?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly nodes?: string;
}

export interface HealthLab {
  readonly edge: EdgeLb;
  /** hub is served; other is configured, its nodes do not exist. */
  readonly hub: ToyCluster;
  readonly other: ToyCluster;
  readonly doors: readonly Door[];
  door(listener: Listener): Door;
  node(index: number): ToyNode;
  /** Events about hub and about edge-lb itself, from this time on. */
  events(sinceMs?: number): readonly HealthEvent[];
  /** The first event that tells of this node in this pool; throws after 40 s. */
  turned(ip: string, pool: Listener, state: RegExp, sinceMs: number): Promise<HealthEvent>;
  /** Resolves once every pool has every node that began healthy. */
  settled(): Promise<void>;
  /** Lines of the access log about this node, of what began after this time. */
  access(ip: string, sinceMs: number): readonly AccessLine[];
  crowd(everyMs: number): Crowd;
  stop(): Promise<void>;
}

export interface AccessLine {
  readonly atMs: number;
  readonly listener: string;
  readonly node: string | null;
  readonly dialMs: number | null;
  readonly totalMs: number;
  readonly end: string;
}

const TURNS_WITHIN_MS = 40_000;
/** The log is read this often. */
const READ_EVERY_MS = 10;

export async function startHealthLab(options: HealthLabOptions): Promise<HealthLab> {
  const { block, at = "127.0.0.1", manners = {}, processes = false, items, args = [] } = options;
  const [api = 0, https = 0, http = 0, ready = 0, ...listens] = await freePorts(7);
  const ports = { api, https, http, ready };
  const ips = [20, 21, 22].map((last) => `${block}.${last}`);
  const hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips, ports, processes });
  const other = await startToyCluster({ name: "other", domain: "other.lab", ips: [], ports });
  for (const [index, behaviour] of Object.entries(manners)) await hub.nodes[Number(index)]?.behave(behaviour);
  const keys = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  const doors = LISTENERS.map((listener, index): Door => {
    const host = listener === "api" ? "api.hub.lab" : "a.apps.hub.lab";
    return { listener, ip: at, port: listens[index] ?? 0, host };
  });
  const flags = [
    `--cluster hub=${block}.20-22,${keys}${items === undefined ? "" : `,${items}`}`,
    `--cluster other=${block}.30,${keys}`,
    "--domain lab --log json",
    ...doors.map(({ listener, port }) => `--listen ${listener}=${at}:${port}`),
  ].flatMap((text) => text.split(" "));
  try {
    const edge = await startEdgeLb([...flags, ...args], options);
    return new ServedLab({ edge, hub, other, doors }, ips.length - Object.keys(manners).length);
  } catch (error) {
    await hub.stop();
    throw error;
  }
}

interface Served {
  readonly edge: EdgeLb;
  readonly hub: ToyCluster;
  readonly other: ToyCluster;
  readonly doors: readonly Door[];
}

class ServedLab implements HealthLab {
  readonly edge: EdgeLb;
  readonly hub: ToyCluster;
  readonly other: ToyCluster;
  readonly doors: readonly Door[];
  /** Nodes that began healthy. */
  private readonly there: number;
  private readonly log: LogReader;

  constructor({ edge, hub, other, doors }: Served, there: number) {
    this.edge = edge;
    this.hub = hub;
    this.other = other;
    this.doors = doors;
    this.there = there;
    this.log = new LogReader(edge);
  }

  door(listener: Listener): Door {
    return given(
      this.doors.find((door) => door.listener === listener),
      listener,
    );
  }

  node(index: number): ToyNode {
    return given(this.hub.nodes[index], `node ${index}`);
  }

  events(sinceMs = 0): readonly HealthEvent[] {
    return this.log.records().flatMap(({ time, ...rest }) => {
      const atMs = Date.parse(time);
      return rest.event === "access" || rest.cluster === "other" || atMs < sinceMs ? [] : [{ ...rest, atMs }];
    });
  }

  async turned(ip: string, pool: Listener, state: RegExp, sinceMs: number): Promise<HealthEvent> {
    const found = (): HealthEvent | undefined =>
      this.events(sinceMs).find((each) => each.pool === pool && tells(each, ip) && state.test(each.state ?? ""));
    await this.within(() => found() !== undefined, `${pool} of ${ip} never turned ${state}`);
    return given(found(), `turn of ${ip}`);
  }

  async settled(): Promise<void> {
    const up = (pool: Listener): number =>
      new Set(this.events().flatMap((each) => (each.pool === pool && each.state === "up" ? nodesOf(each) : []))).size;
    await this.within(() => LISTENERS.every((pool) => up(pool) >= this.there), "never settled");
  }

  access(ip: string, sinceMs: number): readonly AccessLine[] {
    const { log } = this;
    return log
      .records()
      .flatMap(({ time, event, listener = "", node = null, dialMs = null, totalMs = 0, end = "" }) => {
        const atMs = Date.parse(time);
        const about = event === "access" && atMs - totalMs > sinceMs && (node ?? "").startsWith(`${ip}:`);
        return about ? [{ atMs, listener, node, dialMs, totalMs, end }] : [];
      });
  }

  crowd(everyMs: number): Crowd {
    return startCrowd(this.doors, everyMs);
  }

  async stop(): Promise<void> {
    await this.edge.stop().finally(() => this.hub.stop());
  }

  /** Waits until it is so. @throws after 40 s, with the end of the log */
  private async within(holds: () => boolean, complaint: string): Promise<void> {
    const giveUp = performance.now() + TURNS_WITHIN_MS;
    while (!holds()) {
      if (performance.now() > giveUp) throw new Error(`${complaint}:\n${this.edge.logs().slice(-3_000)}`);
      await Bun.sleep(READ_EVERY_MS);
    }
  }
}

function given<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`no ${what}`);
  return found;
}

/** What edge-lb has logged so far, each line read once. */
class LogReader {
  private readonly edge: EdgeLb;
  private readonly known: LogRecord[] = [];
  private read = 0;

  constructor(edge: EdgeLb) {
    this.edge = edge;
  }

  records(): readonly LogRecord[] {
    const text = this.edge.logs();
    const whole = text.lastIndexOf("\n") + 1;
    if (whole > this.read) this.known.push(...text.slice(this.read, whole).split("\n").flatMap(readRecord));
    this.read = Math.max(this.read, whole);
    return this.known;
  }
}

interface LogRecord extends Omit<HealthEvent, "atMs"> {
  readonly time: string;
  readonly listener?: string;
  readonly node?: string | null;
  readonly dialMs?: number | null;
  readonly totalMs?: number;
  readonly end?: string;
}

function readRecord(line: string): LogRecord[] {
  return line.startsWith("{") ? [JSON.parse(line) as LogRecord] : [];
}

function nodesOf({ nodes }: HealthEvent): readonly string[] {
  return (nodes ?? "").split(",").filter((node) => node !== "");
}

function tells(event: HealthEvent, ip: string): boolean {
  return nodesOf(event).includes(ip);
}

/** What a crowd met, in one line. */
export function failures(visits: readonly Visit[]): readonly string[] {
  return visits.flatMap(({ listener, error, ms }) =>
    error === null ? [] : [`${listener}: ${error} after ${Math.round(ms)} ms`],
  );
}
