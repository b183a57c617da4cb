/** What a request's head says: which host, how its body is framed, whether the client's connection goes on. */
import { canonicalHost } from "../route/canonical-name.ts";
import { latin1, members, spells } from "./bytes.ts";
import { FIELD } from "./field.ts";
import { connectionOptions, declaredFraming, findField, NO_BODY, type Framing, type FramingFault } from "./framing.ts";
import { FIELD_ID, FIELD_WIDTH, VALUE_FROM, VALUE_TO, type HeadFault, type HeadReader } from "./head.ts";
import type { RequestLine } from "./start-line.ts";

export type RequestHead = HeadReader<RequestLine>;

/** Why a request is not forwarded. */
export type RequestFault =
  | HeadFault
  | FramingFault
  | "no host"
  | "several hosts"
  | "host"
  | "host differs from target"
  | "target form"
  | "scheme"
  | "connection names a framing field"
  | "connect"
  | "http/2 preface"
  | "chunk"
  | "trailer";

export interface Refused {
  readonly kind: "refused";
  readonly fault: RequestFault;
}

export interface Request {
  readonly kind: "request";
  readonly method: string;
  readonly minor: 0 | 1;
  /** origin: a path; absolute: a whole URI, forwarded as origin; asterisk: `*` of OPTIONS. */
  readonly form: "origin" | "absolute" | "asterisk";
  /** Where path and query stand in the target; for an absolute target without a path the range is empty or begins with `?`. */
  readonly pathFrom: number;
  readonly pathTo: number;
  /** The host as it was written, port included; null: none, or an empty one. */
  readonly hostText: string | null;
  /** The same, canonical. */
  readonly host: string | null;
  /** Is there a Host field? An HTTP/1.0 request may come without. */
  readonly hasHost: boolean;
  readonly framing: Framing;
  /** The client's connection ends after the answer. */
  readonly close: boolean;
  /** Asks to speak another protocol that may pass. */
  readonly upgrade: boolean;
  /** Lower-case names of the fields that Connection lists. */
  readonly hopByHop: readonly string[];
  /** How many more hops may forward it: OPTIONS and TRACE only, RFC 9110 §7.6.2; null: any number. */
  readonly maxForwards: number | null;
  /** May be sent again when nothing of an answer came: GET, HEAD or OPTIONS without body. */
  readonly repeatable: boolean;
}

/** Remembers the last host: on a kept-alive connection it is nearly always the same. */
export class HostMemo {
  text = "";
  /** Null: not a host. */
  canonical: string | null = null;

  read(bytes: Uint8Array, from: number, to: number): this {
    if (!equals(bytes, from, to, this.text)) {
      this.text = latin1(bytes, from, to);
      this.canonical = canonicalHost(this.text);
    }
    return this;
  }
}

const METHODS = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH"] as const;

/** @param head With state "done". */
export function readRequest(head: RequestHead, memo: HostMemo): Request | Refused {
  const { bytes, start, from } = head;
  const method = methodName(bytes, from, start.methodTo);
  if (method === "CONNECT") return refused("connect");
  // reserved, so that no HTTP/1.1 request can be taken for the preface: RFC 9113 §11.6
  if (method === "PRI") return refused("http/2 preface");
  const target = readTarget(head, method);
  if (typeof target === "string") return refused(target);
  const host = readHost(head, target, memo);
  if (typeof host === "string") return refused(host);
  const declared = declaredFraming(head, start.minor);
  if (typeof declared === "string") return refused(declared);
  const connection = connectionOptions(head);
  if (connection === null) return refused("connection names a framing field");
  const framing = declared ?? NO_BODY;
  const { minor } = start;
  return {
    kind: "request",
    method,
    minor,
    form: target.form,
    pathFrom: target.pathFrom,
    pathTo: start.targetTo,
    hostText: host.text,
    host: host.canonical,
    hasHost: host.hasField,
    framing,
    close: minor === 0 || connection.close,
    upgrade: connection.upgrade && minor === 1 && mayUpgrade(head),
    hopByHop: connection.names,
    maxForwards: method === "OPTIONS" || method === "TRACE" ? readMaxForwards(head) : null,
    repeatable: framing.kind === "none" && (method === "GET" || method === "HEAD" || method === "OPTIONS"),
  };
}

function refused(fault: RequestFault): Refused {
  return { kind: "refused", fault };
}

function methodName(bytes: Uint8Array, from: number, to: number): string {
  for (const name of METHODS) if (equals(bytes, from, to, name)) return name;
  return latin1(bytes, from, to);
}

