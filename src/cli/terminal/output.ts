/** Text on its way out through a descriptor: in order and whole, however slow its reader is, or with the reason why it is not. */
import { write } from "node:fs";
import { codeOf } from "../../errors.ts";

/** A pipe that another process made non-blocking and that is full: there is nothing to wait on but time. */
const AGAIN_MS = 10;
/** What `flush` says of a reader that did not read in time. */
const TOO_SLOW = "ETIMEDOUT";

/** Everything else is told as its code alone. */
const LOSSES: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file would be too large",
  EIO: "an input/output error",
  EBADF: "it is closed",
  EPIPE: "its reader went away",
  [TOO_SLOW]: "nobody reads it",
};

/** Whether what takes the output is at fault, and not its name. */
export function isLoss(code: string): boolean {
  return LOSSES[code] !== undefined;
}

/** Why output did not leave, in words. */
export function lossText(code: string): string {
  const words = LOSSES[code];
  return words === undefined ? code : `${words}, ${code}`;
}

export class Output {
  private readonly fd: number;
  private waiting: Uint8Array[] = [];
  private writing = false;
  /** Why nothing leaves any more; null: it does. */
  private failure: string | null = null;
  private idle: (() => void)[] = [];

  constructor(fd: number) {
    this.fd = fd;
  }

  write(text: string): void {
    if (this.failure !== null || text === "") return;
    this.waiting.push(new TextEncoder().encode(text));
    if (!this.writing) this.writeNext();
  }

  /**
   * Until everything written so far has left, or cannot.
   * @param withinMs What has not left by then is given up.
   * @returns null: it has left; else why not, as node:fs names it
   */
  async flush(withinMs?: number): Promise<string | null> {
    if (!this.writing) return this.failure;
    const done = new Promise<void>((resolve) => this.idle.push(resolve));
    const timer = withinMs === undefined ? undefined : setTimeout(() => this.end(TOO_SLOW), withinMs);
    await done;
    clearTimeout(timer);
    return this.failure;
  }

  private writeNext(): void {
    const [next] = this.waiting.splice(0, 1);
    if (next === undefined) return this.end(null);
    this.writing = true;
    this.writeFrom(next, 0);
  }

  private writeFrom(data: Uint8Array, from: number): void {
    write(this.fd, data, from, data.length - from, null, (error, written) => {
      if (codeOf(error) === "EAGAIN") setTimeout(() => this.writeFrom(data, from), AGAIN_MS);
      else if (error !== null) this.end(codeOf(error) ?? "EIO");
      else if (from + written < data.length) this.writeFrom(data, from + written);
      else this.writeNext();
    });
  }

  private end(failure: string | null): void {
    this.failure ??= failure;
    if (this.failure !== null) this.waiting = [];
    this.writing = false;
    for (const resolve of this.idle.splice(0)) resolve();
  }
}
