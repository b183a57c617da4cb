/** Collects what one event writes to one connection, so that it leaves in one write. */

const EMPTY = new Uint8Array(0);
const FIRST_SIZE = 1_024;
/** A larger buffer is given back after use. */
const KEPT_SIZE = 16_384;
const SLACK = 64;
/** Up to here copying byte by byte costs less than making a view to copy from. */
const FEW = 32;

/**
 * Neighbouring pieces of one chunk stay a view of it; anything else is copied into one buffer.
 * What `take` returns is valid until the next `add`.
 */
export class Gather {
  /** The untouched run; while there is one, `buffer` is empty. */
  private view: Uint8Array | null = null;
  private from = 0;
  private to = 0;
  private buffer: Uint8Array = EMPTY;
  private length = 0;
  /** What was taken of the buffer last: on a kept connection the next message is mostly as long, and making a view costs more than writing one. */
  private taken: Uint8Array = EMPTY;

  /** Bytes collected. */
  get size(): number {
    return this.length + this.to - this.from;
  }

  add(bytes: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    if (this.view === bytes && this.to === from) {
      this.to = to;
      return;
    }
    if (this.view !== null) this.settle();
    if (this.length > 0) return this.copy(bytes, from, to);
    this.view = bytes;
    this.from = from;
    this.to = to;
    return undefined;
  }

  /** One character, one byte. */
  addText(text: string): void {
    if (this.view !== null) this.settle();
    this.reserve(text.length);
    const { buffer } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Everything, as one piece, and empty from now on; null: nothing was added. */
  take(): Uint8Array | null {
    const { view, from, to, length } = this;
    this.view = null;
    this.from = 0;
    this.to = 0;
    this.length = 0;
    if (view !== null) return from === 0 && to === view.length ? view : view.subarray(from, to);
    return length === 0 ? null : this.first(length);
  }

  private first(length: number): Uint8Array {
    if (this.taken.length !== length) this.taken = this.buffer.subarray(0, length);
    return this.taken;
  }

  /** Copy the run that is a view of the caller's buffer, because that is about to change. */
  own(): void {
    if (this.view !== null) this.settle();
  }

  clear(): void {
    this.view = null;
    this.from = 0;
    this.to = 0;
    this.length = 0;
  }

  /** Give a large buffer back. */
  shrink(): void {
    if (this.buffer.length <= KEPT_SIZE) return;
    this.buffer = EMPTY;
    this.taken = EMPTY;
  }

  private settle(): void {
    const { view, from, to } = this;
    this.view = null;
    this.from = 0;
    this.to = 0;
    if (view !== null) this.copy(view, from, to);
  }

  private copy(bytes: Uint8Array, from: number, to: number): void {
    if (to - from <= FEW) return this.copyFew(bytes, from, to);
    // copying a few bytes too many costs less than making a view without them
    const whole = from === 0 && bytes.length - to <= SLACK;
    this.reserve(whole ? bytes.length : to - from);
    this.buffer.set(whole ? bytes : bytes.subarray(from, to), this.length);
    this.length += to - from;
    return undefined;
  }

  private copyFew(bytes: Uint8Array, from: number, to: number): void {
    this.reserve(to - from);
    const { buffer } = this;
    let at = this.length;
    for (let i = from; i < to; i++) buffer[at++] = bytes[i] ?? 0;
    this.length = at;
  }

  private reserve(more: number): void {
    const length = this.length + more;
    if (length <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(length, this.buffer.length * 2, FIRST_SIZE));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.taken = EMPTY;
  }
}
