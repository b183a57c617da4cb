/** Message heads and trailer sections, read in place as they arrive. */
import type { Limits } from "../../seam/snapshot.ts";
import { CLASS, COLON, CR, isSpace, LF, TEXT, TOKEN } from "./bytes.ts";
import { fieldId } from "./field.ts";

/** What is wrong with a head or a trailer section. */
export type HeadFault =
  | "bare CR"
  | "bare LF"
  | "control byte"
  | "empty lines"
  | "start-line"
  | "version"
  | "target"
  | "line too long"
  | "head too large"
  | "too many fields"
  | "folded line"
  | "field without colon"
  | "field name"
  | "space before colon";

/** Reads the first line of a head; trailer sections have none. */
export interface StartLine {
  /** May an empty line stand before it? RFC 9112 §2.2. */
  readonly afterEmptyLine: boolean;
  read(bytes: Uint8Array, from: number, to: number): HeadFault | null;
}

/** What one head may hold. */
export type HeadLimits = Pick<Limits, "httpLine" | "httpHead" | "httpFields">;

/** Numbers per field in `HeadReader.fields`; offsets into `bytes`. */
export const FIELD_ID = 0;
export const LINE_FROM = 1;
export const NAME_TO = 2;
export const VALUE_FROM = 3;
export const VALUE_TO = 4;
export const FIELD_WIDTH = 5;

const EMPTY = new Uint8Array(0);
/** A head that came in pieces is collected here; 1 KB holds most. */
const FIRST_SIZE = 1_024;
/** Larger collections are given back after use. */
const KEPT_SIZE = 4_096;

/**
 * One head at a time. Every byte is looked at once however the head is cut, and the verdict does not depend on the cuts.
 * A head that comes in one chunk is not copied: `bytes` is then a view of that chunk, valid as long as the chunk is.
 * @see RFC 9112 §2 (message), §5 (field syntax)
 */
export class HeadReader<Start extends StartLine | null> {
  readonly start: Start;
  limits: HeadLimits;
  state: "more" | "done" | "bad" = "more";
  /** Set while `state` is "bad". */
  fault: HeadFault = "start-line";
  /** The head so far, from its first byte; holds more than the head when it came in place. */
  bytes: Uint8Array = EMPTY;
  /** Where the first line begins: after an empty line that was skipped. */
  from = 0;
  /** After the empty line that ends the head. */
  end = 0;
  /** `FIELD_WIDTH` numbers per field line, in order. */
  readonly fields: number[] = [];
  /** A bit for each field id that is there, and that is there more than once: most questions end here. */
  seen = 0;
  twice = 0;
  private own: Uint8Array = EMPTY;
  private ownLength = 0;
  /** Where the line that is being read begins, and the next byte to look at. */
  private line = 0;
  private scan = 0;
  private started: boolean;

  constructor(start: Start, limits: HeadLimits) {
    this.start = start;
    this.limits = limits;
    this.started = start === null;
  }

  /** Has a byte of the next head arrived? */
  get begun(): boolean {
    return this.ownLength > 0;
  }

  /** Was the head read inside the chunk of the last `feed`? */
  get inPlace(): boolean {
    return this.ownLength === 0;
  }

  /** Forget the last head. */
  reset(): void {
    this.state = "more";
    this.bytes = EMPTY;
    this.fields.length = 0;
    this.seen = 0;
    this.twice = 0;
    this.from = 0;
    this.end = 0;
    this.line = 0;
    this.scan = 0;
    this.started = this.start === null;
    this.ownLength = 0;
    if (this.own.length > KEPT_SIZE) this.own = EMPTY;
  }

  /**
   * Read on. Afterwards `state` says what is known.
   * @param at Where in `chunk` the next unread byte stands.
   * @returns The position in `chunk` after the last byte taken; with "done", after the head.
   */
  feed(chunk: Uint8Array, at: number): number {
    if (this.ownLength === 0) {
      this.bytes = at === 0 ? chunk : chunk.subarray(at);
      this.read(Math.min(this.bytes.length, this.limits.httpHead));
      if (this.state === "more") this.collect(this.bytes);
      return this.state === "done" ? at + this.end : chunk.length;
    }
    const before = this.ownLength;
    const room = this.limits.httpHead - before;
    this.collect(chunk.subarray(at, Math.min(chunk.length, at + room)));
    this.read(this.ownLength);
    return this.state === "done" ? at + this.end - before : chunk.length;
  }

