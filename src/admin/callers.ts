/**
 * Who is connected to the admin address. Whoever comes gets in: once too many are there, the one that has been idle longest
 * makes room, so nobody can keep `/readyz` from answering by sitting there.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface CallerLimits {
  /** Connections in all. */
  readonly connections: number;
  /** Of these, such as listen to events; for a further one the oldest goes, which may come back and ask for what it missed. */
  readonly listening: number;
  /** Without a whole request. */
  readonly idleMs: number;
  /** For an answer to be taken. */
  readonly answerMs: number;
}

/** Callers must not hold descriptors that clients need. */
export const CALLER_LIMITS: CallerLimits = {
  connections: 100,
  listening: 64,
  idleMs: 10_000,
  answerMs: 30_000,
};

/** What a caller is about, in the order in which callers make room. */
const DOINGS = ["idle", "answered", "listening"] as const;
type Doing = (typeof DOINGS)[number];

interface Caller {
  readonly socket: Socket;
  doing: Doing;
  sinceMs: number;
  /** Requests that have no whole answer yet. */
  requests: number;
}

const SWEEP_MS = 1_000;

export class Callers {
  private readonly limits: CallerLimits;
  /** Those whose doing changed longest ago come first. */
  private readonly callers = new Map<Socket, Caller>();
  private readonly sweeping: ReturnType<typeof setInterval>;

  constructor(limits: CallerLimits = CALLER_LIMITS) {
    this.limits = limits;
    this.sweeping = setInterval(() => this.sweep(performance.now()), SWEEP_MS);
    this.sweeping.unref();
  }

  enter(socket: Socket): void {
    socket.on("close", () => this.callers.delete(socket));
    socket.on("error", () => socket.destroy());
    this.callers.set(socket, { socket, doing: "idle", sinceMs: performance.now(), requests: 0 });
    if (this.callers.size > this.limits.connections) this.makeRoom(socket);
  }

  /** A whole request came. */
  asked({ socket, url = "" }: IncomingMessage, response: ServerResponse): void {
    const caller = this.callers.get(socket);
    if (caller === undefined) return;
    caller.requests += 1;
    this.now(caller, url.startsWith("/v1/events") ? "listening" : "answered");
    response.on("close", () => {
      caller.requests -= 1;
      if (caller.requests === 0) this.now(caller, "idle");
    });
    if (caller.doing !== "listening") return;
    const listening = [...this.callers.values()].filter(({ doing }) => doing === "listening");
    const [oldest] = listening;
    if (oldest !== undefined && listening.length > this.limits.listening) this.release(oldest);
  }

  end(): void {
    clearInterval(this.sweeping);
    for (const caller of this.callers.values()) this.release(caller);
  }

  private now(caller: Caller, doing: Doing): void {
    caller.doing = doing;
    caller.sinceMs = performance.now();
    if (this.callers.delete(caller.socket)) this.callers.set(caller.socket, caller);
  }

  private makeRoom(newcomer: Socket): void {
    const others = [...this.callers.values()].filter(({ socket }) => socket !== newcomer);
    for (const wanted of DOINGS) {
      const oldest = others.find(({ doing }) => doing === wanted);
      if (oldest !== undefined) return this.release(oldest);
    }
    return undefined;
  }

  /** Those that take too long go, whether there is room or not. */
  private sweep(nowMs: number): void {
    const { idleMs, answerMs } = this.limits;
    for (const caller of this.callers.values()) {
      const forMs = nowMs - caller.sinceMs;
      if (caller.doing === "idle" && forMs > idleMs) this.release(caller);
      if (caller.doing === "answered" && forMs > answerMs) this.release(caller);
    }
  }

  private release(caller: Caller): void {
    this.callers.delete(caller.socket);
    caller.socket.destroy();
  }
}
