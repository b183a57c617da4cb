/** Machines that are there and show nothing, or half of it: they may be booting, and are asked again until that is over. */
import type { Ports } from "./look.ts";
import type { Candidate } from "./source.ts";

/** Asked again after a tenth of the time that it is there, between these. */
const SOONEST_MS = 1_000;
const LATEST_MS = 5_000;
/** A machine that shows nothing after this is none that boots; sweeps come by anyway. */
const BOOT_MOST_MS = 900_000;
/** More than this do not boot at once. */
const MACHINES_MOST = 256;

/** A machine, and where to ask it. */
export interface Asked {
  readonly candidate: Candidate;
  readonly ports: Ports;
}

interface Machine extends Asked {
  dueMs: number;
}

export class Booting {
  private readonly nowMs: () => number;
  private readonly machines = new Map<string, Machine>();
  /** Of every address where somebody is. */
  private readonly sinceMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  /** It has just come, or is another one now: asked at once. */
  arrived(candidate: Candidate, ports: Ports): void {
    if (this.machines.size >= MACHINES_MOST && !this.machines.has(candidate.ip)) return;
    this.sinceMs.set(candidate.ip, this.nowMs());
    this.machines.set(candidate.ip, { candidate, ports, dueMs: 0 });
  }

  keepAsking(candidate: Candidate, ports: Ports): void {
    const { ip } = candidate;
    const nowMs = this.nowMs();
    const sinceMs = this.sinceMs.get(ip) ?? nowMs;
    this.sinceMs.set(ip, sinceMs);
    this.machines.delete(ip);
    if (nowMs - sinceMs >= BOOT_MOST_MS || this.machines.size >= MACHINES_MOST) return;
    const pauseMs = Math.min(LATEST_MS, Math.max(SOONEST_MS, (nowMs - sinceMs) / 10));
    this.machines.set(ip, { candidate, ports, dueMs: nowMs + pauseMs });
  }

  /** It shows what there is to see, or is not there any more. */
  done(ip: string): void {
    this.machines.delete(ip);
    this.sinceMs.delete(ip);
  }

  /** @returns those that are to be asked now; each says then what becomes of it */
  takeDue(): readonly Asked[] {
    const nowMs = this.nowMs();
    const due = [...this.machines.values()].filter(({ dueMs }) => nowMs >= dueMs);
    for (const each of due) each.dueMs = Number.POSITIVE_INFINITY;
    return due;
  }
}
