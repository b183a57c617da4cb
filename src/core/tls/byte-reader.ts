/**
 * Reads big-endian numbers and length-prefixed vectors (RFC 8446 §3) from a stretch of bytes.
 * It never throws: what would run past the end clears `ok`, and every later read gives 0 or an empty vector.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;
  /** False once something was asked for that is not there. */
  ok = true;

  /** @param at Where to begin, @param end where to stop; both inside `bytes`. */
  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Nothing is left to read, or reading went wrong. */
  get done(): boolean {
    return this.at >= this.end;
  }

  /** An unsigned number of one or two bytes. */
  uint(width: 1 | 2): number {
    const from = this.skip(width);
    if (!this.ok) return 0;
    const first = this.bytes[from] ?? 0;
    return width === 1 ? first : (first << 8) | (this.bytes[from + 1] ?? 0);
  }

  /** Step over `count` bytes; returns where they begin. */
  skip(count: number): number {
    const from = this.at;
    if (from + count > this.end) this.ok = false;
    this.at = this.ok ? from + count : this.end;
    return from;
  }

  /** Step over a vector whose length takes `width` bytes; returns that length. */
  skipVector(width: 1 | 2): number {
    const length = this.uint(width);
    this.skip(length);
    return length;
  }

  /**
   * Go into a vector whose length takes `width` bytes: its content is all there is until `leave`.
   * @returns What `leave` needs.
   */
  enter(width: 1 | 2): number {
    const outer = this.end;
    const length = this.uint(width);
    const from = this.skip(length);
    this.end = this.at;
    if (this.ok) this.at = from;
    return outer;
  }

  /** Go on behind the vector that ends at `behind`, whatever of it was read. */
  leave(outer: number, behind = this.end): void {
    this.at = behind;
    this.end = outer;
  }
}
