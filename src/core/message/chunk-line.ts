/** The line before each chunk: its size and extensions, one byte at a time. */
import { CLASS, CR, isSpace, LF, SEMICOLON, TEXT, TOKEN } from "./bytes.ts";

/** Size and extensions together; extensions are unknown in the wild, and endless ones are an attack (CVE-2023-39326). */
const MOST_LINE = 1_024;
/** Hexadecimal digits of the largest safe integer, and two zeros before them. */
const MOST_DIGITS = 16;
const QUOTE = 34;
const BACKSLASH = 92;
const EQUALS = 61;

type Place =
  | "size"
  | "space before semicolon"
  | "space before name"
  | "name"
  | "space before equals"
  | "space before value"
  | "value"
  | "quoted"
  | "escaped"
  | "after value"
  | "line feed";

/**
 * `chunk-size [chunk-ext] CRLF`, RFC 9112 §7.1 and §7.1.1, where a space may stand only beside `;` and `=`.
 * Nothing but CRLF ends the line: a bare LF inside an extension is where readers part ways.
 */
export class ChunkLine {
  state: "more" | "done" | "bad" = "more";
  /** Bytes of the chunk, once "done". */
  size = 0;
  private digits = 0;
  private length = 0;
  private place: Place = "size";

  reset(): void {
    this.state = "more";
    this.size = 0;
    this.digits = 0;
    this.length = 0;
    this.place = "size";
  }

  /** @returns The position after the last byte taken; with "done", after the line. */
  feed(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && this.state === "more") this.take(bytes[at++] ?? 0);
    return at;
  }

  private take(byte: number): void {
    this.length += 1;
    if (this.length > MOST_LINE) this.state = "bad";
    else if (this.place === "size") this.takeSize(byte);
    else if (this.place === "line feed") this.state = byte === LF ? "done" : "bad";
    else this.takeExtension(this.place, byte);
  }

  private takeSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit < 0) {
      if (this.digits === 0) this.state = "bad";
      else this.afterPart(byte, "space before semicolon");
      return;
    }
    this.digits += 1;
    this.size = this.size * 16 + digit;
    if (this.digits > MOST_DIGITS || this.size > Number.MAX_SAFE_INTEGER) this.state = "bad";
  }

  private takeExtension(place: Place, byte: number): void {
    switch (place) {
      case "space before semicolon":
        return this.semicolon(byte);
      case "space before name":
        return this.token(byte, isSpace(byte) ? place : "name", isSpace(byte));
      case "name":
        if (isToken(byte)) return undefined;
        return byte === EQUALS ? this.go("space before value") : this.afterPart(byte, "space before equals");
      case "space before equals":
        return byte === EQUALS ? this.go("space before value") : this.semicolon(byte);
      case "space before value":
        return byte === QUOTE ? this.go("quoted") : this.token(byte, isSpace(byte) ? place : "value", isSpace(byte));
      case "value":
        return isToken(byte) ? undefined : this.afterPart(byte, "after value");
      case "quoted":
        return this.quoted(byte);
      case "escaped":
        return isText(byte) ? this.go("quoted") : this.refuse();
      case "after value":
        return this.afterPart(byte, "space before semicolon");
      default:
        return this.refuse();
    }
  }

  /** After a size, a name or a value: the end, the next extension, or a space before it. */
  private afterPart(byte: number, space: Place): void {
    if (byte === CR) this.go("line feed");
    else if (byte === SEMICOLON) this.go("space before name");
    else if (isSpace(byte)) this.go(space === "after value" ? "space before semicolon" : space);
    else this.refuse();
  }

  /** After a space only another part may come, not the end of the line. */
  private semicolon(byte: number): void {
    if (byte === SEMICOLON) this.go("space before name");
    else if (!isSpace(byte)) this.refuse();
  }

  private token(byte: number, next: Place, space: boolean): void {
    if (space || isToken(byte)) this.go(next);
    else this.refuse();
  }

  private quoted(byte: number): void {
    if (byte === QUOTE) this.go("after value");
    else if (byte === BACKSLASH) this.go("escaped");
    else if (!isText(byte)) this.refuse();
  }

  private go(place: Place): void {
    this.place = place;
  }

  private refuse(): void {
    this.state = "bad";
  }
}

function isToken(byte: number): boolean {
  return ((CLASS[byte] ?? 0) & TOKEN) !== 0;
}

function isText(byte: number): boolean {
  return ((CLASS[byte] ?? 0) & TEXT) !== 0;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
