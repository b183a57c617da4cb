/**
 * Messages as bytes: two lengths, JSON, and the byte arrays of that JSON, which names them by their lengths. Descriptors
 * travel beside the first byte of their message.
 */

/** A message with all that its tunnels hold, at most; a batch is far below. */
const MOST_BYTES = 268_435_456;
const LENGTHS = 8;
/** Stands for a byte array. */
const BYTES = "$bytes";

export function encodeFrame(message: object): Uint8Array {
  const arrays: Uint8Array[] = [];
  const text = JSON.stringify(message, (_key, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    arrays.push(value);
    return { [BYTES]: value.length };
  });
  const json = new TextEncoder().encode(text);
  const bytes = arrays.reduce((sum, { length }) => sum + length, 0);
  const frame = new Uint8Array(LENGTHS + json.length + bytes);
  const view = new DataView(frame.buffer);
  view.setUint32(0, json.length);
  view.setUint32(4, bytes);
  frame.set(json, LENGTHS);
  let at = LENGTHS + json.length;
  for (const array of arrays) {
    frame.set(array, at);
    at += array.length;
  }
  return frame;
}

/** Puts messages together from what arrives. */
export class FrameReader {
  private chunks: Uint8Array[] = [];
  private bytes = 0;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** @returns the next message, null: it is not whole yet. @throws Error when this is no message */
  next(): Readonly<Record<string, unknown>> | null {
    if (this.bytes < LENGTHS) return null;
    const head = this.whole(LENGTHS);
    const view = new DataView(head.buffer, head.byteOffset);
    const [json, bytes] = [view.getUint32(0), view.getUint32(4)];
    const length = LENGTHS + json + bytes;
    if (length > MOST_BYTES) throw new Error(`a message of ${length} bytes, at most ${MOST_BYTES} wanted`);
    if (this.bytes < length) return null;
    const frame = this.whole(length);
    this.chunks = this.bytes === length ? [] : [frame.subarray(length)];
    this.bytes -= length;
    return decode(frame.subarray(LENGTHS, LENGTHS + json), frame.subarray(LENGTHS + json, length));
  }

  /** All that is there, once its first bytes are asked for, in one piece. */
  private whole(needed: number): Uint8Array {
    const [first] = this.chunks;
    if (first !== undefined && first.length >= needed) return first;
    const joined = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      joined.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [joined];
    return joined;
  }
}

function decode(json: Uint8Array, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  // a reviver sees inner values first and in another order than they were written, so the lengths are walked by hand
  const message = JSON.parse(new TextDecoder().decode(json)) as unknown;
  let at = 0;
  const restore = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((each) => restore(each));
    if (typeof value !== "object" || value === null) return value;
    const length = (value as Record<string, unknown>)[BYTES];
    if (typeof length !== "number") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, restore(each)]));
    }
    at += length;
    if (at > bytes.length) throw new Error("a message that is shorter than it says");
    return bytes.slice(at - length, at);
  };
  const whole = restore(message);
  if (typeof whole !== "object" || whole === null || !("kind" in whole)) throw new Error("a message of no kind");
  return whole as Readonly<Record<string, unknown>>;
}