/** Is the range this text, letter case included? */
function equals(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** A value that is not a number is forwarded unchanged. */
function readMaxForwards(head: RequestHead): number | null {
  const index = findField(head, FIELD.maxForwards);
  if (index < 0) return null;
  const text = latin1(head.bytes, head.fields[index + VALUE_FROM] ?? 0, head.fields[index + VALUE_TO] ?? 0);
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

interface RequestTarget {
  readonly form: Request["form"];
  readonly pathFrom: number;
  /** Of an absolute target; else both 0. */
  readonly authorityFrom: number;
  readonly authorityTo: number;
}

const SLASH = 47;
const QUESTION = 63;
const SCHEME = "http://";

function isAsterisk({ bytes, start }: RequestHead): boolean {
  return bytes[start.targetFrom] === 0x2a && start.targetTo === start.targetFrom + 1;
}

/** RFC 9112 §3.2. A scheme other than http cannot be meant for this port (RFC 9110 §7.4). */
function readTarget(head: RequestHead, method: string): RequestTarget | RequestFault {
  const { bytes, start } = head;
  const { targetFrom: from, targetTo: to } = start;
  if (bytes[from] === SLASH) return { form: "origin", pathFrom: from, authorityFrom: 0, authorityTo: 0 };
  if (isAsterisk(head)) {
    return method === "OPTIONS"
      ? { form: "asterisk", pathFrom: from, authorityFrom: 0, authorityTo: 0 }
      : "target form";
  }
  const authorityFrom = from + SCHEME.length;
  if (to < authorityFrom || !spells(bytes, from, authorityFrom, SCHEME)) {
    return latin1(bytes, from, to).includes("://") ? "scheme" : "target form";
  }
  let at = authorityFrom;
  while (at < to && bytes[at] !== SLASH && bytes[at] !== QUESTION) at++;
  return { form: "absolute", pathFrom: at, authorityFrom, authorityTo: at };
}

interface Host {
  readonly text: string | null;
  readonly canonical: string | null;
  readonly hasField: boolean;
}

const NO_HOST: Host = { text: null, canonical: null, hasField: false };

function readHost(head: RequestHead, target: RequestTarget, memo: HostMemo): Host | RequestFault {
  const { bytes, fields, start } = head;
  const index = findField(head, FIELD.host);
  if (index < 0) return start.minor === 1 ? "no host" : hostOf(bytes, target, memo);
  if ((head.twice & (1 << FIELD.host)) !== 0) return "several hosts";
  const from = fields[index + VALUE_FROM] ?? 0;
  const to = fields[index + VALUE_TO] ?? 0;
  if (from === to) {
    return target.form === "absolute" ? "host differs from target" : { text: null, canonical: null, hasField: true };
  }
  const { text, canonical } = memo.read(bytes, from, to);
  if (canonical === null) return "host";
  if (target.form === "absolute" && !agrees(bytes, target, text, canonical)) return "host differs from target";
  return { text, canonical, hasField: true };
}

/** HTTP/1.0 without Host: an absolute target may still name one. */
function hostOf(bytes: Uint8Array, target: RequestTarget, memo: HostMemo): Host | RequestFault {
  if (target.form !== "absolute") return NO_HOST;
  const { text, canonical } = memo.read(bytes, target.authorityFrom, target.authorityTo);
  return canonical === null ? "host" : { text, canonical, hasField: false };
}

function agrees(bytes: Uint8Array, target: RequestTarget, text: string, canonical: string): boolean {
  const authority = latin1(bytes, target.authorityFrom, target.authorityTo);
  return canonicalHost(authority) === canonical && portOf(authority) === portOf(text);
}

/** The port of an authority; 80 when it names none. */
function portOf(authority: string): number {
  const digits = /:(\d+)$/.exec(authority)?.[1];
  return digits === undefined ? 80 : Number(digits);
}

/**
 * `h2c` would carry a whole connection past this proxy (RFC 9113 §3.1 gave it up); any other protocol may be asked for. A member that
 * is no protocol (RFC 9110 §7.8) takes the whole field with it: a reader that looks for a word inside it may find h2c there.
 */
function mayUpgrade(head: RequestHead): boolean {
  const { bytes, fields } = head;
  let asked = false;
  let clear = true;
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    if (fields[i + FIELD_ID] !== FIELD.upgrade) continue;
    members(bytes, fields[i + VALUE_FROM] ?? 0, fields[i + VALUE_TO] ?? 0, (from, to) => {
      asked = true;
      if (!PROTOCOL.test(latin1(bytes, from, to))) clear = false;
    });
  }
  return asked && clear;
}

/** `name["/"version]`, both tokens, but for h2c. */
const PROTOCOL = /^(?!h2c(?:\/|$))[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/i;
