/** `edge-lb run`: from a configuration to an exit code. */
import type { RuntimeLayer } from "../config/load.ts";
import type { ListenAddress } from "../config/addresses.ts";
import type { Config } from "../config/model.ts";
import { formatEndpoint } from "../core/address.ts";
import { EdgeError } from "../errors.ts";
import type { Board } from "../seam/board.ts";
import { createApi } from "./api/api.ts";
import { createInstance, type Instance } from "./api/instance.ts";
import { openControlSocket, type ControlSocket } from "./api/control-socket.ts";
import { RecentEvents } from "./log/recent-events.ts";
import type { LogSink } from "./log/sink.ts";
import { createNotifier } from "./machine/notify.ts";
import { createReload, watchFile } from "./serve/reload.ts";
import { nodeCount, readyLine, tryLines } from "./ready-line.ts";
import { watchSignals } from "./machine/signals.ts";
import { startSupervisor, type Supervisor } from "./serve/supervisor.ts";

export interface RunInput {
  readonly config: Config;
  /** File and flags read anew, with what was changed while running on top. @throws EdgeErrors */
  load(runtime: RuntimeLayer): Config;
  readonly workerEntry: URL;
  /** The admin plane's door; it reads, and control does not know what it shows. @throws EdgeError LISTEN_FAILED */
  openAdmin(at: ListenAddress, input: AdminAccess): Promise<AdminListener>;
  readonly sink: LogSink;
  readonly out: (text: string) => void;
  readonly isTerminal: boolean;
}

/** What the admin plane may see. */
export interface AdminAccess {
  readonly instance: Instance;
  readonly board: Board;
  readonly auth: Config["adminAuth"];
  /** Ends open event streams. */
  readonly signal: AbortSignal;
}

export interface AdminListener {
  readonly at: ListenAddress;
  close(): void;
}

/** Serves until a signal. @returns 0 after a drain, 1 when it failed while running. @throws EdgeError when it cannot start */
export async function runEdgeLb(input: RunInput): Promise<number> {
  // before the listening addresses: a second instance is told of the first, not of a port
  const { socket, note } = await takeControl(input.config);
  try {
    return await serve(input, socket, note);
  } finally {
    socket?.close();
  }
}

interface Control {
  readonly socket: ControlSocket | null;
  /** Why there is none, if that is not as the operator wished. */
  readonly note: string | null;
}

/** Without a folder for it at its usual place, edge-lb runs without a control socket; where one was asked for, it has to be there. */
async function takeControl({ control, controlGiven }: Config): Promise<Control> {
  if (control === null) return { socket: null, note: null };
  try {
    return { socket: await openControlSocket(control), note: null };
  } catch (error) {
    if (!(error instanceof EdgeError) || controlGiven || error.code === "ALREADY_RUNNING") throw error;
    return { socket: null, note: `no control socket: ${error.message}` };
  }
}

async function serve(input: RunInput, socket: ControlSocket | null, note: string | null): Promise<number> {
  const { config, workerEntry, sink, out } = input;
  const load = (runtime: RuntimeLayer): Config => input.load(runtime);
  const end = ending();
  const onFatal = (error: EdgeError): void => {
    sink.write(`edge-lb: ${error.toLine()}\n`);
    void sink.drained().then(() => end.with(1));
  };
  const events = new RecentEvents();
  const notifier = await createNotifier();
  const supervisor = await startSupervisor({ config, workerEntry, sink, events, onFatal });
  if (note !== null) supervisor.log.warn("control", note);

  const summary = (): string =>
    `${supervisor.snapshot.clusters.length} clusters, ${nodeCount(supervisor.snapshot)} nodes`;
  const reload = createReload({
    load,
    apply: (next, options) => supervisor.apply(next, options),
    log: supervisor.log,
    onReload: (running) => (running ? notifier.reloading() : notifier.ready(summary())),
  });
  let stopping = false;
  const instance = createInstance({ supervisor, reload, events, load, isStopping: () => stopping });
  const closing = new AbortController();
  const api = createApi(instance, { readOnly: false, signal: closing.signal });
  socket?.serve((request) => api.fetch(request));

  const admin = await takeAdmin(input, supervisor, {
    instance,
    board: supervisor.board,
    auth: config.adminAuth,
    signal: closing.signal,
  });

  const stop = (again: boolean): void => {
    if (again) return end.with(0);
    stopping = true;
    notifier.stopping(announce(supervisor));
    void supervisor.stop().then(() => end.with(0));
    return undefined;
  };
  const onHangup = (): void => {
    sink.reopen();
    if (config.file !== null) void reload.reload("SIGHUP");
    // without a file there is nothing to read again: the terminal or ssh connection is gone
    else if (config.logTo.kind !== "file") stop(stopping);
  };
  const unwatchSignals = watchSignals({ onStop: stop, onHangup });
  const unwatchFile =
    config.file === null ? () => {} : watchFile(config.file, () => void reload.reload("file changed"));

  out(`${readyLine(supervisor.engine, supervisor.workers, supervisor.sockets, supervisor.snapshot)}\n`);
  if (input.isTerminal) out(`${["Try:", ...tryLines(config, supervisor.sockets)].join("\n")}\n`);
  if (input.isTerminal && admin !== null) out(`Status page: ${urlOf(admin.at)}\n`);
  notifier.ready(summary());

  const code = await end.code;
  closing.abort();
  admin?.close();
  instance.end();
  notifier.end();
  unwatchSignals();
  unwatchFile();
  return code;
}

/** The usual address may be taken by something else of this machine: that is no reason not to serve clusters. */
async function takeAdmin(
  { config, openAdmin }: RunInput,
  { log }: Supervisor,
  access: AdminAccess,
): Promise<AdminListener | null> {
  if (config.admin === null) return null;
  try {
    const admin = await openAdmin(config.admin, access);
    log.info("admin", `status page at ${urlOf(admin.at)}`, { port: admin.at.port });
    return admin;
  } catch (error) {
    if (!(error instanceof EdgeError) || config.adminGiven) throw error;
    log.warn("admin", `no status page: ${error.message}`);
    return null;
  }
}

function urlOf({ ip, port }: ListenAddress): string {
  return `http://${formatEndpoint(ip === "" ? "127.0.0.1" : ip, port)}/`;
}

interface Ending {
  readonly code: Promise<number>;
  /** The first call counts. */
  with(code: number): void;
}

function ending(): Ending {
  let resolve: (code: number) => void = () => {};
  const code = new Promise<number>((settle) => (resolve = settle));
  return { code, with: (exit) => resolve(exit) };
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
