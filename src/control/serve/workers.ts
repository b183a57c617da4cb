/** The data plane's threads: started, sent mail, and replaced when one ends. */
import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";
import type { WorkerInput } from "../../seam/worker-input.ts";
import { EdgeError } from "../../errors.ts";
import { clearWorker, type Board } from "../../seam/board.ts";
import type { FromWorker, ListenSpec, ToWorker } from "../../seam/mail.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { GivenTunnel } from "../../seam/tunnel-state.ts";
import type { WorkerEngine } from "./engine.ts";

/** A worker that ends more often than this has a fault that a new one has too. */
const MOST_REPLACEMENTS = 3;
const REPLACEMENT_WINDOW_MS = 60_000;

export interface WorkersInput {
  /** The worker's entry, resolved by main.ts. */
  readonly entry: URL;
  readonly engine: WorkerEngine;
  /** Many sends share a system call. */
  readonly ring: boolean;
  readonly count: number;
  readonly board: Board;
  readonly log: WorkerInput["log"];
  /** The newest one, also for a worker that is started later. */
  snapshot(): Snapshot;
  listen(): readonly ListenSpec[];
  onMail(worker: number, mail: FromWorker): void;
  onReplaced(worker: number, reason: string): void;
  /** Workers end faster than they may be replaced. */
  onFatal(error: EdgeError): void;
}

export interface Workers {
  /** Those that do not accept connections now: just started, or on their way out. */
  idle(): readonly number[];
  /** Resolves when every worker accepts. @throws EdgeError when one cannot listen or ends before */
  start(): Promise<void>;
  broadcast(mail: ToWorker): void;
  post(worker: number, mail: ToWorker): void;
  /** Asks a worker for at most so many of its tunnels, which are the caller's then. Empty when it has none, or ends. */
  give(worker: number, most: number): Promise<readonly GivenTunnel[]>;
  /**
   * Resolves when all have stopped, `afterMs` and a little at the latest.
   * @param onListenersClosed No worker accepts any more: the listening sockets may go, so that the kernel refuses who comes now.
   */
  stop(afterMs: number, onListenersClosed: () => void): Promise<void>;
}

/** A worker that does not answer "stop" in this time after its deadline is left to the end of the process. */
const STOP_GRACE_MS = 2_000;
/** A later timer would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export function createWorkers(input: WorkersInput): Workers {
  return new WorkerPool(input);
}

interface Slot {
  readonly thread: Worker;
  readonly mail: MessagePort;
  readonly wake: () => void;
  readonly closeWaker: () => void;
  /** Why it ended, once it does. */
  reason: string;
}

/** Callbacks of a worker's first "up". */
interface Ready {
  resolve(): void;
  reject(error: unknown): void;
}

class WorkerPool implements Workers {
  private readonly input: WorkersInput;
  private readonly slots: (Slot | null)[];
  private readonly ready: (Ready | null)[];
  private readonly accepting = new Set<number>();
  private readonly closed = new Set<number>();
  private readonly stopped = new Set<number>();
  /** By worker: who waits for its tunnels. */
  private readonly givings = new Map<number, (tunnels: readonly GivenTunnel[]) => void>();
  private replacedAt: number[] = [];
  private stopping: (() => void) | null = null;
  private onListenersClosed: (() => void) | null = null;

  constructor(input: WorkersInput) {
    this.input = input;
    this.slots = Array.from({ length: input.count }, () => null);
    this.ready = Array.from({ length: input.count }, () => null);
  }

  async start(): Promise<void> {
    const up = this.slots.map(
      (_, worker) => new Promise<void>((resolve, reject) => (this.ready[worker] = { resolve, reject })),
    );
    for (let worker = 0; worker < this.slots.length; worker++) await this.spawn(worker);
    await Promise.all(up);
  }

  idle(): readonly number[] {
    return [...this.slots.keys()].filter((worker) => !this.accepting.has(worker));
  }

  broadcast(mail: ToWorker): void {
    for (let worker = 0; worker < this.slots.length; worker++) this.post(worker, mail);
  }

  post(worker: number, mail: ToWorker): void {
    const slot = this.slots[worker];
    slot?.mail.postMessage(mail);
    slot?.wake();
  }

