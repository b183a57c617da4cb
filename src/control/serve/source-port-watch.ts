/** Source ports towards nodes: told while there is time to do something, and when they have run out. */
import { activeOf, countOf, totalOf, type Board } from "../../seam/board.ts";
import type { Endpoint } from "../../seam/snapshot.ts";
import type { EventLog } from "../log/event-log.ts";
import { textOf } from "../machine/port-holder.ts";
import {
  MANY_PORTS,
  portsReusedTowards,
  readSourcePorts,
  REUSE_PORTS,
  sourcePortCount,
  type SourcePorts,
} from "../machine/source-ports.ts";

const LOOK_MS = 2_000;
/** So long a port waits after its connection. */
const WAIT_MS = 60_000;
/** What is left from one look to the next of connections that were made: at a steady rate all of the last minute's count. */
const FADING = 1 - LOOK_MS / WAIT_MS;
/** A shortage that lasts is told again this much later. */
const AGAIN_MS = 60_000;
/** The kernel's list may be 20 MB long; control, whose other work waits meanwhile, rests so many times as long as reading it took. */
const RESTS = 100;

/** Of a snapshot. */
interface Nodes {
  readonly clusters: readonly {
    readonly pools: readonly ({ readonly endpoints: readonly Pick<Endpoint, "cell" | "at">[] } | null)[];
  }[];
}

export interface SourcePortInput {
  readonly log: EventLog;
  readonly board: Board;
  readonly snapshot: () => Nodes;
  /** A file's text; "": there is none. */
  readonly read?: (path: string) => string;
  readonly now?: () => number;
}

/** Connections that were made, and how many of them lately. */
class Recent {
  lately = 0;
  private made: number;

  constructor(made: number) {
    this.made = made;
  }

  look(made: number): void {
    this.lately = this.lately * FADING + made - this.made;
    this.made = made;
  }
}

/**
 * Own books first, which cost nothing: open connections and those of the last minute are the most ports that can be in use.
 * The kernel is asked, whose list may be long, only where that could be too many and would be told.
 */
export class SourcePortWatch {
  private readonly input: Required<SourcePortInput>;
  private readonly all: Recent;
  /** By an endpoint's cell. */
  private readonly each = new Map<number, Recent>();
  private readonly told = { short: -Infinity, out: -Infinity };
  private askAgainAt = -Infinity;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(input: SourcePortInput) {
    this.input = { read: textOf, now: () => performance.now(), ...input };
    this.all = new Recent(countOf(input.board, "accepted"));
  }

  start(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** A dial found none. */
  met(): void {
    if (!this.mayTell("out")) return;
    const text = "no source port left towards a node: each one waits 60 s after a connection";
    this.input.log.warn("ports", `${text}; ${REUSE_PORTS} helps`);
  }

  look(): void {
    const { board, read, log } = this.input;
    this.all.look(countOf(board, "accepted"));
    const many = MANY_PORTS * sourcePortCount(read);
    if (many === 0 || this.all.lately + countOf(board, "open") <= many) return;
    if (this.mostByBooks(portsReusedTowards(read)) <= many) return;
    const ports = this.isDue("short") ? this.ask() : null;
    const busiest = ports?.busiest ?? null;
    if (ports === null || busiest === null || busiest.used <= many || !this.mayTell("short")) return;
    const { to, used } = busiest;
    const text = `source ports run short: ${used} of ${ports.count} towards ${to} are in use`;
    log.warn("ports", ports.reused ? text : `${text}; ${REUSE_PORTS} helps`, { to, used, count: ports.count });
  }

  /** @returns null also while it rests */
  private ask(): SourcePorts | null {
    const { read, now } = this.input;
    const begun = now();
    if (begun < this.askAgainAt) return null;
    const ports = readSourcePorts(read);
    const done = now();
    this.askAgainAt = done + RESTS * (done - begun);
    return ports;
  }

  /** @param reused Whether what waits towards a node may be used again. */
  private mostByBooks(reused: (ip: string) => boolean): number {
    const { board, snapshot } = this.input;
    let most = 0;
    for (const pool of snapshot().clusters.flatMap(({ pools }) => pools)) {
      for (const { cell, at } of pool?.endpoints ?? []) {
        const made = totalOf(board, cell, "connections");
        if (made === 0) continue;
        const recent = this.each.get(cell) ?? new Recent(0);
        recent.look(made);
        this.each.set(cell, recent);
        most = Math.max(most, activeOf(board, cell) + (reused(at.ip) ? 0 : recent.lately));
      }
    }
    return most;
  }

  private isDue(what: "short" | "out"): boolean {
    return this.input.now() - this.told[what] >= AGAIN_MS;
  }

  private mayTell(what: "short" | "out"): boolean {
    if (!this.isDue(what)) return false;
    this.told[what] = this.input.now();
    return true;
  }
}
