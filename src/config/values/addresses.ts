/** Addresses as operators write them: single ones, ranges, CIDRs, and where to listen. */
import ipaddr from "ipaddr.js";
import { addressBytes, canonicalIp, formatAddress, formatEndpoint } from "../../core/address.ts";
import type { Cidr } from "../../seam/snapshot.ts";
import { readDomain } from "./names.ts";
import type { ItemCodec, Codec } from "./codec.ts";
import { CIDR_PATTERN, LISTEN_PATTERN, NODE_PATTERN } from "./patterns.ts";
import { fit, unfit, type Reading } from "./text.ts";

/** Where a listener binds; `ip` "" means every address of both families. */
export interface ListenAddress {
  readonly ip: string;
  readonly port: number;
}

/** One node as written: an address in canonical text, or a host name that control resolves. */
export interface NodeSpec {
  readonly host: string;
  readonly isName: boolean;
}

/** A cluster of more machines than this is a typing mistake: Kubernetes itself is tested to 5,000, OpenShift's routers run on few. */
export const NODES_MOST = 1024;

/** What kind of address it is: "unicast", "private", "loopback", … as ipaddr.js names them. */
function rangeOf(bytes: Uint8Array): string {
  return ipaddr.fromByteArray([...bytes]).range();
}

const NODE_WANTED = "an address, [IPv6], a range such as 192.168.125.20-22 or a host name";

/** One item of a node list: an address, a range (at most `NODES_MOST` long) or a host name. */
export function readNodes(text: string): Reading<readonly NodeSpec[]> {
  if (/^[^:[\]]+:\d+$/.test(text) || /\]:\d+$/.test(text)) {
    return unfit("a node without a port", { hint: "ports are keys: api-port=, https-port=, http-port=" });
  }
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (/^\d[\d.]*-[\d.]*$/.test(bare) || (bare.includes(":") && bare.includes("-"))) return readRange(bare);
  const bytes = addressBytes(bare);
  if (bytes !== null) return canBeNode(bytes) ? fit([nodeAt(bytes)]) : unfit("the address of one machine");
  if (bare.includes("/")) return unfit("addresses one by one or a range", { hint: "write 10.0.0.1-10.0.0.6" });
  // A name whose first three labels are numbers is a mistyped address, and no top-level name starts with a digit (RFC 3696 §2).
  if (/^\d+\.\d+\.\d+\./.test(bare) || /(^|\.)\d[^.]*$/.test(bare)) return unfit(NODE_WANTED);
  const name = readDomain(bare);
  return name.ok && bare === text ? fit([{ host: name.value, isName: true }]) : unfit(NODE_WANTED);
}

export const NODES: ItemCodec<NodeSpec> = {
  read: readNodes,
  show: ({ host }) => host,
  form: { pattern: NODE_PATTERN },
};

function nodeAt(bytes: Uint8Array): NodeSpec {
  return { host: formatAddress(bytes), isName: false };
}

/**
 * Whether one machine can have this address, however it was found: typed, resolved, discovered. Not 0.0.0.0 (with which ad
 * blockers answer, and which reaches this machine's own loopback), nor multicast, nor broadcast.
 */
export function isMachineAddress(ip: string): boolean {
  const bytes = addressBytes(ip);
  return bytes !== null && canBeNode(bytes);
}

function canBeNode(bytes: Uint8Array): boolean {
  return !["unspecified", "multicast", "broadcast"].includes(rangeOf(bytes));
}

function readRange(text: string): Reading<readonly NodeSpec[]> {
  const dash = text.indexOf("-");
  const firstText = text.slice(0, dash);
  const first = addressBytes(firstText);
  const example = text.includes(":") ? { hint: "write fd00::10-fd00::1f" } : {};
  if (first === null) return unfit("a range that starts with an address", example);
  const tail = text.slice(dash + 1);
  const shorthand = /^\d+$/.test(tail) && !firstText.includes(":");
  const last = addressBytes(shorthand ? firstText.replace(/\d+$/, tail) : tail);
  if (last === null)
    return unfit(shorthand ? "a last number from 0 to 255" : "a range that ends with an address", example);
  if (first.length !== last.length) return unfit("a range within one address family", example);
  return expandRange(first, last);
}

function expandRange(first: Uint8Array, last: Uint8Array): Reading<readonly NodeSpec[]> {
  const [from, to] = [toNumber(first), toNumber(last)];
  if (to < from) return unfit("a range that ends after its start");
  const length = to - from + 1n;
  if (length > NODES_MOST) {
    return unfit(`at most ${NODES_MOST}`, { found: `a range of ${length} nodes` });
  }
  const nodes: NodeSpec[] = [];
  for (let at = from; at <= to; at++) {
    const bytes = fromNumber(at, first.length);
    if (!canBeNode(bytes)) return unfit("addresses of machines only", { found: formatAddress(bytes) });
    nodes.push(nodeAt(bytes));
  }
  return fit(nodes);
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function fromNumber(value: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width }, (_, index) => Number((value >> BigInt(8 * (width - 1 - index))) & 255n));
}

