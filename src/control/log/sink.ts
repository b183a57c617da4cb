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

interface Waiting {
  readonly entry: LogEntry;
  readonly done: (() => void) | undefined;
}

/** One batch is with the writer at a time; what comes meanwhile is the next. */
export class QueuedSink implements LogSink {
  dropped = 0;
  private readonly writer: LogWriter;
  private readonly format: "text" | "json";
  private waiting: Waiting[] = [];
  private idle: (() => void)[] = [];
  /** Of all entries that wait or are being written. */
  private chars = 0;
  private busy = false;
  /** Lost lines that no line has told of yet. */
  private untold = 0;

  /** @param format of the line that tells of losses, which programs read like the others */
  constructor(writer: LogWriter, format: "text" | "json" = "text") {
    this.writer = writer;
    this.format = format;
  }

  write(text: string, done?: () => void, level: LogLevel = "info"): void {
    if (this.chars + text.length > MOST_WAITING_CHARS) {
      this.lose(linesOf(text));
      done?.();
      return;
    }
    this.chars += text.length;
    this.waiting.push({ entry: { text, level }, done });
    if (!this.busy) this.writeBatch();
  }

  missed(lines: number): void {
    this.untold += lines;
  }

  reopen(): void {
    this.writer.reopen?.();
  }

  drained(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle.push(resolve);
      setTimeout(resolve, DRAIN_MS).unref();
    });
  }

  private lose(lines: number): void {
    this.dropped += lines;
    this.untold += lines;
  }

  private writeBatch(): void {
    const batch = this.waiting;
    this.waiting = [];
    this.busy = true;
    const told = this.untold;
    const telling = told === 0 ? [] : [{ text: lostLine(told, this.format), level: "warn" as const }];
    const all = [...telling, ...batch.map(({ entry }) => entry)];
    const lines = all.reduce((sum, { text }) => sum + linesOf(text), 0);
    this.writer.write(all, (lost) => {
      // the telling line goes first, so it is lost itself only when everything is
      const isTold = lost < lines;
      if (isTold) this.untold -= told;
      this.lose(isTold ? lost : lost - telling.length);
      this.batchDone(batch);
    });
  }

  private batchDone(batch: readonly Waiting[]): void {
    for (const { entry, done } of batch) {
      this.chars -= entry.text.length;
      done?.();
    }
    if (this.waiting.length > 0) return this.writeBatch();
    this.busy = false;
    for (const resolve of this.idle.splice(0)) resolve();
    return undefined;
  }
}

function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

function lostLine(lines: number, format: "text" | "json"): string {
  const time = new Date().toISOString();
  const message = `${lines} log ${lines === 1 ? "line was" : "lines were"} lost: the sink did not take them`;
  if (format === "text") return `${time} warn: ${message}\n`;
  return `${JSON.stringify({ time, level: "warn", event: "log", message, lines })}\n`;
}
