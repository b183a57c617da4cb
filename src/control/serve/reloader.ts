/** Changing the configuration while running: reading it again, and what the control socket asks for. What cannot be used changes nothing. */
import type { ConfigDiff } from "../../config/diff.ts";
import { NO_RUNTIME_LAYER, type FileTaking, type RuntimeLayer } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { OwnListeners, type OwnPlace } from "../../config/clusters/own-listeners.ts";
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
  /** Flags and file with the runtime changes on top. @throws EdgeErrors, EdgeError */
  readonly load: Load;
  /** Where edge-lb listens now. */
  readonly own: () => OwnListeners;
  /** What is served. */
  readonly current: () => Config;
  /** @throws EdgeError */
  readonly apply: (config: Config, options?: ApplyOptions) => Promise<ConfigDiff>;
  readonly log: EventLog;
  /** Around the reading and applying of a reload: the service manager is told. */
  onReload?(running: boolean): void;
  readonly now?: () => number;
  /** What was changed while a process before ran. */
  readonly layer?: RuntimeLayer | undefined;
}

/** @param place Where edge-lb listens already: a change of that waits for a restart. */
export type Load = (runtime: RuntimeLayer, taking?: FileTaking, place?: OwnPlace) => Config;

export type ReloadResult =
  | {
      readonly ok: true;
      readonly changes: readonly string[];
      readonly needsRestart: readonly string[];
      /** What else a reload has to say, one line each. */
      readonly notes?: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly EdgeError[] };

export interface Change extends ApplyOptions {
  /** For the log: `add hub`. */
  readonly why: string;
  /** Nothing changes for anybody: not worth a line. */
  readonly quiet?: boolean;
  /** The file was written just now: it counts as it is. */
  readonly saved?: boolean;
  edit(layer: RuntimeLayer): RuntimeLayer;
}

export interface Reload {
  /** What was changed while running and still counts. */
  readonly layer: RuntimeLayer;
  readonly status: ReloadStatus;
  /** @throws EdgeErrors, EdgeError when a reload would refuse what the file says now */
  requireUsableFile(): void;
  /** What file and flags say without the runtime layer; null: they can be used with it only. */
  below(): Config | null;
  /**
   * Read everything again. A request that comes while another one waits is answered by that one, which begins after it was
   * made: the last of many requests always sees what was on disk then.
   * @param allowEmpty Also a file that lost all that it said counts.
   */
  reload(why: string, allowEmpty?: boolean): Promise<ReloadResult>;
  /**
   * Give all of this to another process, during which nothing changes. What is asked for meanwhile comes after it where that
   * failed, and else is refused: nobody would see it.
   */
  handOver<T>(give: () => Promise<T>): Promise<T>;
  /** Another runtime layer, over what the file said when it was read last; kept only if the whole can be used. */
  change(change: Change): Promise<ReloadResult>;
}

const GIVEN = "Cannot change this edge-lb: another one has just taken over";

export function createReload(input: ReloadInput): Reload {
  return new Reloader(input);
}

class Reloader implements Reload {
  layer: RuntimeLayer;
  status: ReloadStatus = { done: 0, failed: 0, lastTime: null, lastError: null, lastMs: null };
  private readonly input: ReloadInput;
  /** One at a time. */
  private last: Promise<unknown> = Promise.resolve();
  private waiting: Promise<ReloadResult> | null = null;
  /** Of those that wait. */
  private allowEmpty = false;
  /** Another process has all of this now. */
  private isGiven = false;

  constructor(input: ReloadInput) {
    this.input = input;
    this.layer = input.layer ?? NO_RUNTIME_LAYER;
  }

  reload(why: string, allowEmpty = false): Promise<ReloadResult> {
    this.allowEmpty ||= allowEmpty;
    this.waiting ??= this.inTurn(() => {
      const allowed = this.allowEmpty;
      this.waiting = null;
      this.allowEmpty = false;
      return this.readAgain(why, allowed);
    });
    return this.waiting;
  }

  change({ why, edit, quiet = false, saved = false, ...options }: Change): Promise<ReloadResult> {
    return this.inTurn(async () => {
      const { current, log } = this.input;
      const layer = edit(this.layer);
      const taking = saved ? {} : { kept: current().fromFile };
      const done = await this.use(why, layer, () => this.load(layer, taking), options);
      if (done.ok && !quiet) tell(log, why, done);
      return done;
    });
  }

  requireUsableFile(): void {
    this.load(this.layer, { before: this.input.current().fromFile });
  }

  below(): Config | null {
    const { load, current } = this.input;
    const layer = { ...NO_RUNTIME_LAYER, discovered: this.layer.discovered ?? [] };
    try {
      // what they say is asked for, not whether it can be served
      return load(layer, { kept: current().fromFile }, { own: NOWHERE, served: null });
    } catch {
      return null;
    }
  }

  handOver<T>(give: () => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      const given = await give();
      this.isGiven = true;
      return given;
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(() => {
      if (this.isGiven) throw new EdgeError("CONTROL_FAILED", GIVEN, { hint: "ask again" });
      return work();
    });
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private async readAgain(why: string, allowEmpty: boolean): Promise<ReloadResult> {
    const { current, log, onReload } = this.input;
    onReload?.(true);
    const startMs = performance.now();
    try {
      const taking = allowEmpty ? {} : { before: current().fromFile };
      const result = await this.use(`reload (${why})`, this.layer, () => this.load(this.layer, taking));
      this.count(result, performance.now() - startMs);
      if (!result.ok) return result;
      const told = { ...result, notes: current().removed.map(removedText) };
      tell(log, `reload (${why})`, told);
      return told;
    } finally {
      onReload?.(false);
    }
  }

  private load(layer: RuntimeLayer, taking: FileTaking): Config {
    const { load, own, current } = this.input;
    return load(layer, taking, { own: own(), served: current() });
  }

  private async use(
    why: string,
    layer: RuntimeLayer,
    load: () => Config,
    options: ApplyOptions = {},
  ): Promise<ReloadResult> {
    const { apply, log } = this.input;
    try {
      const config = load();
      const { changes, needsRestart } = await apply(config, options);
      this.layer = onlyKnown(layer, new Set(config.removed.map(({ name }) => name)));
      return { ok: true, changes, needsRestart };
    } catch (error) {
      const errors = operatorErrors(error);
      for (const each of errors) log.error("reload", `${why} changed nothing: ${each.toLine()}`, { why });
      return { ok: false, errors };
    }
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

const NOWHERE = new OwnListeners([], []);

/** A file's cluster that is not served would be looked for in vain. */
function removedText({ name, where }: Config["removed"][number]): string {
  return `cluster ${name} (${where}) stays removed: edge-lb add ${name} brings it back`;
}

function tell(log: EventLog, why: string, done: Extract<ReloadResult, { ok: true }>): void {
  const { changes, needsRestart, notes = [] } = done;
  if (changes.length + needsRestart.length === 0) log.info("reload", `${why}: nothing changed`, { why });
  for (const change of changes) log.info("reload", `${why}: ${change}`, { why });
  for (const change of needsRestart) log.warn("reload", `${why}: needs a restart: ${change}`, { why });
  for (const note of notes) log.info("reload", `${why}: ${note}`, { why });
}

/** The mistakes that the operator can correct. @throws the error when it is a fault of our own */
export function operatorErrors(error: unknown): readonly EdgeError[] {
  if (error instanceof EdgeErrors) return error.errors;
  if (error instanceof EdgeError) return [error];
  throw error;
}
