/** What an upgrade starts, and what became of it. */
import { EdgeError } from "../../errors.ts";

/** What to start: an executable, and what comes before the arguments where that is an interpreter. */
export interface Program {
  readonly file: string;
  readonly before: readonly string[];
  readonly args: readonly string[];
}

export interface Upgraded {
  readonly release: string;
  readonly pid: number;
  /** Tunnels that moved. */
  readonly moved: number;
  /** The longest that one of them rested on its way, ms. */
  readonly restMs: number;
  /** Connections that are still with the old process, until they end. */
  readonly stayed: number;
  /** Why tunnels stay there; null: none has to. */
  readonly note: string | null;
}

export function failure(file: string, why: string): EdgeError {
  return new EdgeError("UPGRADE_FAILED", `Cannot upgrade to ${file}: ${why}`, { hint: "the one that runs goes on" });
}

export function upgradedText({ release, pid, moved, restMs, stayed, note }: Upgraded): string {
  const paused = moved === 0 ? "" : `, at rest for ${Math.ceil(restMs)} ms at most`;
  const tunnels = `${moved} ${moved === 1 ? "tunnel" : "tunnels"} moved${paused}`;
  const rest =
    stayed === 0 ? "" : `, ${stayed} ${stayed === 1 ? "connection ends" : "connections end"} in the old process`;
  const why = note === null ? "" : `; tunnels stay there until they end: ${note}`;
  return `release ${release} (pid ${pid}) has taken over: ${tunnels}${rest}${why}`;
}
