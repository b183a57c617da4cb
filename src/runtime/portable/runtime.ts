/** What the runtimes on portable sockets do alike: everything but listening and dialling. */
import { EdgeError } from "../../errors.ts";
import type { Engine, FromWorker, ListenSpec, ToWorker } from "../../seam/mail.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { Cancel, Conn, ConnEvents, DialSpec, JoinSpec, Listener, PassSpec, Runtime, Tunnel } from "../port.ts";
import { type Accepting, type Opening, PortableListener } from "./accept.ts";
import { PortableConn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import { pass } from "./pass.ts";
import { Pulse } from "./pulse.ts";
import { join, PortableTunnel } from "./tunnel.ts";
import type { Host } from "./wire.ts";

/** A `MessagePort`, or what looks like one. */
export interface MailPort {
  on(event: "message", handler: (mail: ToWorker) => void): unknown;
  postMessage(mail: FromWorker): void;
  /** Its handler no longer keeps the thread alive. */
  unref?(): unknown;
}

/** What differs between these runtimes besides their sockets. */
export type HostTraits = Omit<Host, "fault" | "deadlines" | "conns">;

/** How often byte counts and idle times are brought up to date while bytes move. */
const PULSE_MS = 100;

/** Clock and timers of the JavaScript event loop. */
export function eventLoopTraits(): Pick<HostTraits, "lends" | "nowMs" | "defer" | "timer" | "pulse"> {
  return {
    lends: false,
    nowMs: () => performance.now(),
    defer: queueMicrotask,
    timer(ms, fire) {
      const handle = setTimeout(fire, ms);
      return { cancel: () => clearTimeout(handle) };
    },
    pulse: new Pulse((flush) => void setTimeout(flush, PULSE_MS)),
  };
}

export abstract class PortableRuntime implements Runtime {
  abstract readonly engine: Engine;
  protected readonly host: Host;
  private readonly mail: MailPort | null;
  private readonly listeners = new Set<Listener>();
  private tellFault: (error: unknown) => void = () => {};

  constructor(mail: MailPort | null, traits: HostTraits) {
    this.mail = mail;
    this.host = {
      ...traits,
      fault: (error) => this.tellFault(error),
      deadlines: new Deadlines(traits.nowMs, traits.timer),
      conns: new Set(),
    };
  }

  abstract listen(spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener;
  abstract dial(spec: DialSpec): Cancel;

  nowMs(): number {
    return this.host.nowMs();
  }

  wallMs(): number {
    return Date.now();
  }

  timer(ms: number, fire: () => void): Cancel {
    return this.host.timer(ms, () => this.guard(fire));
  }

  pass(from: Conn, to: Conn, spec: PassSpec): void {
    pass(this.host, own(from), own(to), spec);
  }

  join(client: Conn, node: Conn, spec: JoinSpec): Tunnel {
    return join(this.host, own(client), own(node), spec);
  }

  take(): Tunnel {
    throw new EdgeError("INTERNAL", "Cannot take over a tunnel: only engine linux can");
  }

  /** The event loop has it done when nothing else is to do. */
  collect(): void {}

  onMail(handler: (mail: ToWorker) => void): void {
    this.mail?.on("message", (message) => this.guard(() => handler(message)));
  }

  post(mail: FromWorker): void {
    this.mail?.postMessage(mail);
  }

  onFault(handler: (error: unknown) => void): void {
    this.tellFault = handler;
  }

  run(): void {}

  stop(): void {
    for (const listener of this.listeners) listener.close();
    for (const member of this.host.deadlines.all) if (member instanceof PortableTunnel) member.cut("shutdown");
    for (const conn of this.host.conns) conn.reset("destroyed");
    // a worker that has nothing left to do ends by itself
    this.mail?.unref?.();
  }

  /** A listener that `stop` closes. @throws EdgeError */
  protected listening(at: Address, accepting: Accepting, opening: Opening): Listener {
    const listener: Listener = new PortableListener(this.host, at, accepting, {
      open: (where) => opening.open(where),
      end: () => {
        this.listeners.delete(listener);
        opening.end();
      },
    });
    this.listeners.add(listener);
    return listener;
  }

  protected guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.host.fault(error);
    }
  }
}

function own(conn: Conn): PortableConn {
  if (conn instanceof PortableConn) return conn;
  throw new EdgeError("INTERNAL", "Cannot move bytes of a connection: it belongs to another runtime");
}
