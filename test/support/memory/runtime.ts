/**
 * The runtime of tests: no socket, no clock of its own, nothing at random. Nothing happens before `settle()` or `advance()`,
 * and then everything happens in the order in which it was caused.
 */
import type { DialError, FromWorker, ListenSpec, ToWorker } from "../../../src/seam/mail.ts";
import type { Address } from "../../../src/seam/snapshot.ts";
import { Accepting } from "../../../src/runtime/portable/accept.ts";
import { Dialing } from "../../../src/runtime/portable/dial.ts";
import { Pulse } from "../../../src/runtime/portable/pulse.ts";
import { type MailPort, PortableRuntime } from "../../../src/runtime/portable/runtime.ts";
import { listenError } from "../../../src/runtime/listen-error.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import { MemoryPeer, MemoryWire } from "./wire.ts";
import type { Cancel, Conn, ConnEvents, DialSpec, Listener, Runtime } from "../../../src/runtime/port.ts";

export interface MemoryRuntime extends Runtime {
  /** How often memory was to be collected. */
  readonly collections: number;
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

export function createMemoryRuntime(): MemoryRuntime {
  return new InMemory(createSchedule(START_MS));
}

/** A port to control that only remembers. */
class Post implements MailPort {
  handler: (mail: ToWorker) => void = () => {};
  readonly posted: FromWorker[] = [];

  on(_event: "message", handler: (mail: ToWorker) => void): void {
    this.handler = handler;
  }

  postMessage(message: FromWorker): void {
    this.posted.push(message);
  }
}

class InMemory extends PortableRuntime implements MemoryRuntime {
  readonly engine = "memory";
  readonly posted: FromWorker[];
  private readonly schedule: Schedule;
  private readonly office: Post;
  private readonly open = new Map<string, { readonly accepting: Accepting; readonly listener: Listener }>();
  private readonly nodes = new Map<string, MemoryNode | DialError>();
  private nextPort = FIRST_PORT;
  collections = 0;

  constructor(schedule: Schedule) {
    const office = new Post();
    const { nowMs, timer, defer } = schedule;
    super(office, { lends: true, borrows: false, nowMs, defer, timer, pulse: new Pulse(defer) });
    this.schedule = schedule;
    this.office = office;
    this.posted = office.posted;
  }

  override wallMs(): number {
    return WALL_START_MS + this.nowMs();
  }

  listen({ at }: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
    const where = this.withPort(at);
    const key = keyOf(where);
    if (at.ip.startsWith(NOT_HERE)) throw listenError(at, "EADDRNOTAVAIL", null);
    if (this.open.has(key)) throw listenError(at, "EADDRINUSE", null);
    const accepting = new Accepting(this.host, onAccept);
    const listener: Listener = this.listening(where, accepting, {
      open: ({ port }) => ({ port, fd: null, close() {} }),
      end: () => {
        if (this.open.get(key)?.listener === listener) this.open.delete(key);
      },
    });
    this.open.set(key, { accepting, listener });
    return listener;
  }

  dial(spec: DialSpec): Cancel {
    const dialing = new Dialing(spec, this.host);
    this.schedule.defer(() => this.answer(dialing, spec.to));
    return dialing;
  }

  private answer(dialing: Dialing, to: Address): void {
    const found = this.nodes.get(keyOf(to)) ?? "refused";
    if (found === "timeout") return;
    if (typeof found === "string") return dialing.failed(found);
    const local = this.loopback(to);
    const peer = new MemoryPeer(to, local, this.schedule);
    if (!found.reading) peer.stopReading();
    found.peers.push(peer);
    const wire = new MemoryWire(peer, local, this.schedule);
    const conn = dialing.opened(wire);
    if (conn !== null) wire.open(conn);
  }

  override collect(): void {
    this.collections += 1;
  }

  settle(): void {
    this.schedule.settle();
  }

  advance(ms: number): void {
    this.schedule.advance(ms);
  }

  connect(to: Address, from = this.loopback(to)): MemoryPeer {
    const peer = new MemoryPeer(from, to, this.schedule);
    this.schedule.defer(() => {
      const found = this.open.get(keyOf(to)) ?? this.open.get(keyOf({ ip: "", port: to.port }));
      if (found === undefined) return peer.refused();
      const wire = new MemoryWire(peer, to, this.schedule);
      const conn = found.accepting.accept(wire);
      if (conn !== null) wire.open(conn);
      return undefined;
    });
    return peer;
  }

  node(at: Address): MemoryNode {
    const where = this.withPort(at);
    const key = keyOf(where);
    const node: MemoryNode = {
      at: where,
      peers: [],
      reading: true,
      close: () => void (this.nodes.get(key) === node && this.nodes.delete(key)),
    };
    this.nodes.set(key, node);
    return node;
  }

  fail(at: Address, error: DialError): void {
    this.nodes.set(keyOf(at), error);
  }

  deliver(mail: ToWorker): void {
    this.schedule.defer(() => this.office.handler(mail));
  }

  private withPort({ ip, port }: Address): Address {
    return { ip, port: port === 0 ? this.nextPort++ : port };
  }

  private loopback({ ip }: Address): Address {
    return { ip: ip.includes(":") ? "::1" : "127.0.0.1", port: this.nextPort++ };
  }
}

function keyOf({ ip, port }: Address): string {
  return `${ip === "::" ? "" : ip}|${port}`;
}
