/** The heart of a worker: who owns which descriptor, what runs when, and one turn of it all. */
import { Arrivals } from "../ring/arrivals.ts";
import { Batch } from "../ring/batch.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { eventFd, eventGeneration, eventMask, Poller } from "../kernel/epoll.ts";
import { PipePool } from "./pipes.ts";
import { UPKEEP_MS } from "../kernel/socket-options.ts";
import { openRing } from "../ring/probe.ts";
import { TimerNode, TimerWheel } from "./timers.ts";
import { SocketPool } from "./sockets.ts";
import { descriptorLimit } from "../kernel/syscalls.ts";
import type { Reporter, Task, Watcher } from "./watcher.ts";

/** A visit of all descriptors that is due in a while. */
class Round extends TimerNode {
  private readonly visit: () => void;

  constructor(visit: () => void) {
    super();
    this.visit = visit;
  }

  fire(): void {
    this.visit();
  }
}

/** A connection that was quiet for so long is looked at. */
const LOOK_MS = 100;
/** Enters of the ring at the end, at most: it sees to some twenty cancelled receives in each. */
const ENDING_ROUNDS = 10_000;
const GENERATIONS = 2 ** 31 - 1;

export class Loop {
  /** Monotonic milliseconds, read once per turn. */
  now = performance.now();
  stopped = false;
  /** Counts turns: events of one turn were fetched before anything that happens in it. */
  turns = 0;
  onFault: (error: unknown) => void = () => {};
  readonly timers = new TimerWheel(this.now);
  readonly ledger: Ledger;
  readonly pipes: PipePool;
  readonly sockets: SocketPool;
  readonly poller = new Poller();
  readonly batch: Batch;
  private readonly arrivals = new Arrivals((fd, generation) => this.ownerOf(fd, generation)?.receiver ?? null);
  /** Why there is no ring; null: there is one. */
  readonly ringProblem: string | null;
  /** Highest descriptor number this process may get. */
  readonly descriptors = descriptorLimit();
  /** By descriptor. */
  private readonly watchers: (Watcher | null)[] = [];
  private readonly upkeep = new Round(() => this.upkeepAll());
  private readonly looks = new Round(() => this.lookAtAll());
  private lastGeneration = 0;
  private tasks: Task[] = [];
  private later: Task[] = [];
  /** Wait for the sends of this turn. */
  private readonly sending: Task[] = [];
  private readonly reporters: Reporter[] = [];

  /** @param ring False: none is wanted. */
  constructor(debug: boolean, ring: boolean) {
    this.ledger = openLedger(debug);
    const opened = ring ? openRing() : "switched off";
    this.ringProblem = typeof opened === "string" ? opened : null;
    this.batch = new Batch(typeof opened === "string" ? null : opened, this.arrivals, () => this.noRing());
    this.pipes = new PipePool(this.ledger, this.descriptors);
    this.sockets = new SocketPool(this);
    if (this.poller.fd >= 0) this.ledger.own(this.poller.fd, "epoll");
  }

  /** A generation no living owner has. */
  generation(): number {
    this.lastGeneration = (this.lastGeneration % GENERATIONS) + 1;
    return this.lastGeneration;
  }

  /**
   * From now on the events of its descriptor are for `watcher`; `release` before closing it.
   * @param what Its name as owner of the descriptor; null: control owns it.
   */
  adopt(watcher: Watcher, what: string | null): void {
    while (this.watchers.length <= watcher.fd) this.watchers.push(null);
    if (what !== null) this.ledger.own(watcher.fd, what);
    this.watchers[watcher.fd] = watcher;
  }

  /** A connection was dialled: it needs `upkeep` in a while. */
  keepUp(): void {
    if (this.upkeep.slot < 0) this.timers.add(this.upkeep, this.now + UPKEEP_MS);
  }

  private upkeepAll(): void {
    for (const watcher of this.watchers) watcher?.upkeep?.();
  }

  /** A receiver needs a `look` in a while. */
  lookLater(): void {
    if (this.looks.slot < 0) this.timers.add(this.looks, this.now + LOOK_MS);
  }

  private lookAtAll(): void {
    let again = false;
    for (const watcher of this.watchers) if (watcher?.receiver?.look() === true) again = true;
    if (again) this.lookLater();
  }

  /** @param owned false: control owns it. */
  release(fd: number, owned: boolean): void {
    if (owned) this.ledger.disown(fd);
    this.watchers[fd] = null;
  }

  /** Run `task` in this turn, after the call that is under way. */
  soon(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.tasks.push(task);
  }

  /** Run `task` in the next turn, after the events that wait: one busy stream must not starve the rest. */
  again(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.later.push(task);
  }

