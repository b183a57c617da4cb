/** Where log lines go, behind a bounded queue: a slow or dead sink costs lines, which are counted, and never holds anything up. */

/** About 8 batches of 64 long lines of four workers; what does not fit is dropped and counted. */
const MOST_WAITING_CHARS = 1_048_576;

export type LogLevel = "info" | "warn" | "error";

export interface LogSink {
  /**
   * @param text one or more whole lines
   * @param done called once the lines were written or dropped
   */
  write(text: string, done?: () => void, level?: LogLevel): void;
  /** Lines lost here since the start. */
  readonly dropped: number;
  /** Lines that were lost, and counted, before they came here: the next ones tell of them too. */
  missed(lines: number): void;
  /** Open the file anew, after somebody moved it away. */
  reopen(): void;
  /** Resolves when everything written so far is out or lost, after a second at the latest. */
  drained(): Promise<void>;
}

export interface LogEntry {
  readonly text: string;
  readonly level: LogLevel;
}

/** One way out of the process. */
export interface LogWriter {
  /** Writes all entries in order, then calls back with the lines that were lost. */
  write(entries: readonly LogEntry[], done: (lost: number) => void): void;
  reopen?(): void;
}

/** What a stopping process waits for at most. */
const DRAIN_MS = 1_000;

/** @param format of the line that tells of losses, which programs read like the others */
export function createSink(writer: LogWriter, format: "text" | "json" = "text"): LogSink {
  let waiting: { entry: LogEntry; done: (() => void) | undefined }[] = [];
  let idle: (() => void)[] = [];
  let chars = 0;
  let busy = false;
  let dropped = 0;
  let untold = 0;

  const lose = (lines: number): void => {
    dropped += lines;
    untold += lines;
  };

  function next(): void {
    const batch = waiting;
    waiting = [];
    busy = batch.length > 0;
    if (!busy) {
      for (const resolve of idle) resolve();
      idle = [];
      return;
    }
    const told = untold;
    const telling = told === 0 ? [] : [{ text: lostLine(told, format), level: "warn" as const }];
    const all = [...telling, ...batch.map(({ entry }) => entry)];
    writer.write(all, (lost) => {
      // it goes first, so it is lost itself only when everything is
      const toldNow = lost < all.reduce((sum, { text }) => sum + linesOf(text), 0);
      if (toldNow) untold -= told;
      lose(toldNow ? lost : lost - telling.length);
      for (const { entry, done } of batch) {
        chars -= entry.text.length;
        done?.();
      }
      next();
    });
  }

  return {
    get dropped() {
      return dropped;
    },
    write(text, done, level = "info") {
      if (chars + text.length > MOST_WAITING_CHARS) {
        lose(linesOf(text));
        done?.();
        return;
      }
      chars += text.length;
      waiting.push({ entry: { text, level }, done });
      if (!busy) next();
    },
    missed: (lines) => void (untold += lines),
    reopen: () => writer.reopen?.(),
    drained: () =>
      busy
        ? new Promise((resolve) => {
            idle.push(resolve);
            setTimeout(resolve, DRAIN_MS).unref();
          })
        : Promise.resolve(),
  };
}

export function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

function lostLine(lines: number, format: "text" | "json"): string {
  const time = new Date().toISOString();
  const message = `${lines} log ${lines === 1 ? "line was" : "lines were"} lost: the sink did not take them`;
  if (format === "text") return `${time} warn: ${message}\n`;
  return `${JSON.stringify({ time, level: "warn", event: "log", message, lines })}\n`;
}
