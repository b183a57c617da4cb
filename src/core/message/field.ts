/** The field names that mean something to a proxy; every other field passes unseen. */
import { lower } from "./bytes.ts";

/** Field ids; 0 is any other field. The numbers only tell fields apart. */
export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  upgrade: 8,
  http2Settings: 9,
  accept: 10,
  maxForwards: 11,
  forwardedFor: 12,
  forwardedProto: 13,
  forwardedHost: 14,
  forwardedPort: 15,
  forwarded: 16,
  realIp: 17,
  forwardedPrefix: 18,
  forwardedScheme: 19,
  forwardedServer: 20,
  forwardedSsl: 21,
} as const;
export type Field = (typeof FIELD)[keyof typeof FIELD];

const UNDERSCORE = 0x5f;
const HYPHEN = 0x2d;

const NAMES: readonly (readonly [string, Field])[] = [
  ["host", FIELD.host],
  ["content-length", FIELD.contentLength],
  ["transfer-encoding", FIELD.transferEncoding],
  ["connection", FIELD.connection],
  ["keep-alive", FIELD.keepAlive],
  ["proxy-connection", FIELD.proxyConnection],
  ["te", FIELD.te],
  ["upgrade", FIELD.upgrade],
  ["http2-settings", FIELD.http2Settings],
  ["accept", FIELD.accept],
  ["max-forwards", FIELD.maxForwards],
  ["x-forwarded-for", FIELD.forwardedFor],
  ["x-forwarded-proto", FIELD.forwardedProto],
  ["x-forwarded-host", FIELD.forwardedHost],
  ["x-forwarded-port", FIELD.forwardedPort],
  ["forwarded", FIELD.forwarded],
  ["x-real-ip", FIELD.realIp],
  ["x-forwarded-prefix", FIELD.forwardedPrefix],
  ["x-forwarded-scheme", FIELD.forwardedScheme],
  ["x-forwarded-server", FIELD.forwardedServer],
  ["x-forwarded-ssl", FIELD.forwardedSsl],
];
const LONGEST = Math.max(...NAMES.map(([name]) => name.length));

interface Named {
  readonly name: string;
  readonly id: Field;
  readonly first: number;
  /** `_` counts as `-`. */
  readonly underscores: boolean;
}

/** By length, so that most names are told apart without a comparison. */
const BY_LENGTH: readonly (readonly Named[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  NAMES.filter(([name]) => name.length === length).map(([name, id]) => ({
    name,
    id,
    first: name.charCodeAt(0),
    underscores: isForwarded(id),
  })),
);

/** Is it a field by which proxies tell nodes who the client is and what it asked for? Nobody but a trusted proxy may write one. */
export function isForwarded(id: number): boolean {
  return id >= FIELD.forwardedFor;
}

/** A bit for each of these fields. */
export const FORWARDED = NAMES.reduce((bits, [, id]) => (isForwarded(id) ? bits | (1 << id) : bits), 0);

/**
 * Which field a name means. `_` counts as `-` in the forwarded names: nodes that hand fields on as CGI variables (RFC 3875 §4.1.18)
 * read both as one, so that spelling would carry a forged address past the replacement.
 */
export function fieldId(bytes: Uint8Array, from: number, to: number): Field {
  const candidates = BY_LENGTH[to - from];
  if (candidates === undefined || candidates.length === 0) return FIELD.other;
  const first = lower(bytes[from] ?? 0);
  for (const candidate of candidates) {
    if (candidate.first === first && names(bytes, from, candidate)) return candidate.id;
  }
  return FIELD.other;
}

function names(bytes: Uint8Array, from: number, { name, underscores }: Named): boolean {
  for (let i = 1; i < name.length; i++) {
    const byte = lower(bytes[from + i] ?? 0);
    const wanted = name.charCodeAt(i);
    if (byte !== wanted && !(underscores && byte === UNDERSCORE && wanted === HYPHEN)) return false;
  }
  return true;
}