  /** Run `task` in this turn, once what it sends is in the kernel. */
  afterSends(task: Task): void {
    if (task.queued) return;
    task.queued = true;
    this.sending.push(task);
  }

  /** Descriptors run short: give back those that are only kept ready. */
  relieve(): void {
    this.pipes.shed();
    this.sockets.clear();
    this.batch.enter();
  }

  /** Have `report` called at the end of this turn. */
  reportLater(reporter: Reporter): void {
    if (reporter.reporting) return;
    reporter.reporting = true;
    this.reporters.push(reporter);
  }

  /** Tell the worker of a callback that threw; its own fault handler must not end the loop either. */
  fault(error: unknown): void {
    try {
      this.onFault(error);
    } catch {
      // nothing is left to tell it to
    }
  }

  /** One turn: wait at most `timeoutMs` (-1: for ever), then events, timers, tasks, reports. */
  turn(timeoutMs: number): void {
    const count = this.wait(timeoutMs);
    this.turns++;
    this.now = performance.now();
    this.batch.gathers = count > 1 || this.arrivals.standing > 0;
    for (let i = 0; i < count; i++) {
      this.dispatch(i);
      if (!this.batch.gathers) this.batch.enter();
    }
    this.timers.advance(this.now);
    this.bringForward();
    this.runTasks();
    this.runReports();
    this.batch.endTurn();
  }

  /** Where receives stand, the call that waits also does what the last turn left to do. @returns How many events epoll has. */
  private wait(timeoutMs: number): number {
    if (this.arrivals.standing === 0) {
      this.batch.enter();
      return this.poller.wait(this.waitMs(timeoutMs));
    }
    this.batch.enterAndWait(this.poller.fd, this.waitMs(timeoutMs));
    return this.arrivals.takeEpollReady() ? this.poller.wait(0) : 0;
  }

  /** Until no receive of this descriptor stands: what came before that has arrived. One that is at work cannot be cancelled. */
  withdraw(fd: number, generation: number, stands: () => boolean): void {
    while (stands()) {
      this.batch.cancel(fd, generation);
      this.batch.enterAndWait(this.poller.fd, 0);
    }
  }

  /** All were cancelled. A descriptor that one stands on stays open behind its close. */
  private endReceives(): void {
    for (let round = 0; this.arrivals.standing > 0 && round < ENDING_ROUNDS; round++) {
      this.batch.enterAndWait(this.poller.fd, 0);
    }
  }

  private noRing(): void {
    for (const watcher of this.watchers) watcher?.receiver?.onNoRing();
  }

  /** What was put off to this turn is due. */
  private bringForward(): void {
    if (this.later.length === 0) return;
    const waiting = this.later;
    this.later = [];
    for (const task of waiting) this.tasks.push(task);
  }

  private runReports(): void {
    for (let i = 0; i < this.reporters.length; i++) {
      const reporter = this.reporters[i];
      if (reporter?.reporting === true) reporter.report();
    }
    this.reporters.length = 0;
  }

  private waitMs(timeoutMs: number): number {
    if (this.tasks.length > 0 || this.later.length > 0) return 0;
    const timer = this.timers.waitMs(performance.now());
    if (timer < 0) return timeoutMs;
    return timeoutMs < 0 ? timer : Math.min(timer, timeoutMs);
  }

  private dispatch(index: number): void {
    this.ownerOf(eventFd(index), eventGeneration(index))?.onReady(eventMask(index));
  }

  /** Null: it has another owner by now, or none. */
  private ownerOf(fd: number, generation: number): Watcher | null {
    const watcher = this.watchers[fd];
    return watcher !== null && watcher !== undefined && watcher.generation === generation ? watcher : null;
  }

  /** Tasks may ask for more tasks, and so may what was sent; all run in this turn. */
  private runTasks(): void {
    do {
      for (let i = 0; i < this.tasks.length; i++) {
        const task = this.tasks[i];
        if (task === undefined) continue;
        task.queued = false;
        task.run();
      }
      this.tasks.length = 0;
      // else it waits for the call that waits
      if (this.sending.length > 0 || this.arrivals.standing === 0) this.batch.enter();
      for (const task of this.sending) this.tasks.push(task);
      this.sending.length = 0;
    } while (this.tasks.length > 0);
  }

  /** End every connection and tunnel, which are told, and close every descriptor of this loop. */
  close(): void {
    for (const watcher of this.watchers) watcher?.shutDown();
    this.bringForward();
    this.runTasks();
    this.runReports();
    this.endReceives();
    this.batch.dispose();
    this.pipes.close();
    this.sockets.clear();
    if (this.poller.fd >= 0) {
      this.ledger.disown(this.poller.fd);
      this.poller.close();
    }
  }
}
