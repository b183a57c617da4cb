/** Follows a body through the bytes of a connection, whatever its framing, and says what may be forwarded. */
import { CR, LF } from "./bytes.ts";
import { ChunkLine } from "./chunk-line.ts";
import { FIELD, isForwarded } from "./field.ts";
import type { Framing } from "./framing.ts";
import type { Gather } from "./gather.ts";
import { FIELD_ID, FIELD_WIDTH, HeadReader, type HeadLimits } from "./head.ts";

export type BodyFault = "chunk" | "trailer";
type Part = "data" | "size" | "data end" | "line feed" | "trailer";

/**
 * One body at a time. Chunked bodies pass with their framing byte for byte; their trailer section is held until it is complete and valid.
 * @see RFC 9112 §6.3 (length), §7.1 (chunked)
 */
export class Body {
  state: "more" | "done" | "bad" = "done";
  /** Set while `state` is "bad". */
  fault: BodyFault = "chunk";
  private kind: Framing["kind"] = "none";
  private bare = false;
  private part: Part = "data";
  /** Bytes of data until the body or the chunk ends. */
  private left = 0;
  private readonly line = new ChunkLine();
  private trailers: HeadReader<null> | null = null;
  private readonly limits: HeadLimits;

  constructor(limits: HeadLimits) {
    this.limits = limits;
  }

  /** @param bare Forward the data without its chunks and trailers, to be ended by a close. */
  begin(framing: Framing, bare = false): void {
    this.kind = framing.kind;
    this.bare = bare;
    this.state = framing.kind === "none" ? "done" : "more";
    this.left = framing.kind === "length" ? framing.bytes : 0;
    this.part = framing.kind === "chunked" ? "size" : "data";
    this.line.reset();
    this.trailers = null;
  }

  /** Does the end of the connection end this body? */
  get endsByClose(): boolean {
    return this.kind === "close" && this.state === "more";
  }

  /** Does the client take the end of its connection for that of this body? */
  get lacksEnd(): boolean {
    return this.state !== "done" && (this.bare || this.kind === "close");
  }

  /** Bytes that come next and are data whatever they are; 0: not known. */
  get known(): number {
    return this.state === "more" && this.part === "data" && this.kind !== "close" ? this.left : 0;
  }

  /** So many of the `known` bytes went by unseen. */
  skip(bytes: number): void {
    this.left -= bytes;
    if (this.left === 0) this.dataDone();
  }

  /**
   * Read on.
   * @param out Takes what may be forwarded; after "bad" it may hold bytes that came before the fault.
   * @returns The position in `chunk` after the last byte taken; with "done", after the body.
   */
  feed(chunk: Uint8Array, from: number, out: Gather): number {
    let at = from;
    while (this.state === "more" && at < chunk.length) at = this.step(chunk, at, out);
    return at;
  }

  private step(chunk: Uint8Array, at: number, out: Gather): number {
    switch (this.part) {
      case "data":
        return this.takeData(chunk, at, out);
      case "size":
        return this.takeSize(chunk, at, out);
      case "data end":
        return this.takeEnd(chunk, at, CR, "line feed", out);
      case "line feed":
        return this.takeEnd(chunk, at, LF, "size", out);
      case "trailer":
        return this.takeTrailers(chunk, at, out);
    }
  }

  private takeData(chunk: Uint8Array, at: number, out: Gather): number {
    if (this.kind === "close") {
      out.add(chunk, at, chunk.length);
      return chunk.length;
    }
    const bytes = Math.min(this.left, chunk.length - at);
    out.add(chunk, at, at + bytes);
    this.skip(bytes);
    return at + bytes;
  }

  private dataDone(): void {
    if (this.kind === "length") this.state = "done";
    else this.part = "data end";
  }

  private takeSize(chunk: Uint8Array, at: number, out: Gather): number {
    const { line } = this;
    const end = line.feed(chunk, at, chunk.length);
    if (line.state === "bad") return this.refuse("chunk", end);
    if (!this.bare) out.add(chunk, at, end);
    if (line.state === "more") return end;
    this.left = line.size;
    this.part = line.size === 0 ? "trailer" : "data";
    line.reset();
    return end;
  }

  private takeEnd(chunk: Uint8Array, at: number, wanted: number, next: Part, out: Gather): number {
    if (chunk[at] !== wanted) return this.refuse("chunk", at);
    if (!this.bare) out.add(chunk, at, at + 1);
    this.part = next;
    return at + 1;
  }

  private takeTrailers(chunk: Uint8Array, at: number, out: Gather): number {
    // nearly every chunked body ends without trailers, and then these two bytes are all
    if (this.trailers === null && chunk[at] === CR && chunk[at + 1] === LF) {
      if (!this.bare) out.add(chunk, at, at + 2);
      this.state = "done";
      return at + 2;
    }
    const reader = (this.trailers ??= new HeadReader(null, this.limits));
    const end = reader.feed(chunk, at);
    if (reader.state === "bad" || !mayTrail(reader.fields)) return this.refuse("trailer", end);
    if (reader.state === "more") return end;
    if (!this.bare) this.forwardTrailers(reader, chunk, at, end, out);
    this.state = "done";
    return end;
  }

  private forwardTrailers(reader: HeadReader<null>, chunk: Uint8Array, at: number, end: number, out: Gather): void {
    if (reader.inPlace) out.add(chunk, at, end);
    else out.add(reader.bytes, 0, reader.end);
  }

  private refuse(fault: BodyFault, at: number): number {
    this.state = "bad";
    this.fault = fault;
    return at;
  }
}

/** Fields for framing, routing and the connection have no place after a body; RFC 9110 §6.5.1. */
function mayTrail(fields: readonly number[]): boolean {
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    const id = fields[i + FIELD_ID] ?? FIELD.other;
    if (id !== FIELD.other && (id <= FIELD.http2Settings || isForwarded(id))) return false;
  }
  return true;
}
