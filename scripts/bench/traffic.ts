/** What travels between load and backends, so that both ends can tell a wrong byte from a right one. */
import { readFileSync } from "node:fs";

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
