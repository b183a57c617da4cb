/** A name server for A records whose answers change while it runs. RFC 1035 §4. */
import dgram from "node:dgram";

export interface NameServer {
  /** Null: no such name. Missing names are not answered at all. */
  readonly records: Map<string, readonly string[] | null>;
  /** Questions for A records so far. */
  asked(): number;
  close(): void;
}

/** Seconds; what asks may take longer. */
const TTL = 1;
const TYPE_A = 1;
const FLAGS = { answer: 0x8580, noSuchName: 0x8583 };

export async function startNameServer(ip: string, port = 53): Promise<NameServer> {
  const records = new Map<string, readonly string[] | null>();
  let asked = 0;
  const socket = dgram.createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, end } = readQuestion(query);
    const addresses = records.get(name);
    if (addresses === undefined) return;
    if (type === TYPE_A) asked += 1;
    const found = type === TYPE_A ? (addresses ?? []) : [];
    const flags = addresses === null ? FLAGS.noSuchName : FLAGS.answer;
    socket.send(answer(query.subarray(0, end), flags, found), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, ip, () => resolve());
  });
  return { records, asked: () => asked, close: () => socket.close() };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12; // after the header
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The question again, and an A record for each address whose name is a pointer to the question's. */
function answer(question: Buffer, flags: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8); // no authority, nothing additional: the question's own EDNS record was left out
  const records = addresses.map((ip) =>
    Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, TTL, 0, 4, ...ip.split(".").map(Number)]),
  );
  return Buffer.concat([head, ...records]);
}
