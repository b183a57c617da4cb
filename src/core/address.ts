/** Bytes of an IPv6 address that carries an IPv4 one, before the last four: RFC 4291 §2.5.5.2. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/** Groups of 16 bits in an IPv6 address. */
const GROUPS = 8;
/** Longest text of an address: eight groups of which the last two are written as IPv4. */
const TEXT_MOST = 45;

/**
 * The bytes of an IPv4 or IPv6 address written as text: 4 or 16. An IPv4 address mapped into IPv6 (`::ffff:1.2.3.4`) gives 4.
 * Null for anything else, also for zone ids, prefixes, brackets, leading zeros in IPv4 and short forms such as `10.1`.
 * @see RFC 4291 §2.2 (text forms of IPv6), RFC 6943 §3.1.1 (why loose IPv4 forms are refused)
 */
export function addressBytes(ip: string): Uint8Array | null {
  if (ip.length > TEXT_MOST) return null;
  if (!ip.includes(":")) return v4Bytes(ip, 0);
  const bytes = v6Bytes(ip);
  return bytes !== null && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/**
 * Canonical text of 4 or 16 bytes: dotted decimal, or RFC 5952 §4; a mapped IPv4 address is written as IPv4.
 * @throws RangeError when there are neither 4 nor 16 bytes
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16)
    throw new RangeError(`Cannot format an address: ${bytes.length} bytes given, 4 or 16 wanted`);
  return isMapped(bytes) ? bytes.subarray(12).join(".") : formatV6(bytes);
}

/** One spelling per address, or null when the text is none. */
export function canonicalIp(text: string): string | null {
  const bytes = addressBytes(text);
  return bytes === null ? null : formatAddress(bytes);
}

/** An address as a URI's host: an IPv6 address in brackets (RFC 3986 §3.2.2). `ip` must be canonical already. */
export function formatHost(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

/** `ip:port`, an IPv6 address in brackets. `ip` must be canonical already. */
export function formatEndpoint(ip: string, port: number): string {
  return `${formatHost(ip)}:${port}`;
}

function isMapped(bytes: Uint8Array): boolean {
  return MAPPED_PREFIX.every((byte, at) => bytes[at] === byte);
}

/** Four decimal numbers from `from` to the end of the text. */
function v4Bytes(text: string, from: number): Uint8Array | null {
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let at = from; at <= text.length; at++) {
    const code = at === text.length ? 0x2e : text.charCodeAt(at);
    if (code === 0x2e) {
      if (digits === 0 || part > 3) return null;
      bytes[part++] = value;
      digits = 0;
      value = 0;
    } else {
      const leadingZero = digits > 0 && value === 0;
      if (code < 0x30 || code > 0x39 || leadingZero) return null;
      value = value * 10 + code - 0x30;
      digits++;
      if (value > 255) return null;
    }
  }
  return part === 4 ? bytes : null;
}

function v6Bytes(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupBytes(halves[0] ?? "", halves.length === 1);
  const tail = groupBytes(halves[1] ?? "", true);
  if (head === null || tail === null) return null;
  const length = head.length + tail.length;
  // "::" stands for one group at least (RFC 4291 §2.2 says one or more).
  if (halves.length === 1 ? length !== 16 : length > 14) return null;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Bytes of `a:b:c`, whose last part may be an IPv4 address when `mayEndInV4`. */
function groupBytes(text: string, mayEndInV4: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  if (parts.length > GROUPS) return null;
  const bytes: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
      continue;
    }
    const v4 = mayEndInV4 && index === parts.length - 1 ? v4Bytes(part, 0) : null;
    if (v4 === null) return null;
    bytes.push(...v4);
  }
  return bytes;
}

function formatV6(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":"); // one zero group alone is not shortened, RFC 5952 §4.2.2
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The longest run of zero groups, the first of equals: RFC 5952 §4.2.3. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== "0") start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  }
  return best;
}
