/** The part of a runtime that Bun and Node share: clock, timers, mail, faults. */
import { EdgeError } from "../../errors.ts";
import type { FromWorker, ToWorker } from "../../seam/mail.ts";
import { Link } from "./conn.ts";
import { startPass } from "./pass.ts";
import type { Cancel, Conn, Listener, Runtime } from "../port.ts";
import { startRelay, Relay } from "./tunnel.ts";
import { createDeadlines, createPulse, type Host } from "./wire.ts";

/** A `MessagePort`, or what looks like one. */
export interface MailPort {
  on(event: "message", handler: (mail: ToWorker) => void): unknown;
  postMessage(mail: FromWorker): void;
  /** Its handler no longer keeps the thread alive. */
  unref?(): unknown;
}

/** How often byte counts and idle times are brought up to date while bytes move. */
const PULSE_MS = 100;

export interface EventLoop {
  readonly host: Host;
  /** Closed by `stop()`. */
  readonly listeners: Set<Listener>;
  /** Everything of a runtime but listening and dialling. */
  readonly common: Common & Pick<Runtime, "stop">;
}

/** What every runtime built on links does alike. */
export type Common = Omit<Runtime, "engine" | "listen" | "dial" | "stop">;

export function createEventLoop(mail: MailPort | null, traits: Pick<Host, "borrows" | "spent">): EventLoop {
  let onFault = (_error: unknown): void => {};
  const nowMs = (): number => performance.now();
  const timer = (ms: number, fire: () => void): Cancel => {
    const handle = setTimeout(fire, ms);
    return { cancel: () => clearTimeout(handle) };
  };
  const fault = (error: unknown): void => onFault(error);
  const host: Host = {
    lends: false,
    ...traits,
    nowMs,
    defer: queueMicrotask,
    timer,
    fault,
    pulse: createPulse((flush) => void setTimeout(flush, PULSE_MS)),
    deadlines: createDeadlines(nowMs, timer),
    links: new Set(),
  };
  const listeners = new Set<Listener>();
  return { host, listeners, common: { ...commonOf(host, mail, (handler) => (onFault = handler)), stop } };

  function stop(): void {
    for (const listener of listeners) listener.close();
    endAll(host);
    // a worker that has nothing left to do ends by itself
    mail?.unref?.();
  }
}

export function commonOf(
  host: Host,
  mail: MailPort | null,
  setFault: (handler: (error: unknown) => void) => void,
): Common {
  return {
    nowMs: () => host.nowMs(),
    wallMs: () => Date.now(),
    timer: (ms, fire) => host.timer(ms, () => guarded(host, fire)),
    pass: (from, to, spec) => startPass(linkOf(from), linkOf(to), spec),
    join: (client, node, spec) => startRelay(linkOf(client), linkOf(node), spec, host),
    onMail: (handler) => void mail?.on("message", (message) => guarded(host, () => handler(message))),
    post: (message) => mail?.postMessage(message),
    onFault: setFault,
    run() {},
  };
}

export function endAll(host: Host): void {
  for (const expiring of host.deadlines.all) if (expiring instanceof Relay) expiring.cut("shutdown");
  for (const link of host.links) link.shut("destroyed");
}

export function guarded(host: Host, call: () => void): void {
  try {
    call();
  } catch (error) {
    host.fault(error);
  }
}

function linkOf(conn: Conn): Link {
  if (conn instanceof Link) return conn;
  throw new EdgeError("INTERNAL", "Cannot move bytes of a connection: it belongs to another runtime");
}
