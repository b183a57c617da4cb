/** What this process may hold at most, and the word to the operator when it is about to run out. */
import { ACCEPT_SHARE, descriptorLimit, lowestFreeDescriptor } from "../../runtime/portable/descriptors.ts";
import type { EventLog } from "../log/event-log.ts";

/** Descriptors that are no client's: libraries, probes, admin, listening sockets, logs. */
const RESERVED_DESCRIPTORS = 200;
/** A tunnel has two sockets, and two splice pipes' ends while it is busy. */
const DESCRIPTORS_PER_CONNECTION = 4;

/** Client connections that fit in the descriptor limit: (nofile - 200) / 4, at least 1. */
export function maxConnections(descriptors: number = descriptorLimit()): number {
  return Math.max(1, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_CONNECTION));
}

/** Short enough to see a crowd come and go; one open and close each time. */
const LOOK_MS = 250;
/** A shortage that lasts is told again this much later. */
const TELL_MS = 5_000;

export interface DescriptorWatch {
  /** Looks that found descriptors short, since the start. */
  readonly shortages: number;
  stop(): void;
}

export interface WatchInput {
  readonly log: EventLog;
  /** The limit. */
  readonly descriptors?: number;
  /** So many are in use. */
  readonly used?: () => number;
  readonly now?: () => number;
  readonly everyMs?: number;
}

/** Tells the operator, every few seconds at most, that descriptors are short and which knob to turn; and when they no longer are. */
export function watchDescriptors({
  log,
  descriptors = descriptorLimit(),
  used = () => descriptorsInUse(descriptors),
  now = () => performance.now(),
  everyMs = LOOK_MS,
}: WatchInput): DescriptorWatch {
  let shortages = 0;
  let toldAt = -Infinity;
  let short = false;
  const look = (): void => {
    const count = used();
    if (count < descriptors * ACCEPT_SHARE) {
      if (short) log.info("descriptors", "descriptors suffice again", { used: count, limit: descriptors });
      short = false;
      return;
    }
    shortages += 1;
    if (now() - toldAt < TELL_MS) return;
    toldAt = now();
    short = true;
    const text = `descriptors are short: ${count} of ${descriptors} in use; raise LimitNOFILE (or ulimit -n)`;
    log.warn("descriptors", text, { used: count, limit: descriptors });
  };
  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    get shortages() {
      return shortages;
    },
    stop: () => clearInterval(timer),
  };
}

/** Exact when it matters, and no list of thousands to read. */
function descriptorsInUse(limit: number): number {
  try {
    return lowestFreeDescriptor();
  } catch {
    return limit;
  }
}
