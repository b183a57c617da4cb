/** What travels between load and backends, so that both ends can tell a wrong byte from a right one. */
import { readFileSync } from "node:fs";
import { fix, sendFixed } from "./bulk-calls.ts";

/** What a TLS node answers to a hello. */
export const ANSWER_BYTES = 200;
/** A frame on an open tunnel: a ping comes back as it is, an order asks for a stream. */
export const FRAME_BYTES = 64;
export const BODY_BYTES = 64;
export const PING = 0x50; // "P"
export const ORDER = 0x42; // "B", then the number of bytes in decimal

/** curl's hello is padded to 517 bytes, the size of most; its name has as many letters as ours, so no length in it changes. */
const HELLO_FILE = new URL("../../test/fixtures/tls/curl-7.88.bin", import.meta.url);
const HELLO_NAME = "api.hub.example";
const base = readFileSync(HELLO_FILE);
const nameAt = base.indexOf(HELLO_NAME);
export const HELLO_BYTES = base.length;

/** `c0000.bench` to `c9999.bench`. */
export function domainOf(cluster: number): string {
  return `c${String(cluster).padStart(4, "0")}.bench`;
}

export function apiName(cluster: number): string {
  return `api.${domainOf(cluster)}`;
}

export function hostName(cluster: number): string {
  return `shop.apps.${domainOf(cluster)}`;
}

/** A ClientHello that asks for `name`. */
export function helloFor(name: string): Uint8Array {
  if (name.length !== HELLO_NAME.length) throw new Error(`Cannot ask for ${name}: ${HELLO_NAME.length} letters wanted`);
  const hello = Uint8Array.from(base);
  hello.set(Buffer.from(name, "latin1"), nameAt);
  return hello;
}

/** The name in a hello of ours; null when any other byte differs from what was sent. */
export function nameInHello(bytes: Uint8Array): string | null {
  if (bytes.length !== HELLO_BYTES) return null;
  const end = nameAt + HELLO_NAME.length;
  const same =
    base.compare(bytes, 0, nameAt, 0, nameAt) === 0 && base.compare(bytes, end, HELLO_BYTES, end, HELLO_BYTES) === 0;
  return same ? Buffer.from(bytes.subarray(nameAt, end)).toString("latin1") : null;
}

/** Says which node answered and which name it was asked for. */
export function answerOf(node: string, name: string): Uint8Array {
  return Buffer.from(`${node} ${name} `.padEnd(ANSWER_BYTES, "edge-lb bench "), "latin1");
}

export function bodyOf(node: string, host: string): string {
  return `${node} ${host} `.padEnd(BODY_BYTES - 1, ".").concat("\n");
}

/** A prime, so that bytes lost or sent twice shift the pattern wherever they are cut. */
const PERIOD = 65_521;
const LONGEST = 262_144;
/** Every offset of the pattern has {@link LONGEST} bytes after it in one piece. */
const pattern = fix(Buffer.alloc(PERIOD + LONGEST));
for (let i = 0; i < pattern.bytes.length; i++) pattern.bytes[i] = ((i % PERIOD) * 2_654_435_761) >>> 24;

/** Send what of a stream of `total` bytes lies behind `offset`. @returns Bytes taken, or the errno negated. */
export function sendPattern(fd: number, offset: number, total: number): number {
  return sendFixed(fd, pattern, offset % PERIOD, Math.min(total - offset, LONGEST));
}

/** Whether `bytes` are what {@link sendPattern} sends at this offset. */
export function isPattern(bytes: Uint8Array, offset: number): boolean {
  const at = offset % PERIOD;
  return pattern.bytes.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}
