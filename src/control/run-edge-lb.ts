/** `edge-lb run`: from a configuration to an exit code. It opens what it needs, is ready, serves, ends. */
import type { Config } from "../config/model.ts";
import type { PassedSocket } from "../config/options/option.ts";
import { fdsOf } from "../config/passed-sockets.ts";
import { configWarnings } from "../config/warnings.ts";
import { EdgeError } from "../errors.ts";
import { takeAdmin, type OpenAdmin } from "./admin-door.ts";
import { createApi } from "./api/api.ts";
import { othersMayUse, PassedControl } from "./api/passed-control.ts";
import { openControlSocket, type ControlSocket } from "./api/control-socket.ts";
import { RunningInstance } from "./api/instance.ts";
import type { StartDiscovery } from "./discovery-door.ts";
import { RecentEvents } from "./log/recent-events.ts";
import type { LogSink } from "./log/sink.ts";
import { fewDescriptors } from "./machine/limits.ts";
import { missingRules } from "./machine/missing-rules.ts";
import { createNotifier } from "./machine/notify.ts";
import { Place } from "./place.ts";
import { summary } from "./ready-line.ts";
import { Ending, Running, type RunningParts } from "./running.ts";
import { createReload, type Load } from "./serve/reloader.ts";
import { startSupervisor } from "./serve/start-supervisor.ts";
import type { Inheritance } from "./serve/supervisor.ts";
import { carryCounters, carryRest, layerOf } from "./upgrade/facts.ts";
import type { Heir } from "./upgrade/heir.ts";
import type { Program } from "./upgrade/upgraded.ts";

export interface RunInput {
  readonly config: Config;
  readonly load: Load;
  readonly workerEntry: URL;
  readonly openAdmin: OpenAdmin;
  readonly startDiscovery: StartDiscovery;
  readonly sink: LogSink;
  readonly out: (text: string) => void;
  /** @returns why what went to `out` cannot leave, as node:fs names it; null: it has left */
  readonly flush: () => Promise<string | null>;
  readonly isTerminal: boolean;
  /** Sockets that the service manager listens on for this process. */
  readonly passed?: readonly PassedSocket[] | undefined;
  /** What was started here, for another one to be started the same way. */
  readonly program: Program;
  /** Null: this process takes nobody's place. */
  readonly heir: Heir | null;
}

/** How a process ended: 0 after a drain, 1 when it failed while running. */
export interface Ended {
  readonly code: number;
  /** Another one goes on in its place. */
  readonly replaced: boolean;
}

/** Serves until a signal. @throws EdgeError when it cannot start */
export async function runEdgeLb(input: RunInput): Promise<Ended> {
  // before the listening addresses: a second instance names the first one, not a port that is taken
  const control = await takeControl(input);
  try {
    const running = await open(input, control);
    await takePlace(input, running);
    running.ready(input.out, input.isTerminal);
    void input.flush().then((lost) => running.said(lost));
    const code = await running.ended;
    running.end();
    return { code, replaced: running.isReplaced };
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
async function takeControl({ config, heir, passed = [] }: RunInput): Promise<Control> {
  const { control, controlGiven } = config;
  if (control === null) return { socket: null, note: controlGiven ? null : NO_PLACE };
  const fds = fdsOf(passed, "control");
  if (fds.length > 0) {
    const socket = new PassedControl(control, fds, false);
    if (heir === null) await socket.listen();
    return { socket, note: othersMayUse(control) };
  }
  const given = heir?.sockets.controlAt(control) ?? [];
  if (given.length > 0) return { socket: new PassedControl(control, given, true), note: null };
  try {
    return { socket: await openControlSocket(control), note: null };
  } catch (error) {
    if (!(error instanceof EdgeError) || controlGiven || error.code === "ALREADY_RUNNING") throw error;
    return { socket: null, note: `no control socket: ${error.message}` };
  }
}

/** Be edge-lb to everybody: at once, or when the process before says so. */
async function takePlace({ heir }: RunInput, running: Running): Promise<void> {
  if (heir === null) return running.place.take(true);
  const { supervisor, events } = running;
  return heir.takeOver({
    supervisor,
    release: running.release,
    async lead(facts) {
      if (facts !== null) {
        carryCounters(supervisor, facts);
        carryRest(supervisor, events, facts);
        if (facts.start !== undefined) running.start.carry(facts.start);
      }
      await running.place.take(false);
      supervisor.log.info("upgrade", `took over from release ${heir.before.release} (pid ${heir.before.pid})`);
    },
  });
}

async function open(input: RunInput, control: Control): Promise<Running> {
  const { load, workerEntry, sink, heir, passed = [] } = input;
  const layer = heir === null ? undefined : layerOf(heir.facts);
  const config = layer === undefined ? input.config : load(layer);
  const events = new RecentEvents();
  const ending = new Ending();
  const onFatal = (error: EdgeError): void => {
    sink.write(`edge-lb: ${error.toLine()}\n`);
    void sink.drained().then(() => ending.with(1));
  };
  const notifier = await createNotifier();
  // before root becomes another user, who may not see all of them
  const rules = await missingRules(config);
  const before = inheritance(heir);
  const supervisor = await startSupervisor({ config, workerEntry, sink, events, onFatal, passed, before });
  const { log } = supervisor;
  if (control.note !== null) log.warn("control", control.note);
  for (const text of configWarnings(config)) log.warn("config", text);
  if (rules !== null) log.warn("source", rules);
  const few = fewDescriptors(config.maxConnections);
  if (few !== null) log.warn("descriptors", few);
  const reload = createReload({
    load,
    own: () => supervisor.own.now(),
    current: () => supervisor.config,
    apply: (next, options) => supervisor.apply(next, options),
    log,
    layer,
    onReload: (isUnderWay) => (isUnderWay ? notifier.reloading() : notifier.ready(summary(supervisor.snapshot))),
  });
  return serve(input, control, { config, ending, notifier, supervisor, reload, events });
}

type Opened = Pick<RunningParts, "config" | "ending" | "notifier" | "supervisor" | "reload" | "events">;

/** What can be asked and told, on the control socket and the status page. */
function serve(input: RunInput, control: Control, opened: Opened): Running {
  const { openAdmin, startDiscovery, sink, program, passed = [] } = input;
  const { config, supervisor, notifier } = opened;
  const { board, log } = supervisor;
  const instance = new RunningInstance(opened);
  const streams = new AbortController();
  const api = createApi(instance, { readOnly: false, signal: streams.signal });
  control.socket?.serve((request) => api.fetch(request));
  const access = { instance, board, services: config.services, auth: config.adminAuth, log, signal: streams.signal };
  const place = new Place({
    notifier,
    control: control.socket,
    dns: supervisor,
    async openAdmin() {
      const admin = await takeAdmin(openAdmin, config, access, fdsOf(passed, "admin"));
      if (admin !== null) supervisor.own.add({ label: "admin", at: admin.at });
      return admin;
    },
  });
  const discovery = startDiscovery(opened);
  const running = new Running({ ...opened, sink, instance, streams, place, discovery, program, passed });
  instance.upgrade = (to) => running.upgrade(to);
  return running;
}

function inheritance(heir: Heir | null): Inheritance | undefined {
  if (heir === null) return undefined;
  const { seed, health, names } = heir.facts;
  return { sockets: heir.sockets.inherited, seed, health, names };
}
