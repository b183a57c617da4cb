/** edge-lb between its start and its end: says that it is ready, hears signals and file changes, and ends in order. */
import type { Config } from "../config/model.ts";
import type { PassedSocket } from "../config/options/option.ts";
import { EdgeError } from "../errors.ts";
import { urlOf } from "./admin-door.ts";
import type { RunningDiscovery } from "./discovery-door.ts";
import type { RunningInstance } from "./api/instance.ts";
import type { RecentEvents } from "./log/recent-events.ts";
import type { LogSink } from "./log/sink.ts";
import type { Notifier } from "./machine/notify.ts";
import { QuietWatch } from "./machine/quiet-watch.ts";
import { watchSignals } from "./machine/signals.ts";
import type { Place } from "./place.ts";
import { passedPlaces, readyLine, summary, tryLines } from "./ready-line.ts";
import { FileWatch } from "./serve/file-watch.ts";
import type { Reload } from "./serve/reloader.ts";
import type { Start } from "./status/start.ts";
import type { Supervisor } from "./serve/supervisor.ts";
import { socketsToGive } from "./upgrade/given-sockets.ts";
import { factsOf } from "./upgrade/facts.ts";
import { failure, upgradedText, type Program, type Upgraded } from "./upgrade/upgraded.ts";

export interface RunningParts {
  readonly config: Config;
  readonly sink: LogSink;
  readonly ending: Ending;
  readonly notifier: Notifier;
  readonly supervisor: Supervisor;
  readonly reload: Reload;
  readonly instance: RunningInstance;
  /** Aborted at the end: closes event streams. */
  readonly streams: AbortController;
  readonly place: Place;
  readonly discovery: RunningDiscovery;
  readonly events: RecentEvents;
  readonly program: Program;
  /** Sockets that the service manager listens on for this process. */
  readonly passed: readonly PassedSocket[];
}

/** A busy time, such as the start, leaves memory behind that an idle process does not need. */
async function tidyUp({ pool }: Supervisor): Promise<void> {
  pool.broadcast({ kind: "quiet" });
  const { unmapUnused } = await import("../runtime/kernel/image-pages.ts");
  unmapUnused();
}

export class Running {
  private readonly parts: RunningParts;
  private isUpgrading = false;
  /** Another process has this one's place. */
  isReplaced = false;
  private readonly fileWatch: FileWatch | null;
  private readonly unwatchSignals: () => void;

  constructor(parts: RunningParts) {
    this.parts = parts;
    const { config, reload } = parts;
    this.unwatchSignals = watchSignals({
      onStop: (again) => this.stop(again),
      onHangup: () => this.hangUp(),
      onReopen: () => this.reopenLog(),
      onUpgrade: () => void this.upgrade(null).catch(() => undefined), // it is in the log
    });
    const { file } = config;
    const onChange = (): void => void reload.reload("file changed").catch(() => undefined); // the new one has read it
    const onTrouble = (why: string): void => parts.supervisor.log.warn("reload", troubleText(why), { file });
    this.fileWatch = file === null ? null : new FileWatch({ file, onChange, onTrouble });
  }

  get place(): Place {
    return this.parts.place;
  }

  get supervisor(): Supervisor {
    return this.parts.supervisor;
  }

  get events(): RecentEvents {
    return this.parts.events;
  }

  get start(): Start {
    return this.parts.instance.start;
  }

  get release(): string {
    return this.parts.instance.release;
  }

  /** The exit code, once there is one. */
  get ended(): Promise<number> {
    return this.parts.ending.code;
  }

  /** Every listener accepts: the operator and the service manager are told. */
  ready(out: (text: string) => void, isTerminal: boolean): void {
    const { config, supervisor, place, notifier, passed } = this.parts;
    const { sockets, snapshot } = supervisor;
    out(`${readyLine(supervisor, passedPlaces(passed))}\n`);
    if (isTerminal) out(`${["Try:", ...tryLines(config, sockets)].join("\n")}\n`);
    if (isTerminal && place.admin !== null) out(`Status page: ${urlOf(place.admin.at)}\n`);
    notifier.ready(summary(snapshot));
    if (supervisor.engine === "linux") new QuietWatch({ onQuiet: () => void tidyUp(supervisor) }).start();
  }

  /** @param lost Why the operator cannot have read that it is ready; null: nothing stands against it. */
  said(lost: string | null): void {
    const { ending, supervisor } = this.parts;
    // who started edge-lb is gone before it served anybody
    if (lost === "EPIPE") ending.with(0);
    else if (lost !== null) supervisor.log.warn("start", `serving, but stdout does not take the ready line: ${lost}`);
  }

