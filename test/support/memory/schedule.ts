/** A clock that is moved by hand, and what is to be done. */
import type { Cancel } from "../../../src/runtime/port.ts";

export interface Schedule {
  nowMs(): number;
  defer(task: () => void): void;
  timer(ms: number, fire: () => void): Cancel;
  settle(): void;
  advance(ms: number): void;
}

/** Far more tasks than a test causes at one moment: two parts that answer each other for ever are a bug, not a hang. */
const MOST_TASKS = 2_000_000;

export function createSchedule(startMs: number): Schedule {
  const hand = new HandClock(startMs);
  return {
    nowMs: () => hand.nowMs,
    defer: (task) => hand.defer(task),
    timer: (ms, fire) => hand.timer(ms, fire),
    settle: () => hand.fireDue(hand.nowMs),
    advance: (ms) => hand.advance(ms),
  };
}

interface Alarm {
  readonly atMs: number;
  readonly fire: () => void;
}

class HandClock {
  nowMs: number;
  private tasks: (() => void)[] = [];
  /** By time, then by order of setting. */
  private readonly alarms: Alarm[] = [];

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  defer(task: () => void): void {
    this.tasks.push(task);
  }

  timer(ms: number, fire: () => void): Cancel {
    const alarm = { atMs: this.nowMs + Math.max(0, ms), fire };
    const after = this.alarms.findLastIndex(({ atMs }) => atMs <= alarm.atMs);
    this.alarms.splice(after + 1, 0, alarm);
    return { cancel: () => this.forget(alarm) };
  }

  fireDue(untilMs: number): void {
    this.settle();
    for (let next = this.alarms[0]; next !== undefined && next.atMs <= untilMs; next = this.alarms[0]) {
      this.alarms.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.fire();
      this.settle();
    }
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    this.fireDue(untilMs);
    this.nowMs = untilMs;
    this.settle();
  }

  private forget(alarm: Alarm): void {
    const at = this.alarms.indexOf(alarm);
    if (at >= 0) this.alarms.splice(at, 1);
  }

  private settle(): void {
    for (let done = 0; this.tasks.length > 0;) {
      const batch = this.tasks;
      this.tasks = [];
      for (const task of batch) task();
      done += batch.length;
      if (done > MOST_TASKS) throw new Error(`Cannot settle: ${done} tasks done and more to do`);
    }
  }
}