  give(worker: number, most: number): Promise<readonly GivenTunnel[]> {
    if ((this.slots[worker] ?? null) === null || this.stopped.has(worker)) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.givings.set(worker, resolve);
      this.post(worker, { kind: "give", most });
    });
  }

  private given(worker: number, tunnels: readonly GivenTunnel[]): void {
    this.givings.get(worker)?.(tunnels);
    this.givings.delete(worker);
  }

  async stop(afterMs: number, onListenersClosed: () => void): Promise<void> {
    this.onListenersClosed = onListenersClosed;
    const all = new Promise<void>((resolve) => (this.stopping = resolve));
    this.broadcast({ kind: "stop", afterMs });
    this.checkStopped();
    const late = setTimeout(() => this.stopping?.(), Math.min(afterMs + STOP_GRACE_MS, LONGEST_TIMER_MS));
    await all;
    clearTimeout(late);
  }

  private async spawn(worker: number): Promise<void> {
    const { engine, ring, board, log } = this.input;
    const waker = engine === "linux" ? await newWaker() : null;
    const { port1, port2 } = new MessageChannel();
    const workerData: WorkerInput = {
      worker,
      workers: board.workers,
      engine,
      ring,
      board: board.buffer,
      mail: port2,
      wakeFd: waker?.fd ?? -1,
      snapshot: this.input.snapshot(),
      log,
    };
    const thread = new Worker(this.input.entry, { workerData, transferList: [port2] });
    const slot: Slot = {
      thread,
      mail: port1,
      wake: () => waker?.wake(),
      closeWaker: () => waker?.close(),
      reason: "it ended",
    };
    thread.on("error", (error) => (slot.reason = error instanceof Error ? error.message : String(error)));
    thread.on("exit", () => this.exited(worker, slot.reason));
    port1.on("message", (mail: FromWorker) => this.take(worker, mail));
    this.slots[worker] = slot;
    this.post(worker, { kind: "listen", add: this.input.listen(), remove: [] });
  }

  private take(worker: number, mail: FromWorker): void {
    if (mail.kind === "up") {
      this.accepting.add(worker);
      this.settle(worker, (ready) => ready.resolve());
    }
    if (mail.kind === "listen-failed") this.listenFailed(worker, mail);
    if (mail.kind === "listeners-closed") {
      this.accepting.delete(worker);
      this.closed.add(worker);
    }
    if (mail.kind === "given") this.given(worker, mail.tunnels);
    if (mail.kind === "stopped") {
      this.stopped.add(worker);
      this.given(worker, []);
    }
    if (this.stopping !== null) this.checkStopped();
    this.input.onMail(worker, mail);
  }

  /** At the start edge-lb cannot start; later a worker that nobody reaches makes way for another. */
  private listenFailed(worker: number, { message, hint }: Extract<FromWorker, { kind: "listen-failed" }>): void {
    const slot = this.slots[worker];
    if (slot && this.ready[worker] === null) {
      slot.reason = message;
      return this.post(worker, { kind: "stop", afterMs: 0 });
    }
    const failure = new EdgeError("LISTEN_FAILED", message, hint === "" ? {} : { hint });
    return this.settle(worker, (ready) => ready.reject(failure));
  }

  private exited(worker: number, reason: string): void {
    const slot = this.slots[worker];
    slot?.mail.close();
    slot?.closeWaker();
    this.slots[worker] = null;
    this.given(worker, []);
    this.accepting.delete(worker);
    clearWorker(this.input.board, worker);
    if (this.stopping !== null) {
      this.stopped.add(worker);
      return this.checkStopped();
    }
    this.closed.delete(worker);
    this.stopped.delete(worker);
    if (this.ready[worker] === null) return this.replace(worker, reason);
    const failure = new EdgeError("WORKERS_FAILED", `Cannot start worker ${worker}: ${reason}`);
    return this.settle(worker, (ready) => ready.reject(failure));
  }

  private replace(worker: number, reason: string): void {
    const now = performance.now();
    this.replacedAt = this.replacedAt.filter((at) => now - at < REPLACEMENT_WINDOW_MS);
    if (this.replacedAt.length >= MOST_REPLACEMENTS) {
      const message = `Cannot keep worker ${worker} running: ${MOST_REPLACEMENTS + 1} workers ended within a minute, the last because ${reason}`;
      return this.input.onFatal(new EdgeError("WORKERS_FAILED", message));
    }
    this.replacedAt.push(now);
    this.input.onReplaced(worker, reason);
    // short of descriptors, say: it counts as one that ended
    this.spawn(worker).catch((error: unknown) =>
      this.replace(worker, error instanceof Error ? error.message : String(error)),
    );
    return undefined;
  }

  private settle(worker: number, act: (ready: Ready) => void): void {
    const ready = this.ready[worker];
    this.ready[worker] = null;
    if (ready) act(ready);
  }

  private checkStopped(): void {
    const all = (done: ReadonlySet<number>): boolean =>
      this.slots.every((slot, worker) => slot === null || done.has(worker));
    if (this.onListenersClosed !== null && all(this.closed)) {
      this.onListenersClosed();
      this.onListenersClosed = null;
    }
    if (all(this.stopped)) this.stopping?.();
  }
}

async function newWaker(): Promise<{ readonly fd: number; wake(): void; close(): void }> {
  const { createWaker } = await import("../../runtime/kernel/waker.ts");
  return createWaker();
}

/** A stack is a session's; what else goes wrong in a worker comes in words. */
export function faultText(stack: string): string {
  return stack.startsWith("Cannot ") ? stack : `a session failed: ${stack.replaceAll(/\s*\n\s*/g, " | ")}`;
}