  /** After the last connection: what still holds the process is let go. */
  end(): void {
    const { streams, place, discovery, instance, notifier, supervisor } = this.parts;
    discovery.stop();
    streams.abort();
    place.close();
    instance.end();
    supervisor.dns?.close();
    notifier.end();
    this.unwatchSignals();
    this.fileWatch?.stop();
  }

  /**
   * Have another executable take over; then this process ends.
   * @param to Null: what stands at our own path now. @throws EdgeError UPGRADE_FAILED with nothing changed
   */
  async upgrade(to: string | null): Promise<Upgraded> {
    try {
      this.requireUpgradable(to ?? this.parts.program.file);
      this.isUpgrading = true;
      return await this.parts.reload.handOver(() => this.handOver(to)).finally(() => (this.isUpgrading = false));
    } catch (error) {
      this.parts.supervisor.log.error("upgrade", error instanceof EdgeError ? error.toLine() : String(error));
      throw error;
    }
  }

  private requireUpgradable(file: string): void {
    const { supervisor, instance } = this.parts;
    const { engine } = supervisor;
    if (engine !== "linux") throw failure(file, `engine ${engine} cannot hand tunnels over, linux can`);
    if (this.isUpgrading) throw failure(file, "another upgrade is under way");
    if (instance.stopping) throw failure(file, "edge-lb is about to end");
  }

  private async handOver(to: string | null): Promise<Upgraded> {
    const { supervisor, reload, instance, events, place, program, ending, streams, passed } = this.parts;
    const { Upgrade } = await import("./upgrade/upgrade.ts");
    const { done, upgrade } = await Upgrade.begin(
      {
        supervisor,
        release: instance.release,
        program,
        sockets: socketsToGive(supervisor.sockets, passed, place.control),
        facts: () => factsOf(supervisor, reload.layer, events, instance.start.facts()),
        letGo: (pid) => place.letGo(pid),
        takeBack: () => place.takeBack(),
      },
      to,
    );
    this.isReplaced = true;
    instance.stopping = true;
    place.given();
    streams.abort();
    supervisor.log.info("upgrade", upgradedText(done), { pid: done.pid });
    void upgrade.finish().then(() => ending.with(0));
    return done;
  }

  /** Drains, then ends. @param again A second signal ends now. */
  private stop(again: boolean): void {
    const { ending, instance, notifier, supervisor } = this.parts;
    if (again) return ending.with(0);
    instance.stopping = true;
    notifier.stopping(announce(supervisor));
    // who sends clients here sees that edge-lb is not ready, and clients are served until they go elsewhere
    const delayMs = supervisor.config.timeouts.shutdownDelay;
    if (delayMs > 0) setTimeout(() => this.drain(), delayMs);
    else this.drain();
    return undefined;
  }

  private reopenLog(): void {
    const { sink, supervisor } = this.parts;
    sink.reopen();
    supervisor.log.info("log", "the log is opened anew (SIGUSR1)");
  }

  private drain(): void {
    const { ending, supervisor } = this.parts;
    void supervisor.stop().then(() => ending.with(0));
  }

  private hangUp(): void {
    const { config, sink, reload, instance } = this.parts;
    sink.reopen();
    if (config.file !== null) void reload.reload("SIGHUP").catch(() => undefined);
    // without a file there is nothing to read again: the terminal or ssh connection is gone
    else if (config.logTo.kind !== "file") this.stop(instance.stopping);
  }
}

/** The exit code of a process that goes on for now. */
export class Ending {
  readonly code: Promise<number>;
  private resolve: (code: number) => void = () => {};

  constructor() {
    this.code = new Promise((resolve) => (this.resolve = resolve));
  }

  /** The first call counts. */
  with(code: number): void {
    this.resolve(code);
  }
}

function troubleText(why: string): string {
  return `no word from the kernel when the file changes: ${why}; it is looked at every two seconds, and SIGHUP reloads`;
}

/** @returns what was said */
function announce(supervisor: Supervisor): string {
  const open = supervisor.open();
  const seconds = Math.round(supervisor.config.timeouts.drain / 1_000);
  const tunnels = `${open} ${open === 1 ? "tunnel" : "tunnels"} open`;
  const text =
    open === 0 ? "stopping: no tunnel is open" : `stopping: ${tunnels}, Ctrl-C again to end now; cut in ${seconds}s`;
  supervisor.log.info("stop", text, { open });
  return text;
}
