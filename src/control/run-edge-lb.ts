/** `edge-lb run`: from a configuration to an exit code. It opens what it needs, is ready, serves, ends. */
import type { Config } from "../config/model.ts";
import type { PassedSocket } from "../config/option.ts";
import { fdsOf } from "../config/passed-sockets.ts";
import { configWarnings } from "../config/warnings.ts";
import { EdgeError } from "../errors.ts";
import { takeAdmin, type OpenAdmin } from "./admin-door.ts";
import { createApi } from "./api/api.ts";
import { openPassedControl, othersMayUse } from "./api/passed-control.ts";
import { openControlSocket, type ControlSocket } from "./api/control-socket.ts";
import { RunningInstance } from "./api/instance.ts";
import { RecentEvents } from "./log/recent-events.ts";
import type { LogSink } from "./log/sink.ts";
import { fewDescriptors } from "./machine/limits.ts";
import { createNotifier } from "./machine/notify.ts";
import { summary } from "./ready-line.ts";
import { Ending, Running } from "./running.ts";
import { createReload, type Load } from "./serve/reloader.ts";
import { startSupervisor } from "./serve/supervisor.ts";

export interface RunInput {
  readonly config: Config;
  readonly load: Load;
  readonly workerEntry: URL;
  readonly openAdmin: OpenAdmin;
  readonly sink: LogSink;
  readonly out: (text: string) => void;
  /** @returns why what went to `out` cannot leave, as node:fs names it; null: it has left */
  readonly flush: () => Promise<string | null>;
  readonly isTerminal: boolean;
  /** Sockets that the service manager listens on for this process. */
  readonly passed?: readonly PassedSocket[] | undefined;
}

/** Serves until a signal. @returns 0 after a drain, 1 when it failed while running. @throws EdgeError when it cannot start */
export async function runEdgeLb(input: RunInput): Promise<number> {
  // before the listening addresses: a second instance names the first one, not a port that is taken
  const control = await takeControl(input);
  try {
    const running = await open(input, control);
    running.ready(input.out, input.isTerminal);
    void input.flush().then((lost) => running.said(lost));
    const code = await running.ended;
    running.end();
    return code;
  } finally {
    control.socket?.close();
  }
}

interface Control {
  readonly socket: ControlSocket | null;
  /** Why there is none, if that is not as the operator wished. */
  readonly note: string | null;
}

/** Another user than root has no folder of its own unless somebody made one. */
const NO_PLACE =
  "no control socket: neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR says where it could be, so status, add, rm, drain and reload " +
  "do not work; give --control PATH, or --control off to be rid of this line";

/** Without a folder for it at its usual place, edge-lb runs without a control socket; where one was asked for, it has to be there. */
async function takeControl({ config, passed = [] }: RunInput): Promise<Control> {
  const { control, controlGiven } = config;
  if (control === null) return { socket: null, note: controlGiven ? null : NO_PLACE };
  const fds = fdsOf(passed, "control");
  if (fds.length > 0) return { socket: await openPassedControl(control, fds), note: othersMayUse(control) };
  try {
    return { socket: await openControlSocket(control), note: null };
  } catch (error) {
    if (!(error instanceof EdgeError) || controlGiven || error.code === "ALREADY_RUNNING") throw error;
    return { socket: null, note: `no control socket: ${error.message}` };
  }
}

async function open(
  { config, load, workerEntry, openAdmin, sink, passed = [] }: RunInput,
  control: Control,
): Promise<Running> {
  const events = new RecentEvents();
  const ending = new Ending();
  const onFatal = (error: EdgeError): void => {
    sink.write(`edge-lb: ${error.toLine()}\n`);
    void sink.drained().then(() => ending.with(1));
  };
  const notifier = await createNotifier();
  const supervisor = await startSupervisor({ config, workerEntry, sink, events, onFatal, passed });
  const { log, board } = supervisor;
  if (control.note !== null) log.warn("control", control.note);
  for (const text of configWarnings(config)) log.warn("config", text);
  const few = fewDescriptors(config.maxConnections);
  if (few !== null) log.warn("descriptors", few);
  const reload = createReload({
    load: (runtime, taking) => load(runtime, taking, supervisor.own.now()),
    current: () => supervisor.config,
    apply: (next, options) => supervisor.apply(next, options),
    log,
    onReload: (isUnderWay) => (isUnderWay ? notifier.reloading() : notifier.ready(summary(supervisor.snapshot))),
  });
  const instance = new RunningInstance({ supervisor, reload, events });
  const streams = new AbortController();
  const api = createApi(instance, { readOnly: false, signal: streams.signal });
  control.socket?.serve((request) => api.fetch(request));
  const access = { instance, board, services: config.services, auth: config.adminAuth, log, signal: streams.signal };
  const admin = await takeAdmin(openAdmin, config, access, fdsOf(passed, "admin"));
  if (admin !== null) supervisor.own.add({ label: "admin", at: admin.at });
  return new Running({ config, sink, ending, notifier, supervisor, reload, instance, streams, admin });
}
