/**
 * One query to one answer, authoritative and nothing else. Pure: bytes in, bytes out; the wire format is `dns-packet`'s.
 * RFC 1035; RFC 2308 (negative answers), RFC 6891 (EDNS), RFC 8482 (ANY), RFC 8020 (nothing below a name that is not there).
 */
import packet, { type Answer, type DecodedPacket, type Question } from "dns-packet";
import { Zones, type Found } from "./zones.ts";

/** By RFC 6895 §2.3: what the counters call the outcome. */
export type Rcode = "NOERROR" | "FORMERR" | "NXDOMAIN" | "NOTIMP" | "REFUSED" | "BADVERS";
const CODES: Readonly<Record<Rcode, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
};

export interface Asked {
  /** Addresses to answer with: those that were asked for, or the one that was asked. */
  readonly addresses: readonly string[];
  readonly zones: Zones;
  /** Grows when the zones change. */
  readonly serial: number;
  readonly over: "udp" | "tcp";
}

export interface Answered {
  readonly bytes: Uint8Array;
  readonly rcode: Rcode;
}

/** Seconds: a lab's clusters come and go. */
const TTL = 30;
/** Below what any path fragments. https://www.dnsflagday.net/2020 */
const UDP_MOST = 1_232;
/** RFC 1035 §4.2.1: without EDNS. */
const UDP_PLAIN = 512;
const HEADER_BYTES = 12;
/** The encoder takes dots at the ends of lines away. */
const LINE_END = /[\n\r\u2028\u2029]/;
const TYPE_AND_CLASS_BYTES = 4;
const CLASS_IN = 1;
const [QR, AA, TC, RD] = [0x8000, 0x0400, 0x0200, 0x0100];
const OPCODES = 0x7800;

interface Reply {
  readonly rcode: Rcode;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** @returns null: no answer, since it is none of our queries or too short to be answered */
export function answerQuery(query: Uint8Array, asked: Asked): Answered | null {
  const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
  if (bytes.length < HEADER_BYTES || (bytes.readUInt16BE(2) & QR) !== 0) return null;
  const decoded = decode(bytes);
  if (decoded === null) return bare(bytes, "FORMERR");
  const options = (decoded.additionals ?? []).filter((record) => record.type === "OPT");
  const [question] = decoded.questions ?? [];
  const end = question === undefined ? null : plainEnd(bytes, question);
  if (question === undefined || end === null || options.length > 1) return bare(bytes, "FORMERR");
  const isQuery = (bytes.readUInt16BE(2) & OPCODES) === 0;
  // not the decoder's word for it: that leaves out a bit, which multicast DNS uses
  const isInternet = bytes.readUInt16BE(end - 2) === CLASS_IN;
  const reply: Reply = isQuery ? replyTo(question, isInternet, options[0], asked) : { rcode: "NOTIMP" };
  const answered = encode(bytes, question, reply, options[0], asked.over);
  answered.bytes.set(bytes.subarray(HEADER_BYTES, end), HEADER_BYTES);
  return answered;
}

function decode(bytes: Buffer): DecodedPacket | null {
  // more than one question has no meaning that anybody agrees on: RFC 9619
  if ((bytes.readUInt16BE(2) & OPCODES) === 0 && bytes.readUInt16BE(4) !== 1) return null;
  try {
    return packet.decode(bytes);
  } catch {
    return null;
  }
}

/** @returns where the question ends, when its name is one that a text can hold, so that the answer repeats it to the byte; null: it is not */
function plainEnd(bytes: Buffer, { name }: Question): number | null {
  if (LINE_END.test(name)) return null;
  const labels = name === "." || name === "" ? [] : name.split(".");
  const wire = Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]),
    Buffer.alloc(1),
  ]);
  const end = HEADER_BYTES + wire.length + TYPE_AND_CLASS_BYTES;
  const isWhole = end <= bytes.length; // the decoder takes what there is for a label that goes on after the end
  return isWhole && bytes.subarray(HEADER_BYTES, HEADER_BYTES + wire.length).equals(wire) ? end : null;
}

