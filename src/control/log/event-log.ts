/** What control itself has to say: start, health, changes, faults. One line each, as text or as JSON. */
import type { LogLevel, LogSink } from "./sink.ts";

export type EventFields = Readonly<Record<string, string | number | boolean | null>>;

export interface EventLog {
  /**
   * @param event the kind of event, one word: `health`, `worker`, `snapshot`
   * @param message one sentence for people, without the time
   * @param fields the same for programs; shown in JSON only
   */
  info(event: string, message: string, fields?: EventFields): void;
  warn(event: string, message: string, fields?: EventFields): void;
  error(event: string, message: string, fields?: EventFields): void;
}

export function createEventLog(sink: LogSink, format: "text" | "json", now: () => number = Date.now): EventLog {
  const write = (level: LogLevel, event: string, message: string, fields?: EventFields): void => {
    const time = new Date(now()).toISOString();
    const line =
      format === "json"
        ? JSON.stringify({ time, level, event, message, ...fields })
        : `${time} ${level === "info" ? "" : `${level}: `}${message}`;
    sink.write(`${line}\n`, undefined, level);
  };
  return {
    info: (event, message, fields) => write("info", event, message, fields),
    warn: (event, message, fields) => write("warn", event, message, fields),
    error: (event, message, fields) => write("error", event, message, fields),
  };
}
