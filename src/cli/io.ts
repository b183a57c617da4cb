/** What a command may touch: tests need no process. */
import { availableParallelism } from "node:os";
import type { Machine } from "../config/option.ts";

export interface Io {
  /** Results; texts end with a line feed. */
  readonly out: (text: string) => void;
  /** Mistakes and usage. */
  readonly err: (text: string) => void;
  /** @throws Error with `code` as node:fs has it */
  readonly readFile: (path: string) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  /** Of this process when left out. */
  readonly machine?: Machine;
}

export function machineOf(io: Io): Machine {
  return io.machine ?? { env: io.env, userId: process.geteuid?.() ?? -1, cpus: availableParallelism() };
}
