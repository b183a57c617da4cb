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

export interface Events {
  add(level: LogLevel, event: string, message: string, fields?: EventFields): void;
  /** Oldest first. @param after Only those with a greater id. */
  recent(after?: number): readonly ControlEvent[];
  /** @returns ends it */
  subscribe(listener: (event: ControlEvent) => void): () => void;
}

/** A bad afternoon of a lab with many clusters; some 50 KB. */
const KEPT = 200;

export function createEvents(now: () => number = Date.now, kept = KEPT): Events {
  const ring: ControlEvent[] = [];
  const listeners = new Set<(event: ControlEvent) => void>();
  let id = 0;
  return {
    add(level, event, message, fields = {}) {
      id += 1;
      const added = { id, time: new Date(now()).toISOString(), level, event, message, fields };
      ring.push(added);
      if (ring.length > kept) ring.shift();
      for (const listener of listeners) listener(added);
    },
    recent: (after = 0) => ring.filter((event) => event.id > after),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** A log whose lines are remembered as well. */
export function remembered(log: EventLog, events: Events): EventLog {
  const both = (level: LogLevel) => (event: string, message: string, fields?: EventFields) => {
    log[level](event, message, fields);
    events.add(level, event, message, fields);
  };
  return { info: both("info"), warn: both("warn"), error: both("error") };
}