  private collect(piece: Uint8Array): void {
    const length = this.ownLength + piece.length;
    if (length > this.own.length) {
      const grown = new Uint8Array(Math.max(length, this.own.length * 2, FIRST_SIZE));
      grown.set(this.own.subarray(0, this.ownLength));
      this.own = grown;
    }
    this.own.set(piece, this.ownLength);
    this.ownLength = length;
    this.bytes = this.own;
  }

  private read(stop: number): void {
    const { bytes, limits } = this;
    while (this.state === "more") {
      // a start-line is never looked at beyond its limit, so that the verdict is the same however it was cut
      const lineStop = this.started ? stop : Math.min(stop, this.line + limits.httpLine + 1);
      let at = this.scan;
      while (at < lineStop && ((CLASS[bytes[at] ?? 0] ?? 0) & TEXT) !== 0) at++;
      this.scan = at;
      if (at === lineStop) return this.ranOut(at, stop);
      if (bytes[at] !== CR) return this.refuse(bytes[at] === LF ? "bare LF" : "control byte");
      if (at + 1 === stop) return this.atStop(stop);
      if (bytes[at + 1] !== LF) return this.refuse("bare CR");
      this.takeLine(at);
      this.line = at + 2;
      this.scan = at + 2;
    }
  }

  private ranOut(at: number, stop: number): void {
    if (!this.started && at === this.line + this.limits.httpLine + 1) return this.refuse("line too long");
    return this.atStop(stop);
  }

  private atStop(stop: number): void {
    if (stop >= this.limits.httpHead) this.refuse(this.started ? "head too large" : "line too long");
  }

  private takeLine(to: number): void {
    const { line, start } = this;
    if (!this.started && start !== null) {
      if (to === line) return this.skipEmpty(start);
      const fault = start.read(this.bytes, line, to);
      this.started = true;
      if (fault !== null) this.refuse(fault);
    } else if (to === line) {
      this.state = "done";
      this.end = to + 2;
    } else {
      this.takeField(line, to);
    }
  }

  private skipEmpty(start: StartLine): void {
    if (!start.afterEmptyLine || this.line > 0) return this.refuse("empty lines");
    this.from = 2;
  }

  private takeField(line: number, to: number): void {
    const { bytes, fields } = this;
    if (isSpace(bytes[line])) return this.refuse("folded line");
    let colon = line;
    while (colon < to && ((CLASS[bytes[colon] ?? 0] ?? 0) & TOKEN) !== 0) colon++;
    if (colon === to || bytes[colon] !== COLON) return this.refuse(nameFault(bytes, colon, to));
    if (colon === line) return this.refuse("field name");
    if (fields.length >= this.limits.httpFields * FIELD_WIDTH) return this.refuse("too many fields");
    let valueFrom = colon + 1;
    let valueTo = to;
    while (valueFrom < valueTo && isSpace(bytes[valueFrom])) valueFrom++;
    while (valueTo > valueFrom && isSpace(bytes[valueTo - 1])) valueTo--;
    const id = fieldId(bytes, line, colon);
    this.twice |= this.seen & (1 << id);
    this.seen |= 1 << id;
    fields.push(id, line, colon, valueFrom, valueTo);
    return undefined;
  }

  private refuse(fault: HeadFault): void {
    this.state = "bad";
    this.fault = fault;
  }
}

/** The line stopped being a name at `at`: what is the matter with it? */
function nameFault(bytes: Uint8Array, at: number, to: number): HeadFault {
  let next = at;
  while (next < to && isSpace(bytes[next])) next++;
  if (next > at && bytes[next] === COLON) return "space before colon";
  for (let i = at; i < to; i++) if (bytes[i] === COLON) return "field name";
  return "field without colon";
}

/** Where the line of the field at `index` (a multiple of `FIELD_WIDTH`) ends, its CRLF included. */
export function lineEnd(head: { readonly fields: readonly number[]; readonly end: number }, index: number): number {
  return head.fields[index + FIELD_WIDTH + LINE_FROM] ?? head.end - 2;
}