function replyTo(question: Question, isInternet: boolean, option: Answer | undefined, asked: Asked): Reply {
  if (option?.type === "OPT" && option.ednsVersion > 0) return { rcode: "BADVERS" };
  const transfer = ["AXFR", "IXFR"].includes(question.type);
  if (!isInternet || transfer) return { rcode: "REFUSED" };
  const found = asked.zones.find(question.name.toLowerCase());
  return found.kind === "elsewhere" ? { rcode: "REFUSED" } : replyWithin(question, found, asked);
}

type Within = Exclude<Found, { readonly kind: "elsewhere" }>;

function replyWithin({ name, type }: Question, found: Within, asked: Asked): Reply {
  const { zone } = found;
  const nothing = { authorities: [soa(zone, zone, asked)] };
  if (found.kind === "none") return { rcode: "NXDOMAIN", ...nothing };
  const answers = recordsAt(name, type, found, asked);
  if (answers.length === 0) return { rcode: "NOERROR", ...nothing };
  const additionals = type === "NS" ? addresses(asked.zones.serverOf(zone), ["A", "AAAA"], asked) : [];
  return { rcode: "NOERROR", answers, additionals };
}

function recordsAt(name: string, type: string, { kind, zone }: Within, asked: Asked): readonly Answer[] {
  const isApex = name.toLowerCase() === zone;
  if (type === "ANY") return [{ type: "HINFO", name, ttl: TTL, data: { cpu: "RFC8482", os: "" } }];
  if (type === "SOA" && isApex) return [soa(name, zone, asked)];
  if (type === "NS" && isApex) return [{ type: "NS", name, ttl: TTL, data: asked.zones.serverOf(zone) }];
  return kind === "host" && (type === "A" || type === "AAAA") ? addresses(name, [type], asked) : [];
}

function addresses(name: string, types: readonly ("A" | "AAAA")[], asked: Asked): readonly Answer[] {
  return asked.addresses.flatMap((data): readonly Answer[] => {
    const type = data.includes(":") ? "AAAA" : "A";
    return types.includes(type) ? [{ type, name, ttl: TTL, data }] : [];
  });
}

function soa(name: string, zone: string, { zones, serial }: Asked): Answer {
  const data = {
    mname: zones.serverOf(zone),
    rname: `hostmaster.${zone}`,
    serial,
    refresh: 3_600,
    retry: 600,
    expire: 86_400,
    minimum: TTL,
  };
  return { type: "SOA", name, ttl: TTL, data };
}

/** An answer without a body, for what could not be read: the id, the kind of query, and why. */
function bare(query: Buffer, rcode: Rcode): Answered {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(query.readUInt16BE(0), 0);
  bytes.writeUInt16BE(QR | (query.readUInt16BE(2) & (OPCODES | RD)) | CODES[rcode], 2);
  return { bytes, rcode };
}

function encode(
  query: Buffer,
  question: Question,
  { rcode, answers = [], authorities = [], additionals = [] }: Reply,
  option: Answer | undefined,
  over: Asked["over"],
): Answered {
  const authoritative = rcode === "NOERROR" || rcode === "NXDOMAIN" ? AA : 0;
  const flags = (query.readUInt16BE(2) & (OPCODES | RD)) | authoritative | (CODES[rcode] & 0xf);
  const extra = option === undefined ? [] : [ownOption(CODES[rcode] >> 4)];
  const whole = (records: Pick<Reply, "answers" | "authorities" | "additionals">, more: number): Buffer =>
    packet.encode({
      type: "response",
      id: query.readUInt16BE(0),
      flags: flags | more,
      questions: [question],
      answers: [...(records.answers ?? [])],
      authorities: [...(records.authorities ?? [])],
      additionals: [...(records.additionals ?? []), ...extra],
    });
  const bytes = whole({ answers, authorities, additionals }, 0);
  const most = over === "tcp" ? 0xffff : room(option);
  return { rcode, bytes: bytes.length <= most ? bytes : whole({}, TC) };
}

function ownOption(extendedRcode: number): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: UDP_MOST,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

/** Bytes that the asker takes in one datagram, as far as we send them. */
function room(option: Answer | undefined): number {
  if (option?.type !== "OPT") return UDP_PLAIN;
  return Math.min(UDP_MOST, Math.max(UDP_PLAIN, option.udpPayloadSize));
}
