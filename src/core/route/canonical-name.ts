import { addressBytes } from "../address.ts";

/** Most bytes of a DNS name and of one label in text form, RFC 1035 §2.3.4. */
export const NAME_MOST = 253;
const LABEL = /^[A-Za-z0-9_-]{1,63}$/;
/** reg-name: unreserved, sub-delims and percent-encoded bytes, RFC 3986 §3.2.2. */
const REG_NAME = /^[A-Za-z0-9._~!$&'()*+,;=%-]+$/;
const BAD_PERCENT = /%(?![0-9A-Fa-f]{2})/;
/** Port digits; RFC 3986 §3.2.3 lets them be absent. */
const PORT = /^\d{0,5}$/;
const PORT_MOST = 65_535;

/**
 * One spelling of a DNS name: lower case, one trailing dot dropped. Letters, digits, `-` and `_` are allowed in labels.
 * Null for what cannot be a name: empty text or labels, other characters, more than 253 in all or 63 in a label.
 */
export function canonicalName(text: string): string | null {
  const name = withoutDot(text);
  if (name.length > NAME_MOST || !name.split(".").every((label) => LABEL.test(label))) return null;
  return name.toLowerCase(); // only ASCII is left: elsewhere this would turn the Kelvin sign into a k
}

/** Labels of names that are given: a host's, and underscores, which are common in labs. */
const GIVEN_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** May a cluster have this name? Lower case, no trailing dot, stricter than what clients may ask for. */
export function isDomain(name: string): boolean {
  return name.length <= NAME_MOST && name.split(".").every((label) => GIVEN_LABEL.test(label));
}

/**
 * The host of a Host field or an authority in one spelling: lower case, without port and one trailing dot; an IPv6 literal keeps
 * its brackets and the way it is written. What the grammar allows is kept, known or not; null is for what a server must answer
 * with 400: empty, user info, spaces, a bad port, a broken literal, bytes outside ASCII.
 * @see RFC 9110 §7.2 (Host), RFC 3986 §3.2.2 (host), §3.2.3 (port)
 */
export function canonicalHost(hostHeader: string): string | null {
  if (hostHeader.startsWith("[")) return literalHost(hostHeader);
  const colon = hostHeader.indexOf(":");
  if (colon >= 0 && !isPort(hostHeader.slice(colon + 1))) return null;
  const host = withoutDot(colon >= 0 ? hostHeader.slice(0, colon) : hostHeader);
  if (!REG_NAME.test(host) || BAD_PERCENT.test(host)) return null;
  return host.toLowerCase();
}

function literalHost(text: string): string | null {
  const end = text.indexOf("]");
  const address = text.slice(1, end);
  if (end < 0 || !address.includes(":") || addressBytes(address) === null) return null;
  const rest = text.slice(end + 1);
  const portIsGood = rest === "" || (rest.startsWith(":") && isPort(rest.slice(1)));
  return portIsGood ? text.slice(0, end + 1).toLowerCase() : null;
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= PORT_MOST;
}

function withoutDot(text: string): string {
  return text.endsWith(".") ? text.slice(0, -1) : text;
}
