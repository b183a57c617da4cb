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
  let now = startMs;
  let tasks: (() => void)[] = [];
  /** By time, then by order of setting. */
  const timers: { readonly atMs: number; readonly fire: () => void }[] = [];

  const settle = (): void => {
    for (let done = 0; tasks.length > 0;) {
      const batch = tasks;
      tasks = [];
      for (const task of batch) task();
      done += batch.length;
      if (done > MOST_TASKS) throw new Error(`Cannot settle: ${done} tasks done and more to do`);
    }
  };
  const fireDue = (untilMs: number): void => {
    settle();
    for (let next = timers[0]; next !== undefined && next.atMs <= untilMs; next = timers[0]) {
      timers.shift();
      now = Math.max(now, next.atMs);
      next.fire();
      settle();
    }
  };
  return {
    nowMs: () => now,
    defer: (task) => void tasks.push(task),
    timer(ms, fire) {
      const entry = { atMs: now + Math.max(0, ms), fire };
      const after = timers.findLastIndex(({ atMs }) => atMs <= entry.atMs);
      timers.splice(after + 1, 0, entry);
      return {
        cancel() {
          const at = timers.indexOf(entry);
          if (at >= 0) timers.splice(at, 1);
        },
      };
    },
    settle: () => fireDue(now),
    advance(ms) {
      const untilMs = now + ms;
      fireDue(untilMs);
      now = untilMs;
      settle();
    },
  };
}
