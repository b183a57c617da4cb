/** What this process may hold at most, and the word to the operator when it is about to run out. */
import { ACCEPT_SHARE, descriptorLimit, lowestFreeDescriptor } from "../../runtime/descriptors.ts";
import type { EventLog } from "../log/event-log.ts";

/** Descriptors that are no client's: libraries, probes, admin, listening sockets, logs. */
const RESERVED_DESCRIPTORS = 200;
/** A tunnel has two sockets, and two splice pipes' ends while it is busy. */
const DESCRIPTORS_PER_CONNECTION = 4;

/** Client connections that fit in the descriptor limit: (nofile - 200) / 4, at least 1. */
export function maxConnections(descriptors: number = descriptorLimit()): number {
  return Math.max(1, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_CONNECTION));
}

/** Less than this is hardly meant; the usual 1,024 descriptors suffice for 206. */
const FEW_CONNECTIONS = 200;

/** What the start says of too few descriptors; null: they suffice. @param wanted `max-connections`; 0: what fits. */
export function fewDescriptors(wanted: number, descriptors: number = descriptorLimit()): string | null {
  const room = maxConnections(descriptors);
  const remedy = "raise LimitNOFILE (or ulimit -n)";
  if (wanted > room) {
    return `max-connections is ${wanted}, and the ${descriptors} descriptors of this process suffice for ${room}; ${remedy}`;
  }
  if (wanted > 0 || room >= FEW_CONNECTIONS) return null;
  return `max-connections is ${room}, since this process may have only ${descriptors} descriptors; ${remedy}`;
}

/** Short enough to see a crowd come and go; one open and close each time. */
const CHECK_MS = 250;
/** A shortage that lasts is logged again this much later. */
const TELL_MS = 5_000;

export interface WatchInput {
  readonly log: EventLog;
  /** The limit. */
  readonly descriptors?: number;
  /** So many are in use. */
  readonly used?: () => number;
  readonly now?: () => number;
  readonly everyMs?: number;
}

/** Logs, every few seconds at most, that descriptors are short and which limit to raise; and when they suffice again. */
export class DescriptorWatch {
  /** Checks that found descriptors short, since the start. */
  shortages = 0;
  private readonly log: EventLog;
  private readonly descriptors: number;
  private readonly used: () => number;
  private readonly now: () => number;
  private readonly everyMs: number;
  private timer: ReturnType<typeof setInterval> | undefined;
  private toldAt = -Infinity;
  private short = false;

  constructor(input: WatchInput) {
    this.log = input.log;
    this.descriptors = input.descriptors ?? descriptorLimit();
    this.used = input.used ?? (() => descriptorsInUse(this.descriptors));
    this.now = input.now ?? (() => performance.now());
    this.everyMs = input.everyMs ?? CHECK_MS;
  }

  start(): void {
    this.timer = setInterval(() => this.check(), this.everyMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private check(): void {
    const used = this.used();
    const limit = this.descriptors;
    if (used < limit * ACCEPT_SHARE) {
      if (this.short) this.log.info("descriptors", "descriptors suffice again", { used, limit });
      this.short = false;
      return;
    }
    this.shortages += 1;
    if (this.now() - this.toldAt < TELL_MS) return;
    this.toldAt = this.now();
    this.short = true;
    const text = `descriptors are short: ${used} of ${limit} in use; raise LimitNOFILE (or ulimit -n)`;
    this.log.warn("descriptors", text, { used, limit });
  }
}

/** Exact when nearly all are in use, which is when it matters; and cheaper than listing thousands in /proc. */
function descriptorsInUse(limit: number): number {
  try {
    return lowestFreeDescriptor();
  } catch {
    return limit;
  }
}
