/** What the client sent before it can be used. At most one read's bytes, because the client is not read from while there are some. */
export class Held {
  private bytes: Uint8Array | null = null;

  get some(): boolean {
    return this.bytes !== null;
  }

  /** Keep a copy of the chunk from `from` on. */
  add(chunk: Uint8Array, from: number): void {
    const before = this.bytes;
    if (from >= chunk.length) return;
    if (before === null) {
      this.bytes = chunk.slice(from);
      return;
    }
    const whole = new Uint8Array(before.length + chunk.length - from);
    whole.set(before);
    whole.set(chunk.subarray(from), before.length);
    this.bytes = whole;
  }

  /** What is kept, as one piece; null: nothing. */
  get next(): Uint8Array | null {
    return this.bytes;
  }

  /** So many bytes of it were taken. */
  skip(count: number): void {
    const { bytes } = this;
    if (bytes !== null) this.bytes = count < bytes.length ? bytes.subarray(count) : null;
  }

  /** All of it, and none from now on. */
  take(): readonly Uint8Array[] {
    const { bytes } = this;
    this.bytes = null;
    return bytes === null ? [] : [bytes];
  }

  clear(): void {
    this.bytes = null;
  }
}
