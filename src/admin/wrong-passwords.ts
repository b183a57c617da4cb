/** Guessing a password takes time: each caller may be wrong ten times in a row, and then twice a second. */
import { addressBytes, formatAddress } from "../core/address.ts";

/** Wrong passwords that a caller may have at once. */
const BURST = 10;
/** One more after so long. */
const REFILL_MS = 500;
/** Callers that are remembered; the ones that were wrong last. */
const CALLERS_MOST = 4_096;
/** A caller that goes on is logged again after this. */
const TELL_MS = 60_000;

interface Record {
  left: number;
  atMs: number;
  /** Since it was told of last. */
  untold: number;
  toldMs: number;
}

export class WrongPasswords {
  private readonly records = new Map<string, Record>();

  /** Whether this caller may try; one that may not gets no answer about its password, right or wrong. */
  mayTry(ip: string, nowMs: number): boolean {
    const record = this.records.get(callerOf(ip));
    if (record === undefined) return true;
    refill(record, nowMs);
    return record.left >= 1;
  }

  /** It was wrong. @returns how often since this was last worth telling; 0: not now */
  wrong(ip: string, nowMs: number): number {
    const caller = callerOf(ip);
    const record = this.records.get(caller) ?? { left: BURST, atMs: nowMs, untold: 0, toldMs: -Infinity };
    this.records.delete(caller);
    this.records.set(caller, record);
    refill(record, nowMs);
    record.left -= 1;
    record.untold += 1;
    for (const oldest of this.records.keys()) if (this.records.size > CALLERS_MOST) this.records.delete(oldest);
    if (nowMs - record.toldMs < TELL_MS) return 0;
    record.toldMs = nowMs;
    const { untold } = record;
    record.untold = 0;
    return untold;
  }
}

function refill(record: Record, nowMs: number): void {
  record.left = Math.min(BURST, record.left + (nowMs - record.atMs) / REFILL_MS);
  record.atMs = nowMs;
}

/** An address; of IPv6 the network, since one machine has as many addresses there as it likes. */
function callerOf(ip: string): string {
  const bytes = addressBytes(ip);
  if (bytes === null) return ip;
  return formatAddress(bytes.length === 16 ? bytes.fill(0, 8) : bytes);
}
