/** The `linux` runtime: epoll and splice through libc, one loop per worker thread. */
import type { MessagePort } from "node:worker_threads";
import { EdgeError } from "../../errors.ts";
import type { Cancel, Conn, ConnEvents, DialSpec, JoinSpec, Listener, PassSpec, Runtime, Tunnel } from "../port.ts";
import type { FromWorker, ListenSpec, ToWorker } from "../../seam/mail.ts";
import type { TunnelState } from "../../seam/tunnel-state.ts";
import { listen } from "./accept.ts";
import { LinuxConn } from "./conn.ts";
import { dial } from "./dial.ts";
import { Loop } from "./loop.ts";
import { Mailbox } from "./mail.ts";
import { pass } from "./pass.ts";
import { TimerNode } from "./timers.ts";
import { join, take } from "./tunnel.ts";

export interface LinuxRuntimeOptions {
  /** Control's end of the mail; none in tests. */
  readonly mail?: MessagePort;
  /** The waker's descriptor; stays open. */
  readonly wakeFd?: number;
  /** Check every invariant: each descriptor owned once, pooled pipes empty, generations right. Slower. */
  readonly debug?: boolean;
  /** False: plain calls and epoll even where io_uring works. */
  readonly ring?: boolean;
}

export interface LinuxRuntime extends Runtime {
  /** One turn of the loop, for tests that drive it by hand: waits at most `timeoutMs`. After `stop` it ends everything. */
  turn(timeoutMs: number): void;
}

/** @throws EdgeError ENGINE_UNAVAILABLE when epoll does not work here; `probeLinux` says why. */
export function createLinuxRuntime(options: LinuxRuntimeOptions = {}): LinuxRuntime {
  return new EpollRuntime(options);
}

class UserTimer extends TimerNode implements Cancel {
  private readonly loop: Loop;
  private readonly callback: () => void;

  constructor(loop: Loop, callback: () => void) {
    super();
    this.loop = loop;
    this.callback = callback;
  }

  fire(): void {
    try {
      this.callback();
    } catch (error) {
      this.loop.fault(error);
    }
  }

  cancel(): void {
    this.loop.timers.remove(this);
  }
}

class EpollRuntime implements LinuxRuntime {
  readonly engine = "linux";
  private readonly loop: Loop;
  private readonly mailbox: Mailbox | null;
  private disposed = false;

  constructor(options: LinuxRuntimeOptions) {
    this.loop = new Loop(options.debug === true, options.ring !== false);
    if (this.loop.poller.fd < 0) {
      throw new EdgeError("ENGINE_UNAVAILABLE", `Cannot use the linux engine: errno ${-this.loop.poller.fd}`);
    }
    const { mail, wakeFd } = options;
    this.mailbox = mail === undefined || wakeFd === undefined ? null : new Mailbox(this.loop, mail, wakeFd);
  }

  nowMs(): number {
    return this.loop.now;
  }

  wallMs(): number {
    return Date.now();
  }

  timer(ms: number, fire: () => void): Cancel {
    const timer = new UserTimer(this.loop, fire);
    this.loop.timers.add(timer, this.loop.now + ms);
    return timer;
  }

  listen(spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
    return listen(this.loop, spec, onAccept);
  }

  dial(spec: DialSpec): Cancel {
    return dial(this.loop, spec);
  }

  pass(from: Conn, to: Conn, spec: PassSpec): void {
    pass(this.loop, own(from), own(to), spec);
  }

  join(client: Conn, node: Conn, spec: JoinSpec): Tunnel {
    return join(this.loop, own(client), own(node), spec);
  }

  take(state: TunnelState, spec: JoinSpec): Tunnel {
    return take(this.loop, state, spec);
  }

  /** This thread never comes to the event loop, where it would be done in time. */
  collect(): void {
    Bun.gc(true);
  }

  onMail(handler: (mail: ToWorker) => void): void {
    this.mailbox?.onMail(handler);
  }

  post(mail: FromWorker): void {
    this.mailbox?.post(mail);
  }

  onFault(handler: (error: unknown) => void): void {
    this.loop.onFault = handler;
  }

  run(): void {
    try {
      while (!this.loop.stopped) this.loop.turn(-1);
    } finally {
      this.dispose();
    }
  }

  turn(timeoutMs: number): void {
    if (this.disposed) return;
    if (this.loop.stopped) this.dispose();
    else this.loop.turn(timeoutMs);
  }

  stop(): void {
    this.loop.stopped = true;
  }

  private dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.loop.stopped = true;
    this.loop.close();
  }
}

function own(conn: Conn): LinuxConn {
  if (conn instanceof LinuxConn) return conn;
  throw new Error("Cannot use a connection of another runtime");
}
