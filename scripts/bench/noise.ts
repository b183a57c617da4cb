/** How much of the machine other processes took during a measurement. */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { familyOf, spentNs, threadTimes, type ThreadTimes } from "./child.ts";

export interface Watch {
  /** Share of all CPUs that others used since the watch began: 0 to 1. */
  others(): number;
}

/** Columns of /proc/stat, proc(5). */
const BUSY = { user: 1, nice: 2, system: 3, irq: 6, softirq: 7, steal: 8 } as const;
const TICK_NS = 1e7;

/** @param ours processes that belong to the measurement, besides this one */
export function watchMachine(ours: readonly number[]): Watch {
  const at = performance.now();
  const busy = busyNs();
  const own = ownTimes(ours);
  return {
    others() {
      const elapsedNs = (performance.now() - at) * 1e6 * cpus().length;
      const othersNs = busyNs() - busy - spentNs(own, ownTimes(ours));
      return Math.min(1, Math.max(0, othersNs / elapsedNs));
    },
  };
}

function ownTimes(ours: readonly number[]): ThreadTimes {
  return threadTimes([process.pid, ...ours.flatMap(familyOf)]);
}

function busyNs(): number {
  const [all = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const fields = all.split(/\s+/).map(Number);
  return Object.values(BUSY).reduce((sum, column) => sum + (fields[column] ?? 0), 0) * TICK_NS;
}