/** `10.0.0.0/8`, `fd00::/8` or one address; host bits are dropped, mapped IPv4 becomes IPv4. */
export function readCidr(text: string): Reading<Cidr> {
  const [ipPart = "", bitsPart, more] = text.split("/");
  const bytes = addressBytes(ipPart.replace(/^\[(.*)\]$/, "$1"));
  if (bytes === null || more !== undefined) return unfit("an address or a range such as 10.0.0.0/8");
  const most = bytes.length * 8;
  if (bitsPart === undefined) return fit({ family: most === 32 ? 4 : 6, bytes, bits: most });
  const mapped = most === 32 && ipPart.includes(":") ? 96 : 0;
  const bits = /^\d{1,3}$/.test(bitsPart) ? Number(bitsPart) - mapped : -1;
  if (bits < 0 || bits > most) return unfit(`a prefix from ${mapped} to ${most + mapped}`);
  return fit({ family: most === 32 ? 4 : 6, bytes: bytes.map((byte, index) => byte & maskByte(bits, index)), bits });
}

function maskByte(bits: number, index: number): number {
  const left = Math.min(8, Math.max(0, bits - 8 * index));
  return (0xff << (8 - left)) & 0xff;
}

/**
 * The addresses of machines in a network, lowest first: without those that stand for the network itself and for all in it (IPv4,
 * where there is room for them).
 */
export function networkAddresses({ bytes, bits }: Cidr, most: number): readonly string[] {
  const free = bytes.length * 8 - bits;
  const spared = bytes.length === 4 && free > 1 ? 1n : 0n;
  const [from, to] = [toNumber(bytes) + spared, toNumber(bytes) + 2n ** BigInt(free) - 1n - spared];
  const addresses: string[] = [];
  for (let at = from; at <= to && addresses.length < most; at++)
    addresses.push(formatAddress(fromNumber(at, bytes.length)));
  return addresses;
}

/** The CIDR as text, for `explain` and reload logs. */
export function cidrText(cidr: Cidr): string {
  return `${formatAddress(cidr.bytes)}/${cidr.bits}`;
}

export const CIDR: Codec<Cidr> = { read: readCidr, show: cidrText, form: { pattern: CIDR_PATTERN } };

const LISTEN_WANTED = ":PORT, ADDRESS:PORT or [IPv6]:PORT";

/** Where to bind: `:6443` and `*:6443` are every address of both families. Port 0 lets the kernel choose. */
export function readListenAddress(text: string): Reading<ListenAddress> {
  if (/^\d+$/.test(text)) return unfit(LISTEN_WANTED, { hint: `write :${text}` });
  const split = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(split?.[3] ?? -1);
  if (split === null || port > 65_535) return unfit(LISTEN_WANTED);
  const host = split[1] ?? split[2] ?? "";
  if (split[1] === undefined && (host === "" || host === "*")) return fit({ ip: "", port });
  const ip = canonicalIp(host);
  return ip === null ? unfit("an address of this machine, not a name") : fit({ ip, port });
}

export function listenText(at: ListenAddress): string {
  return formatEndpoint(at.ip, at.port);
}

/** One address, canonical. */
export const IP: Codec<string> = {
  read(text) {
    const ip = canonicalIp(text.replace(/^\[(.*)\]$/, "$1"));
    return ip === null ? unfit("an IPv4 or IPv6 address") : fit(ip);
  },
  show: (ip) => ip,
  form: { pattern: "[0-9A-Fa-f.:]+" },
};

export const LISTEN_ADDRESS: Codec<ListenAddress> = {
  read: readListenAddress,
  show: listenText,
  form: { pattern: LISTEN_PATTERN },
};

/** Could both be bound on one machine? The same port on "every address" and on one of them cannot. */
export function sameSocket(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.ip === b.ip || covers(a.ip, b.ip) || covers(b.ip, a.ip);
}

/** Does a listener of the first address take connections to the second, if that is this machine's? */
export function covers(wide: string, narrow: string): boolean {
  if (wide === "" || wide === "::") return true;
  return wide === "0.0.0.0" && !narrow.includes(":");
}

/** Addresses that the Internet cannot reach: machine-config servers hand out secrets (OpenShift: internal only). */
export function isPrivate(ip: string): boolean {
  const bytes = addressBytes(ip);
  return bytes !== null && ["private", "linkLocal", "loopback", "uniqueLocal"].includes(rangeOf(bytes));
}

/** Reached from this machine alone. */
export function isLoopback(ip: string): boolean {
  const bytes = addressBytes(ip);
  return bytes !== null && rangeOf(bytes) === "loopback";
}

/** The data plane's spelling of an address, for the importer. */
export { canonicalIp };
