/** One line per tunnel or HTTP request, at its end, mailed to control in batches. */
import type { Runtime, TunnelEnd } from "../runtime/port.ts";
import type { BoardWriter } from "../seam/board.ts";
import { LOG_BATCHES, LOG_LINES } from "../seam/mail.ts";
import type { EndReason } from "../seam/tallies.ts";
import type { Cells, TunnelRecord } from "../seam/tunnel-state.ts";

/** What happened to one connection or request. Times in ms, sizes in bytes. */
export interface AccessRecord extends TunnelRecord {
  readonly up: number;
  readonly down: number;
  readonly totalMs: number;
  readonly end: EndReason;
  /** Where it was counted; null: no node was reached. */
  readonly cells: Cells | null;
}

/** One line, without the line feed. */
export type FormatLine = (record: AccessRecord, wallMs: number) => string;

/** How long a line may wait for others before the batch goes. */
const BATCH_MS = 20;

export interface AccessLog {
  /** False: nobody wants a line, so callers need not build a record. */
  readonly on: boolean;
  write(record: AccessRecord): void;
  /** Somebody watches live, as JSON, whatever the log's format; or nobody does any more. */
  tail(on: boolean): void;
  /** Control took so many batches. */
  taken(of: LineKind, batches: number): void;
  flush(): void;
}

export type LineKind = "log" | "tail";

export interface AccessFormats {
  /** Null: the log is off. */
  readonly log: FormatLine | null;
  readonly tail: FormatLine;
}

export function createAccessLog(runtime: Runtime, writer: BoardWriter, formats: AccessFormats): AccessLog {
  return new WorkerLog(runtime, writer, formats);
}

class WorkerLog implements AccessLog {
  on: boolean;
  private readonly runtime: Runtime;
  private readonly formats: AccessFormats;
  private readonly batches: Readonly<Record<LineKind, LineBatches>>;
  private isWatched = false;

  constructor(runtime: Runtime, writer: BoardWriter, formats: AccessFormats) {
    this.runtime = runtime;
    this.formats = formats;
    this.batches = {
      log: new LineBatches(runtime, "log", () => writer.addCount("logLinesDropped", 1)),
      tail: new LineBatches(runtime, "tail", () => {}), // told to those who watch
    };
    this.on = formats.log !== null;
  }

  write(record: AccessRecord): void {
    const wallMs = this.runtime.wallMs();
    const { log, tail } = this.formats;
    if (log !== null) this.batches.log.add(log, record, wallMs);
    if (this.isWatched) this.batches.tail.add(tail, record, wallMs);
  }

  tail(on: boolean): void {
    this.isWatched = on;
    this.on = on || this.formats.log !== null;
  }

  taken(of: LineKind, batches: number): void {
    this.batches[of].taken(batches);
  }

  flush(): void {
    this.batches.log.flush();
    this.batches.tail.flush();
  }
}

/** Lines on their way to control: mailed together, and no more under way than it can take. */
class LineBatches {
  private readonly runtime: Runtime;
  private readonly kind: LineKind;
  private readonly onDropped: () => void;
  private text = "";
  private lines = 0;
  private dropped = 0;
  private underWay = 0;
  private waiting = false;

  constructor(runtime: Runtime, kind: LineKind, onDropped: () => void) {
    this.runtime = runtime;
    this.kind = kind;
    this.onDropped = onDropped;
  }

  add(format: FormatLine, record: AccessRecord, wallMs: number): void {
    if (this.underWay >= LOG_BATCHES && this.lines >= LOG_LINES) {
      this.dropped += 1;
      this.onDropped();
      return;
    }
    this.text += `${format(record, wallMs)}\n`;
    this.lines += 1;
    if (this.lines >= LOG_LINES) this.flush();
    else if (!this.waiting) this.wait();
  }

  taken(batches: number): void {
    this.underWay = Math.max(0, this.underWay - batches);
    if (this.lines >= LOG_LINES || (this.lines > 0 && !this.waiting)) this.flush();
  }

  flush(): void {
    if (this.lines === 0 || this.underWay >= LOG_BATCHES) return;
    this.runtime.post({ kind: this.kind, text: this.text, lines: this.lines, dropped: this.dropped });
    this.underWay += 1;
    this.text = "";
    this.lines = 0;
    this.dropped = 0;
  }

  private wait(): void {
    this.waiting = true;
    this.runtime.timer(BATCH_MS, () => {
      this.waiting = false;
      this.flush();
    });
  }
}

/** What of a record stays as it is until the end. */
export function tunnelRecord(record: TunnelRecord): TunnelRecord {
  const { listener, client, name, cluster, node, dialMs, note, http, attempts } = record;
  return { listener, client, name, cluster, node, dialMs, note, http, attempts };
}

/** Two notes as one; null: there is none. */
export function joinNotes(first: string | null, second: string | null): string | null {
  if (first === null || second === null) return first ?? second;
  return `${first}, ${second}`;
}

/** A tunnel's end in the log's words. */
export function tunnelEndReason(end: TunnelEnd): EndReason {
  switch (end.why) {
    case "closed":
      return end.first === "node" ? "node closed" : "client closed";
    case "reset":
      return end.first === "node" ? "node reset" : "client reset";
    case "idle":
    case "half-closed":
      return end.why;
    default:
      return `cut: ${end.why}`;
  }
}
