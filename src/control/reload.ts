/** Reading the configuration again: on a signal, on a change of the file, on request. A bad one changes nothing. */
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { ConfigDiff } from "../config/diff.ts";
import type { Config } from "../config/model.ts";
import { EdgeError, EdgeErrors } from "../errors.ts";
import type { EventLog } from "./event-log.ts";

export interface ReloadInput {
  /** Reads file, flags and runtime changes anew. @throws EdgeErrors */
  load(): Config;
  apply(config: Config): Promise<ConfigDiff>;
  readonly log: EventLog;
}

export type ReloadResult =
  | { readonly ok: true; readonly changes: readonly string[]; readonly needsRestart: readonly string[] }
  | { readonly ok: false; readonly errors: readonly EdgeError[] };

/**
 * One reload at a time. A request that comes during one is answered by the next, which begins after it was made: the last of many
 * requests always sees what was on disk then.
 */
export function createReload({ load, apply, log }: ReloadInput): (why: string) => Promise<ReloadResult> {
  let running: Promise<ReloadResult> | null = null;
  let next: Promise<ReloadResult> | null = null;

  const once = async (why: string): Promise<ReloadResult> => {
    try {
      const { changes, needsRestart } = await apply(load());
      tell(log, why, changes, needsRestart);
      return { ok: true, changes, needsRestart };
    } catch (error) {
      const errors = operatorErrors(error);
      for (const each of errors) log.error("reload", `reload (${why}) changed nothing: ${each.toLine()}`, { why });
      return { ok: false, errors };
    }
  };

  return (why) => {
    if (running === null) {
      running = once(why).finally(() => (running = null));
      return running;
    }
    next ??= running.then(() => {
      next = null;
      running = once(why).finally(() => (running = null));
      return running;
    });
    return next;
  };
}

function tell(log: EventLog, why: string, changes: readonly string[], needsRestart: readonly string[]): void {
  if (changes.length + needsRestart.length === 0) log.info("reload", `reload (${why}): nothing changed`, { why });
  for (const change of changes) log.info("reload", `reload (${why}): ${change}`, { why });
  for (const change of needsRestart) log.warn("reload", `reload (${why}): needs a restart: ${change}`, { why });
}

/** What the operator can mend; anything else is ours and goes on. */
export function operatorErrors(error: unknown): readonly EdgeError[] {
  if (error instanceof EdgeErrors) return error.errors;
  if (error instanceof EdgeError) return [error];
  throw error;
}

/** Editors write in several steps: look once they are done. */
const SETTLE_MS = 200;

/** Calls back when the file's text changed; its folder is watched, since editors replace files. @returns stops it */
export function watchFile(file: string, onChange: () => void): () => void {
  const read = (): string | null => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return null; // between two steps of an editor
    }
  };
  let text = read();
  let settling: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    const now = read();
    if (now === null || now === text) return;
    text = now;
    onChange();
  };
  const watcher = watch(dirname(file) || ".", (_event, name) => {
    if (name !== null && name !== basename(file)) return;
    clearTimeout(settling);
    settling = setTimeout(look, SETTLE_MS);
  });
  watcher.on("error", () => watcher.close()); // the folder is gone; SIGHUP still works
  return () => {
    clearTimeout(settling);
    watcher.close();
  };
}
