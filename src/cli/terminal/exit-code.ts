/** What edge-lb ends with. */
import type { EdgeError, EdgeErrorCode } from "../../errors.ts";

export const EXIT = {
  done: 0,
  /** It failed while running, or what was asked for is not so. */
  failed: 1,
  /** The command line or the file is wrong; nothing ran. */
  wrongInput: 2,
  /** `import`: something of the source could not be carried over. */
  lossy: 3,
  /** Whoever read the results went away: what a shell shows of a program that SIGPIPE ended. */
  readerGone: 141,
} as const;

/** Mistakes of the operator before anything ran. */
const WRONG_INPUT: ReadonlySet<EdgeErrorCode> = new Set(["USAGE", "CONFIG_INVALID", "CONFIG_UNREADABLE"]);

export function exitCodeOf(errors: readonly EdgeError[]): number {
  return errors.every(({ code }) => WRONG_INPUT.has(code)) ? EXIT.wrongInput : EXIT.failed;
}
