/** What clients and nodes of the upgrade soak say to each other before a stream begins. */
import { HELLO_BYTES, helloFor } from "../../bench/traffic.ts";

/** As long as the name in the hello that is sent. */
export const NAMES = { api: "api.hub.example", https: "web.hub.example", http: "web.hub.example" } as const;
export type Door = keyof typeof NAMES;
export const DOORS = ["api", "https", "http"] as const satisfies readonly Door[];

/**
 * The first byte after the greeting: what the node does with the stream.
 * - echo: all comes back, and FIN after it
 * - drip: it sends the pattern little by little, also after the client's FIN, until the connection is closed
 */
export const MODE = { echo: 0x45, drip: 0x44 } as const;
export type Mode = keyof typeof MODE;

const encoder = new TextEncoder();
const SWITCH = encoder.encode(`GET / HTTP/1.1\r\nHost: ${NAMES.http}\r\nConnection: Upgrade\r\nUpgrade: soak\r\n\r\n`);
export const SWITCHED = encoder.encode(
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: soak\r\n\r\n",
);
export const REQUEST = encoder.encode(`GET / HTTP/1.1\r\nHost: ${NAMES.http}\r\nConnection: close\r\n\r\n`);
export const ANSWER = encoder.encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
export const UPGRADES = "upgrade: soak";

/** The hello, or the request for another protocol. */
export function greeting(door: Door): Uint8Array {
  return door === "http" ? SWITCH : helloFor(NAMES[door]);
}

/** Its length as a node of this service gets it; null: it ends with an empty line. */
export function greetingBytes(door: Door): number | null {
  return door === "http" ? null : HELLO_BYTES;
}

/** Behind the empty line; -1: it is not there yet. */
export function headEnd(bytes: Uint8Array): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("\r\n\r\n");
  return at < 0 ? -1 : at + 4;
}
