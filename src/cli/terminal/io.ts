/** What a command may touch: tests need no process. */
import { availableParallelism } from "node:os";
import type { Machine, PassedSocket } from "../../config/options/option.ts";

export interface Io {
  /** Results; texts end with a line feed. */
  readonly out: (text: string) => void;
  /** Mistakes, usage, and reports beside a result. */
  readonly err: (text: string) => void;
  /**
   * Until all of it has left, or cannot.
   * @param withinMs What has not left by then is given up.
   * @returns null: it has left; else why not, as node:fs names it
   */
  readonly flush: (withinMs?: number) => Promise<string | null>;
  /** @param path `-` is standard input. @throws Error with `code` as node:fs has it */
  readonly readFile: (path: string) => string;
  /** @throws Error with `code` as node:fs has it */
  readonly writeFile: (path: string, text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results go to a terminal. */
  readonly isTerminal: boolean;
  /** Sockets that the service manager listens on for this process. */
  readonly passed?: readonly PassedSocket[];
  /** Of this process when left out. */
  readonly machine?: Machine;
}

/** Root's edge-lb may become another user; what its defaults depend on is who started it. */
const STARTED_AS = process.geteuid?.() ?? -1;

export function machineOf(io: Io): Machine {
  return (
    io.machine ?? {
      env: io.env,
      userId: STARTED_AS,
      cpus: availableParallelism(),
      addresses: null,
      passed: io.passed ?? [],
    }
  );
}
