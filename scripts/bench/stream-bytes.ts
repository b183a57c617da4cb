/** The bytes of a stream: sent from one buffer, compared at the other end. */
import { addressOf, sendAt } from "./calls.ts";

/** A prime, so that bytes lost or sent twice shift the pattern wherever they are cut. */
const PERIOD = 65_521;
const LONGEST = 262_144;
/** Every offset of the pattern has {@link LONGEST} bytes after it in one piece. */
const pattern = Buffer.from(new ArrayBuffer(PERIOD + LONGEST));
for (let i = 0; i < pattern.length; i++) pattern[i] = ((i % PERIOD) * 2_654_435_761) >>> 24;
const address = addressOf(pattern);

/** Send what of a stream of `total` bytes lies behind `offset`. @returns Bytes taken, or the errno negated. */
export function sendPattern(fd: number, offset: number, total: number): number {
  return sendAt(fd, address, offset % PERIOD, Math.min(total - offset, LONGEST));
}

/** Whether `bytes` are what {@link sendPattern} sends at this offset. */
export function isPattern(bytes: Uint8Array, offset: number): boolean {
  const at = offset % PERIOD;
  return pattern.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}
