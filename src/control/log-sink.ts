/** Where log text goes. Writing is asynchronous and in order: a slow reader of stderr never holds up control. */
import { write } from "node:fs";

/** About 8 batches of 64 long lines of four workers; what does not fit is dropped and counted. */
const MOST_WAITING_BYTES = 1_048_576;

export interface LogSink {
  /** @param done called once the text was written or dropped */
  write(text: string, done?: () => void): void;
  /** Lines dropped since the start. */
  readonly dropped: number;
  /** Resolves when everything written so far is out. */
  drained(): Promise<void>;
}

interface Waiting {
  readonly text: string;
  readonly done: (() => void) | undefined;
}

/** A sink on an open descriptor: 2 is stderr. */
export function descriptorSink(fd: number): LogSink {
  const waiting: Waiting[] = [];
  const idle: (() => void)[] = [];
  let bytes = 0;
  let writing = false;
  let dropped = 0;

  function next(): void {
    const batch = waiting.splice(0);
    if (batch.length === 0) {
      writing = false;
      for (const resolve of idle.splice(0)) resolve();
      return;
    }
    writing = true;
    const data = new TextEncoder().encode(batch.map(({ text }) => text).join(""));
    writeAll(data, 0, () => {
      for (const { text, done } of batch) {
        bytes -= text.length;
        done?.();
      }
      next();
    });
  }

  /** What cannot be written is lost: nobody is left to be told. */
  function writeAll(data: Uint8Array, from: number, done: () => void): void {
    write(fd, data, from, data.length - from, null, (error, written) => {
      if (error?.code === "EAGAIN") setTimeout(() => writeAll(data, from, done), 10);
      else if (error === null && from + written < data.length) writeAll(data, from + written, done);
      else done();
    });
  }

  return {
    get dropped() {
      return dropped;
    },
    write(text, done) {
      if (bytes + text.length > MOST_WAITING_BYTES) {
        dropped += text.split("\n").length - 1;
        done?.();
        return;
      }
      bytes += text.length;
      waiting.push({ text, done });
      if (!writing) next();
    },
    drained: () => (writing ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
  };
}
