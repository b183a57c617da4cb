/** Bytes a session wrote and the kernel did not take yet. */
import { concatenated } from "../kernel/concatenated.ts";

export class Outbox {
  private chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone. */
  offset = 0;

  /** Keeps a copy of what of `chunk` lies behind `from`: the caller's bytes are its own again after the call. */
  push(chunk: Uint8Array, from: number): void {
    if (from < chunk.length) this.chunks.push(chunk.slice(from));
  }

  get empty(): boolean {
    return this.chunks.length === 0;
  }

  /** How many wait. */
  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, -this.offset);
  }

  /** All that waits, as one piece. */
  get rest(): Uint8Array {
    return concatenated(this.chunks).subarray(this.offset);
  }

  /** The chunk to send next, from `offset` on. */
  get head(): Uint8Array | undefined {
    return this.chunks[0];
  }

  /** The kernel took `bytes` of the head. */
  took(bytes: number): void {
    this.offset += bytes;
    if (this.offset < (this.chunks[0]?.length ?? 0)) return;
    this.chunks.shift();
    this.offset = 0;
  }

  clear(): void {
    this.chunks = [];
    this.offset = 0;
  }
}
