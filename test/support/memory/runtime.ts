/**
 * The runtime of tests: no socket, no clock of its own, nothing at random. Nothing happens before `settle()` or `advance()`,
 * and then everything happens in the order in which it was caused.
 */
import type { DialError, FromWorker, ListenSpec, ToWorker } from "../../../src/seam/mail.ts";
import type { Address } from "../../../src/seam/snapshot.ts";
import { Accepting } from "../../../src/runtime/portable/accept.ts";
import { Dialing } from "../../../src/runtime/portable/dial.ts";
import { commonOf, endAll, guarded } from "../../../src/runtime/portable/event-loop.ts";
import { listenError } from "../../../src/runtime/listen-error.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import { MemoryPeer, MemoryWire } from "./wire.ts";
import type { Cancel, Conn, ConnEvents, DialSpec, Listener, Runtime } from "../../../src/runtime/port.ts";
import { createDeadlines, createPulse, type Host } from "../../../src/runtime/portable/wire.ts";

export interface MemoryRuntime extends Runtime {
  /** Does all that is due, until nothing is left to do at this moment. */
  settle(): void;
  /** Moves the clock, firing timers on the way, and settles. */
  advance(ms: number): void;
  /** A client of one of the runtime's listeners; "reset" at once where nobody listens. */
  connect(to: Address, from?: Address): MemoryPeer;
  /** A node that accepts dials to this address. */
  node(at: Address): MemoryNode;
  /** Dials to this address fail like this; "timeout" is found out by the dial's own timer. Everywhere else they are refused. */
  fail(at: Address, error: DialError): void;
  /** Mail from control. */
  deliver(mail: ToWorker): void;
  /** What was posted to control. */
  readonly posted: FromWorker[];
}

export interface MemoryNode {
  readonly at: Address;
  /** In the order of arrival. */
  readonly peers: MemoryPeer[];
  /** Whether peers read from the start. */
  reading: boolean;
  /** From now on dials are refused; open connections stay. */
  close(): void;
}

/** Where the clock starts; not 0, so that a forgotten start time shows. */
const START_MS = 1_000;
const WALL_START_MS = 1_750_000_000_000;
/** TEST-NET-1 (RFC 5737) stands for addresses that this machine does not have. */
const NOT_HERE = "192.0.2.";
const FIRST_PORT = 40_000;

interface Net {
  readonly host: Host;
  readonly schedule: Schedule;
  readonly listeners: Map<string, { readonly at: Address; readonly accepting: Accepting; readonly listener: Listener }>;
  readonly nodes: Map<string, MemoryNode | DialError>;
  nextPort: number;
}

export function createMemoryRuntime(): MemoryRuntime {
  let onFault = (_error: unknown): void => {};
  let onMail = (_mail: ToWorker): void => {};
  const posted: FromWorker[] = [];
  const schedule = createSchedule(START_MS);
  const { nowMs, timer } = schedule;
  const host: Host = {
    lends: true,
    borrows: false,
    nowMs,
    defer: schedule.defer,
    timer,
    fault: (error) => onFault(error),
    pulse: createPulse(schedule.defer),
    deadlines: createDeadlines(nowMs, timer),
    links: new Set(),
  };
  const net: Net = { host, schedule, listeners: new Map(), nodes: new Map(), nextPort: FIRST_PORT };
  const mail = {
    on: (_event: "message", handler: (mail: ToWorker) => void): void => void (onMail = handler),
    postMessage: (message: FromWorker): void => void posted.push(message),
  };
  return {
    engine: "memory",
    ...commonOf(host, mail, (handler) => (onFault = handler)),
    wallMs: () => WALL_START_MS + nowMs(),
    listen: (spec, onAccept) => listen(net, spec, onAccept),
    dial: (spec) => dial(net, spec),
    stop() {
      for (const { listener } of net.listeners.values()) listener.close();
      endAll(host);
    },
    settle: schedule.settle,
    advance: schedule.advance,
    connect: (to, from) =>
      connect(net, to, from ?? { ip: to.ip.includes(":") ? "::1" : "127.0.0.1", port: net.nextPort++ }),
    node: (at) => openNode(net, at),
    fail: (at, error) => void net.nodes.set(keyOf(at), error),
    deliver: (message) => schedule.defer(() => guarded(host, () => onMail(message))),
    posted,
  };
}

function keyOf({ ip, port }: Address): string {
  return `${ip === "::" ? "" : ip}|${port}`;
}

function listen(net: Net, { at }: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
  const where = { ip: at.ip, port: at.port === 0 ? net.nextPort++ : at.port };
  if (at.ip.startsWith(NOT_HERE)) throw listenError(at, "EADDRNOTAVAIL", null);
  if (net.listeners.has(keyOf(where))) throw listenError(at, "EADDRINUSE", null);
  const accepting = new Accepting(net.host, onAccept);
  const listener: Listener = {
    at: where,
    pause: () => accepting.pause(),
    resume: () => accepting.resume(),
    close() {
      if (net.listeners.get(keyOf(where))?.listener === listener) net.listeners.delete(keyOf(where));
      accepting.close();
    },
  };
  net.listeners.set(keyOf(where), { at: where, accepting, listener });
  return listener;
}

function connect(net: Net, to: Address, from: Address): MemoryPeer {
  const peer = new MemoryPeer(from, to, net.schedule);
  net.schedule.defer(() => {
    const found = net.listeners.get(keyOf(to)) ?? net.listeners.get(keyOf({ ip: "", port: to.port }));
    if (found === undefined) return peer.refused();
    const wire = new MemoryWire(peer, to, net.schedule);
    const link = found.accepting.accept(wire);
    if (link !== null) wire.open(link);
    return undefined;
  });
  return peer;
}

function openNode(net: Net, at: Address): MemoryNode {
  const where = { ip: at.ip, port: at.port === 0 ? net.nextPort++ : at.port };
  const node: MemoryNode = {
    at: where,
    peers: [],
    reading: true,
    close: () => void (net.nodes.get(keyOf(where)) === node && net.nodes.delete(keyOf(where))),
  };
  net.nodes.set(keyOf(where), node);
  return node;
}

function dial(net: Net, spec: DialSpec): Cancel {
  const dialing = new Dialing(spec, net.host);
  net.schedule.defer(() => {
    const found = net.nodes.get(keyOf(spec.to)) ?? "refused";
    if (found === "timeout") return;
    if (typeof found === "string") return dialing.failed(found);
    const local = { ip: spec.to.ip.includes(":") ? "::1" : "127.0.0.1", port: net.nextPort++ };
    const peer = new MemoryPeer(spec.to, local, net.schedule);
    if (!found.reading) peer.stopReading();
    found.peers.push(peer);
    const wire = new MemoryWire(peer, local, net.schedule);
    const link = dialing.opened(wire);
    if (link !== null) wire.open(link);
    return undefined;
  });
  return dialing;
}
