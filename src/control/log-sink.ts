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
  /** Lines lost since the start. */
  readonly dropped: number;
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

export function createSink(writer: LogWriter): LogSink {
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
    const entries = told === 0 ? [] : [{ text: lostLine(told), level: "warn" as const }];
    writer.write([...entries, ...batch.map(({ entry }) => entry)], (lost) => {
      // the line that tells of losses may be lost itself
      if (lost === 0) untold -= told;
      else lose(lost - entries.length);
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

function lostLine(lines: number): string {
  return `${new Date().toISOString()} warn: ${lines} log ${lines === 1 ? "line was" : "lines were"} lost: the sink did not take them\n`;
}
