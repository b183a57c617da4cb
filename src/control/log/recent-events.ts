/** What control said lately, for status, page and whoever listens: a bounded memory beside the log. */
import type { EventFields, EventLog } from "./event-log.ts";
import type { LogLevel } from "./sink.ts";

export interface ControlEvent {
  /** Grows by 1 from 1. */
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: LogLevel;
  /** One word: `health`, `reload`, `worker`, … */
  readonly event: string;
  readonly message: string;
  readonly fields: EventFields;
}

/** A bad afternoon of a lab with many clusters; some 50 KB. */
const KEPT = 200;

export class RecentEvents {
  private readonly now: () => number;
  private readonly kept: number;
  private readonly events: ControlEvent[] = [];
  private readonly listeners = new Set<(event: ControlEvent) => void>();
  private lastId = 0;

  constructor(now: () => number = Date.now, kept = KEPT) {
    this.now = now;
    this.kept = kept;
  }

  add(level: LogLevel, event: string, message: string, fields: EventFields = {}): void {
    this.lastId += 1;
    const time = new Date(this.now()).toISOString();
    const added = { id: this.lastId, time, level, event, message, fields };
    this.events.push(added);
    if (this.events.length > this.kept) this.events.shift();
    for (const listener of this.listeners) listener(added);
  }

  /** What another process said before; what was said here follows it, and ids go on. */
  carry(events: readonly ControlEvent[]): void {
    const own = this.events.splice(0);
    this.lastId = events.at(-1)?.id ?? 0;
    this.events.push(...events.slice(-this.kept));
    for (const event of own) {
      this.lastId += 1;
      this.events.push({ ...event, id: this.lastId });
    }
    this.events.splice(0, Math.max(0, this.events.length - this.kept));
  }

  /** Oldest first. @param after Only those with a greater id. */
  recent(after = 0): readonly ControlEvent[] {
    return this.events.filter((event) => event.id > after);
  }

  /** Who hears of every event now. */
  get subscribers(): number {
    return this.listeners.size;
  }

  /** @returns ends it */
  subscribe(listener: (event: ControlEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** A log whose lines are remembered as well. */
export function remembered(log: EventLog, events: RecentEvents): EventLog {
  const both = (level: LogLevel) => (event: string, message: string, fields?: EventFields) => {
    log[level](event, message, fields);
    events.add(level, event, message, fields);
  };
  return { info: both("info"), warn: both("warn"), error: both("error") };
}
