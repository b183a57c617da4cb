import type { Address } from "../seam/snapshot.ts";
import { addressBytes, formatAddress } from "./address.ts";
import { ascii } from "./text-bytes.ts";

/** The twelve bytes that no text protocol begins with, PROXY protocol §2.2. */
export const SIGNATURE_V2: readonly number[] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** Version 2, command PROXY. */
const VERSION_COMMAND = 0x21;
/** Family and transport: TCP over IPv4, TCP over IPv6, unspecified. */
export const TCP4 = 0x11;
export const TCP6 = 0x21;
const UNSPEC = 0x00;

/** The two ends of a client's connection. */
export interface Ends {
  /** Where the client is. */
  readonly remote: Address;
  /** What it connected to. */
  readonly local: Address;
}

/**
 * The header that tells a node who the client is, sent before the client's first byte.
 * When only one side is IPv4 it is written as mapped IPv6, as the specification has no mixed form and the client's address
 * is what the header is for; an address that cannot be read gives UNKNOWN (v1) or UNSPEC (v2), so the node keeps what it sees.
 * @param client Where the connection comes from, @param local where the client connected to.
 * @see https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt §2.1, §2.2
 */
export function proxyHeader(version: 1 | 2, client: Address, local: Address): Uint8Array {
  const source = addressBytes(client.ip);
  const destination = addressBytes(local.ip);
  if (source === null || destination === null) return version === 1 ? ascii("PROXY UNKNOWN\r\n") : headerV2(UNSPEC, []);
  const isV4 = source.length === 4 && destination.length === 4;
  if (version === 1) {
    const [from, to] = isV4 ? [source, destination].map(formatAddress) : [source, destination].map(v6Text);
    return ascii(`PROXY ${isV4 ? "TCP4" : "TCP6"} ${from} ${to} ${client.port} ${local.port}\r\n`);
  }
  const addresses = isV4 ? [...source, ...destination] : [...mapped(source), ...mapped(destination)];
  return headerV2(isV4 ? TCP4 : TCP6, [...addresses, ...portBytes(client.port), ...portBytes(local.port)]);
}

function v6Text(bytes: Uint8Array): string {
  return bytes.length === 4 ? `::ffff:${formatAddress(bytes)}` : formatAddress(bytes);
}

function headerV2(family: number, content: readonly number[]): Uint8Array {
  return Uint8Array.of(
    ...SIGNATURE_V2,
    VERSION_COMMAND,
    family,
    content.length >> 8,
    content.length & 0xff,
    ...content,
  );
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}

function portBytes(port: number): readonly [number, number] {
  return [port >> 8, port & 0xff];
}

/**
 * What is sent first to a node that reads a PROXY header, or does not (0).
 * @param ends Of the client's connection; the local one is asked for only when it is told.
 */
export function withProxyHeader(version: 0 | 1 | 2, ends: Ends, first: Uint8Array): Uint8Array {
  if (version === 0) return first;
  const header = proxyHeader(version, ends.remote, ends.local);
  const whole = new Uint8Array(header.length + first.length);
  whole.set(header);
  whole.set(first, header.length);
  return whole;
}
