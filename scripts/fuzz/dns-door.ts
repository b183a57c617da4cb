/** Damaged packets for the DNS door, with what must hold whatever comes. */
import packet, { type Packet } from "dns-packet";
import { answerQuery, type Answered, type Asked } from "../../src/dns/answer.ts";
import { AnswerCache } from "../../src/dns/answer-cache.ts";
import { Zones } from "../../src/dns/zones.ts";

type Random = (below: number) => number;

const ASKED: Asked = {
  zones: new Zones({ exact: [{ name: "api.hub.lab" }, { name: "shop.lab" }], below: [{ name: "apps.hub.lab" }] }),
  addresses: ["192.168.125.1", "fd00::1"],
  serial: 7,
  over: "udp",
};
/** The answer bit, in the header's third byte. */
const QR = 0x80;
const HEADER_BYTES = 12;
/** Without EDNS a datagram has no more; with it, what we say we send. */
const UDP_MOST = 1_232;
const cache = new AnswerCache();

const EDNS: Packet["additionals"] = [
  { type: "OPT", name: ".", udpPayloadSize: 4_096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: true, options: [] },
]; // prettier-ignore
const SEEDS: readonly Buffer[] = (
  [
    ["api.hub.lab", "A"],
    ["a.b.apps.hub.lab", "AAAA"],
    ["hub.lab", "SOA"],
    ["hub.lab", "NS"],
    ["nope.hub.lab", "HINFO"],
    ["example.com", "TXT"],
    [`${"x".repeat(63)}.${"y".repeat(63)}.${"z".repeat(63)}.apps.hub.lab`, "A"],
  ] as const
).flatMap(([name, type]) =>
  [[], EDNS].map((additionals) =>
    packet.encode({ type: "query", id: 1, flags: 0x100, questions: [{ name, type, class: "IN" }], additionals }),
  ),
);

/** A query with some bytes changed, cut, doubled, or with another one's end; now and then nothing but noise. */
export function damagedPacket(random: Random): Uint8Array {
  const one = (): Buffer => SEEDS[random(SEEDS.length)] ?? Buffer.alloc(0);
  if (random(20) === 0) return Uint8Array.from({ length: random(600) }, () => random(256));
  let bytes = Buffer.from(one());
  for (let times = random(5); times > 0; times--) bytes = damage(bytes, one(), random);
  return bytes;
}

function damage(bytes: Buffer, other: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = random(bytes.length + 1);
  const changed = Buffer.from(bytes);
  switch (random(6)) {
    case 0:
      return changed.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at - random(at + 1))]);
    case 3: // a pointer, to anywhere
      changed.fill(Buffer.from([0xc0 | random(64), random(256)]), at, Math.min(at + 2, bytes.length));
      return changed;
    case 4: // in the header, where counts and flags are
      changed.fill(random(256), Math.min(random(HEADER_BYTES), bytes.length), Math.min(HEADER_BYTES, bytes.length));
      return changed;
    default:
      changed.fill(random(256), at, Math.min(at + 1, bytes.length));
      return changed;
  }
}

/** @returns what is wrong with the answer; null: nothing */
export function mistakeAt(query: Uint8Array): string | null {
  const given = Buffer.from(query);
  try {
    const [answered, cached] = [answerQuery(query, ASKED), cache.answer(query, ASKED)];
    if (!given.equals(query)) return "the query was written to";
    if (!isSame(answered, cached)) return "another answer from the cache";
    return answered === null ? null : mistakeIn(Buffer.from(answered.bytes), given);
  } catch (error) {
    return String(error);
  }
}

function mistakeIn(answer: Buffer, query: Buffer): string | null {
  if ((query.readUInt8(2) & QR) !== 0) return "an answer was answered";
  if (!answer.subarray(0, 2).equals(query.subarray(0, 2))) return "another id";
  if ((answer.readUInt8(2) & QR) === 0) return "an answer that is none";
  if (answer.length > UDP_MOST) return `${answer.length} bytes`;
  const [question] = packet.decode(answer).questions ?? [];
  // whoever asked knows its answer by the question, to the byte
  const end = HEADER_BYTES + (question === undefined ? 0 : lengthOf(question.name));
  return answer.subarray(HEADER_BYTES, end).equals(query.subarray(HEADER_BYTES, end)) ? null : "another question";
}

/** On the wire: a length before each label, the root's, then type and class. */
function lengthOf(name: string): number {
  return (name === "." || name === "" ? 1 : name.length + 2) + 4;
}

function isSame(one: Answered | null, other: Answered | null): boolean {
  if (one === null || other === null) return one === other;
  return one.rcode === other.rcode && Buffer.compare(one.bytes, other.bytes) === 0;
}
