/** Changing the configuration while running: reading it again, and what the control socket asks for. What cannot be used changes nothing. */
import type { ConfigDiff } from "../../config/diff.ts";
import { NO_RUNTIME_LAYER, requireClusters, type RuntimeLayer } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { EdgeError, EdgeErrors } from "../../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { onlyKnown } from "./runtime-layer.ts";
import type { ApplyOptions } from "./supervisor.ts";

/** What reloads came to so far. */
export interface ReloadStatus {
  readonly done: number;
  readonly failed: number;
  /** ISO 8601, UTC; of the last one, done or failed. */
  readonly lastTime: string | null;
  /** What was wrong with it; null: nothing. */
  readonly lastError: string | null;
  /** From the request to the new snapshot in every worker, or to the refusal. */
  readonly lastMs: number | null;
}

export interface ReloadInput {
  /** Reads file and flags anew, with the runtime changes on top. @throws EdgeErrors */
  readonly load: (runtime: RuntimeLayer) => Config;
  /** @throws EdgeError */
  readonly apply: (config: Config, options?: ApplyOptions) => Promise<ConfigDiff>;
  readonly log: EventLog;
  /** Around the reading and applying of a reload: the service manager is told. */
  onReload?(running: boolean): void;
  readonly now?: () => number;
}

export type ReloadResult =
  | { readonly ok: true; readonly changes: readonly string[]; readonly needsRestart: readonly string[] }
  | { readonly ok: false; readonly errors: readonly EdgeError[] };

export interface Change extends ApplyOptions {
  /** For the log: `add hub`. */
  readonly why: string;
  /** Nothing changes for anybody: not worth a line. */
  readonly quiet?: boolean;
  edit(layer: RuntimeLayer): RuntimeLayer;
}

export interface Reload {
  /** What was changed while running and still counts. */
  readonly layer: RuntimeLayer;
  readonly status: ReloadStatus;
  /** What file and flags say now, without the runtime layer; null while they cannot be used. */
  below(): Config | null;
  /**
   * Read everything again. A request that comes while another one waits is answered by that one, which begins after it was
   * made: the last of many requests always sees what was on disk then.
   */
  reload(why: string): Promise<ReloadResult>;
  /** Another runtime layer; kept only if the whole can be used. */
  change(change: Change): Promise<ReloadResult>;
}

export function createReload(input: ReloadInput): Reload {
  return new Reloader(input);
}

class Reloader implements Reload {
  layer = NO_RUNTIME_LAYER;
  status: ReloadStatus = { done: 0, failed: 0, lastTime: null, lastError: null, lastMs: null };
  private readonly input: ReloadInput;
  /** One at a time. */
  private last: Promise<unknown> = Promise.resolve();
  private waiting: Promise<ReloadResult> | null = null;

  constructor(input: ReloadInput) {
    this.input = input;
  }

  reload(why: string): Promise<ReloadResult> {
    this.waiting ??= this.inTurn(() => {
      this.waiting = null;
      return this.readAgain(why);
    });
    return this.waiting;
  }

  change({ why, edit, quiet = false, ...options }: Change): Promise<ReloadResult> {
    return this.inTurn(() => this.use(why, edit(this.layer), options, quiet));
  }

  below(): Config | null {
    try {
      return this.input.load(NO_RUNTIME_LAYER);
    } catch {
      return null;
    }
  }

  private inTurn(work: () => Promise<ReloadResult>): Promise<ReloadResult> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private async readAgain(why: string): Promise<ReloadResult> {
    this.input.onReload?.(true);
    const startMs = performance.now();
    try {
      const result = await this.use(`reload (${why})`, this.knownLayer(), {});
      this.count(result, performance.now() - startMs);
      return result;
    } finally {
      this.input.onReload?.(false);
    }
  }

  private async use(why: string, layer: RuntimeLayer, options: ApplyOptions, quiet = false): Promise<ReloadResult> {
    const { load, apply, log } = this.input;
    try {
      const config = load(layer);
      // a file that an editor or a full disk emptied must not take everything away
      if (layer.removed.size === 0) requireClusters(config);
      const { changes, needsRestart } = await apply(config, options);
      this.layer = layer;
      if (!quiet) tell(log, why, changes, needsRestart);
      return { ok: true, changes, needsRestart };
    } catch (error) {
      const errors = operatorErrors(error);
      for (const each of errors) log.error("reload", `${why} changed nothing: ${each.toLine()}`, { why });
      return { ok: false, errors };
    }
  }

  private knownLayer(): RuntimeLayer {
    const { layer } = this;
    if (layer.removed.size === 0) return layer;
    const below = this.below();
    // where there is a mistake, it will be found again, and told
    return below === null ? layer : onlyKnown(layer, new Set(below.clusters.map(({ name }) => name)));
  }

  private count(result: ReloadResult, ms: number): void {
    const { done, failed } = this.status;
    const lastTime = new Date((this.input.now ?? Date.now)()).toISOString();
    const last = { lastTime, lastMs: Math.round(ms * 10) / 10 };
    this.status = result.ok
      ? { done: done + 1, failed, ...last, lastError: null }
      : { done, failed: failed + 1, ...last, lastError: result.errors.map((each) => each.toLine()).join("; ") };
  }
}

function tell(log: EventLog, why: string, changes: readonly string[], needsRestart: readonly string[]): void {
  if (changes.length + needsRestart.length === 0) log.info("reload", `${why}: nothing changed`, { why });
  for (const change of changes) log.info("reload", `${why}: ${change}`, { why });
  for (const change of needsRestart) log.warn("reload", `${why}: needs a restart: ${change}`, { why });
}

/** The mistakes that the operator can correct. @throws the error when it is a fault of our own */
export function operatorErrors(error: unknown): readonly EdgeError[] {
  if (error instanceof EdgeErrors) return error.errors;
  if (error instanceof EdgeError) return [error];
  throw error;
}
