/** One line per tunnel or HTTP request, at its end, mailed to control in batches. */
import type { Runtime, TunnelEnd } from "../runtime/port.ts";
import type { BoardWriter } from "../seam/board.ts";
import { LOG_BATCHES, LOG_LINES } from "../seam/mail.ts";
import type { Address } from "../seam/snapshot.ts";
import type { ServiceName } from "../seam/services.ts";
import type { EndReason } from "../seam/tallies.ts";
import type { Cells } from "./tunnels.ts";

/** What happened to one connection or request. Times in ms, sizes in bytes. */
export interface AccessRecord {
  readonly listener: ServiceName;
  readonly client: Address;
  /** The name asked for, canonical; null: none. */
  readonly name: string | null;
  readonly cluster: string | null;
  /** The endpoint as ip:port. */
  readonly node: string | null;
  readonly up: number;
  readonly down: number;
  /** 0 on a kept connection; null: no node was reached. */
  readonly dialMs: number | null;
  readonly totalMs: number;
  readonly end: EndReason;
  /** More words for the operator: the nearest known name, what is malformed. */
  readonly note: string | null;
  readonly http: HttpRecord | null;
  /** Where it was counted; null: no node was reached. */
  readonly cells: Cells | null;
  /** Endpoints dialled. */
  readonly attempts: number;
}

export interface HttpRecord {
  readonly method: string;
  readonly target: string;
  /** As in the status line; 0: none was sent. */
  readonly status: number;
  /** From the dial's end, or the request on a kept connection, to the answer's first byte; null: none came. */
  readonly answerMs: number | null;
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
