/** `edge-lb run`: from a configuration to an exit code. */
import { NO_RUNTIME_LAYER, type RuntimeLayer } from "../config/load.ts";
import type { Config } from "../config/model.ts";
import { EdgeError } from "../errors.ts";
import type { LogSink } from "./log-sink.ts";
import { createReload, watchFile } from "./reload.ts";
import { readyLine, tryLines } from "./ready-line.ts";
import { watchSignals } from "./signals.ts";
import { startSupervisor, type Supervisor } from "./supervisor.ts";

export interface RunInput {
  readonly config: Config;
  /** File and flags read anew, with what was changed while running on top. @throws EdgeErrors */
  load(runtime: RuntimeLayer): Config;
  readonly workerEntry: URL;
  readonly sink: LogSink;
  readonly out: (text: string) => void;
  readonly isTerminal: boolean;
}

/** Serves until a signal. @returns 0 after a drain, 1 when it failed while running. @throws EdgeError when it cannot start */
export async function runEdgeLb(input: RunInput): Promise<number> {
  const { config, workerEntry, sink, out } = input;
  let finish: (code: number) => void = () => {};
  const finished = new Promise<number>((resolve) => (finish = resolve));
  const onFatal = (error: EdgeError): void => {
    sink.write(`edge-lb: ${error.toLine()}\n`);
    void sink.drained().then(() => finish(1));
  };
  const supervisor = await startSupervisor({ config, workerEntry, sink, onFatal });
  out(`${readyLine(supervisor.engine, supervisor.workers, supervisor.sockets, supervisor.snapshot)}\n`);
  if (input.isTerminal) out(`${["Try:", ...tryLines(config, supervisor.sockets)].join("\n")}\n`);

  const stop = (again: boolean): void => {
    if (again) return finish(0);
    announce(supervisor, config);
    void supervisor.stop().then(() => finish(0));
    return undefined;
  };
  const reload = createReload({
    load: () => input.load(NO_RUNTIME_LAYER),
    apply: (next) => supervisor.apply(next),
    log: supervisor.log,
  });
  // without a file there is nothing to read again: the terminal or ssh connection is gone
  const onHangup = config.file === null ? () => stop(false) : () => void reload("SIGHUP");
  const unwatchSignals = watchSignals({ onStop: stop, onHangup });
  const unwatchFile = config.file === null ? () => {} : watchFile(config.file, () => void reload("file changed"));
  const code = await finished;
  unwatchSignals();
  unwatchFile();
  return code;
}

function announce(supervisor: Supervisor, config: Config): void {
  const open = supervisor.open();
  const seconds = Math.round(config.timeouts.drain / 1_000);
  const text =
    open === 0
      ? "stopping: no connection is open"
      : `stopping: ${open} open, waiting up to ${seconds}s; Ctrl-C again to end now`;
  supervisor.log.info("stop", text, { open });
}
