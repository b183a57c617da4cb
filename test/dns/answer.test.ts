import { describe, expect, test } from "bun:test";
import packet, { type DecodedPacket, type Packet } from "dns-packet";
import * as fc from "fast-check";
import { answerQuery, type Asked } from "../../src/dns/answer.ts";
import { Zones } from "../../src/dns/zones.ts";

const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const ZONES = new Zones({ exact: named("api.hub.lab", "api-int.hub.lab"), below: named("apps.hub.lab") });
const ASKED: Asked = { addresses: ["192.168.125.1"], zones: ZONES, serial: 7, over: "udp" };
const [QR, AA, TC, RD, CD] = [0x8000, 0x0400, 0x0200, 0x0100, 0x0010];

const edns = (udpPayloadSize: number, ednsVersion = 0): Packet["additionals"] => [
  { type: "OPT", name: ".", udpPayloadSize, extendedRcode: 0, ednsVersion, flags: 0, flag_do: false, options: [] },
];

function query(name: string, type = "A", more: Partial<Packet> = {}): Buffer {
  const questions = [{ name, type, class: "IN" }] as Packet["questions"];
  return packet.encode({ type: "query", id: 4_711, flags: RD, questions, ...more } as Packet);
}

function reply(bytes: Uint8Array, asked: Partial<Asked> = {}): DecodedPacket & { rcode: string; flags: number } {
  const answered = answerQuery(bytes, { ...ASKED, ...asked });
  if (answered === null) throw new Error("no answer");
  // its type lacks the code, which it has
  return packet.decode(Buffer.from(answered.bytes)) as DecodedPacket & { rcode: string; flags: number };
}

describe("answerQuery()", () => {
  test.each([
    ["api.hub.lab", "A", "NOERROR", ["A 192.168.125.1"], []],
    ["a.b.apps.hub.lab", "A", "NOERROR", ["A 192.168.125.1"], []],
    ["api.hub.lab", "AAAA", "NOERROR", [], ["SOA hub.lab"]],
    ["api.hub.lab", "TXT", "NOERROR", [], ["SOA hub.lab"]],
    ["apps.hub.lab", "A", "NOERROR", [], ["SOA hub.lab"]],
    ["nope.hub.lab", "A", "NXDOMAIN", [], ["SOA hub.lab"]],
    ["hub.lab", "SOA", "NOERROR", ["SOA hub.lab"], []],
    ["hub.lab", "NS", "NOERROR", ["NS api.hub.lab"], []],
    ["api.hub.lab", "SOA", "NOERROR", [], ["SOA hub.lab"]],
    ["api.hub.lab", "ANY", "NOERROR", ["HINFO RFC8482"], []],
    ["hub.lab", "AXFR", "REFUSED", [], []],
    ["example.com", "A", "REFUSED", [], []],
  ] as const)("%s %s: %s", (name, type, rcode, answers, authorities) => {
    const got = reply(query(name, type));
    const texts = (records: DecodedPacket["answers"]): string[] =>
      (records ?? []).map((record) => {
        if (record.type === "A" || record.type === "NS") return `${record.type} ${record.data}`;
        if (record.type === "HINFO") return `HINFO ${record.data.cpu}`;
        return `${record.type} ${record.name}`;
      });
    expect([got.rcode, texts(got.answers), texts(got.authorities)]).toEqual([rcode, [...answers], [...authorities]]);
    expect(got.id).toBe(4_711);
    expect(got.flags & (AA | RD)).toBe(rcode === "REFUSED" ? RD : AA | RD);
  });

  test("repeats the question as it was asked, and answers under that name", () => {
    const got = reply(query("ApI.hUb.LaB"));
    expect(got.questions?.[0]?.name).toBe("ApI.hUb.LaB");
    expect(got.answers?.[0]).toMatchObject({ name: "ApI.hUb.LaB", ttl: 30 });
  });

  test("answers with the addresses of the family that is asked for", () => {
    const addresses = ["10.0.0.1", "fd00::1", "10.0.0.2"];
    const data = (type: string) =>
      (reply(query("api.hub.lab", type), { addresses }).answers ?? []).map((each) => "data" in each && each.data);
    expect([data("A"), data("AAAA")]).toEqual([["10.0.0.1", "10.0.0.2"], ["fd00::1"]]);
  });

  test("truncates what one datagram does not take, and says so", () => {
    const addresses = Array.from({ length: 80 }, (_, at) => `10.0.0.${at}`);
    const plain = reply(query("api.hub.lab"), { addresses });
    expect([plain.flags & TC, plain.answers?.length]).toEqual([TC, 0]);
    const most = answerQuery(query("api.hub.lab", "A", { additionals: edns(4_096) }), { ...ASKED, addresses });
    expect(most?.bytes.length).toBeLessThanOrEqual(1_232);
    const few = reply(query("api.hub.lab", "A", { additionals: edns(4_096) }), { addresses: addresses.slice(0, 40) });
    expect([few.flags & TC, few.answers?.length]).toEqual([0, 40]);
    expect(reply(query("api.hub.lab"), { addresses, over: "tcp" }).answers).toHaveLength(80);
  });

  test("speaks EDNS version 0 to who speaks it, and BADVERS to a later one", () => {
    expect(reply(query("api.hub.lab")).additionals).toEqual([]);
    expect(reply(query("api.hub.lab", "A", { additionals: edns(512) })).additionals?.[0]).toMatchObject({
      type: "OPT",
      udpPayloadSize: 1_232,
      ednsVersion: 0,
    });
    const answered = answerQuery(query("api.hub.lab", "A", { additionals: edns(512, 1) }), ASKED);
    expect(answered?.rcode).toBe("BADVERS");
    expect(reply(query("api.hub.lab", "A", { additionals: edns(512, 1) })).additionals?.[0]).toMatchObject({
      extendedRcode: 1,
    });
  });

  test.each([
    [
      "two questions",
      query("api.hub.lab", "A", {
        questions: [
          { name: "a.lab", type: "A" },
          { name: "b.lab", type: "A" },
        ],
      }),
      "FORMERR",
    ],
    ["no question", query("x", "A", { questions: [] }), "FORMERR"],
    ["half a question", query("api.hub.lab").subarray(0, 20), "FORMERR"],
    [
      "two OPT records",
      query("api.hub.lab", "A", { additionals: [...(edns(512) ?? []), ...(edns(512) ?? [])] }),
      "FORMERR",
    ],
    [
      "a name that points at itself",
      Buffer.concat([query("a").subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
      "FORMERR",
    ],
    ["another kind of query", query("api.hub.lab", "A", { flags: 2 << 11 }), "NOTIMP"],
    ["another class", query("x", "A", { questions: [{ name: "api.hub.lab", type: "A", class: "CH" }] }), "REFUSED"],
    [
      "a label that goes on after the end",
      Buffer.concat([query("a").subarray(0, 12), Buffer.from("\x0d\0\0\x01")]),
      "FORMERR",
    ],
    [
      "a label that begins a line",
      Buffer.concat([query("a").subarray(0, 12), Buffer.from("\x01a\x02\nb\0\0\x01\0\x01")]),
      "FORMERR",
    ],
    ["a class with the bit of multicast DNS", Buffer.from(query("api.hub.lab").fill(0x80, 27, 28)), "REFUSED"],
    [
      "a dot within a label",
      Buffer.concat([query("a").subarray(0, 12), Buffer.from("\x07api.hub\x03lab\0\0\x01\0\x01", "latin1")]),
      "FORMERR",
    ],
  ] as const)("answers %s with an error", (_, bytes, rcode) => {
    expect(answerQuery(bytes, ASKED)?.rcode).toBe(rcode);
  });

  test.each([
    ["an answer", packet.encode({ type: "response", id: 1, questions: [{ name: "api.hub.lab", type: "A" }] })],
    ["less than a header", query("api.hub.lab").subarray(0, 11)],
    ["nothing", Buffer.alloc(0)],
  ])("says nothing to %s", (_, bytes) => {
    expect(answerQuery(bytes, ASKED)).toBeNull();
  });

  test("survives every damage: an answer is one, with the id of the query, and fits", () => {
    const seeds = [
      query("api.hub.lab"),
      query("a.apps.hub.lab", "AAAA", { additionals: edns(1_232), flags: RD | CD }),
      query("hub.lab", "NS"),
    ];
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), damage, fc.option(fc.nat()), (seed, changes, cut) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const sent = cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
        const answered = answerQuery(sent, ASKED);
        if (answered === null) return;
        const got = Buffer.from(answered.bytes);
        expect(got.readUInt16BE(0)).toBe(sent.readUInt16BE(0));
        expect(got.readUInt16BE(2) & QR).toBe(QR);
        expect(got.length).toBeLessThanOrEqual(1_232);
        packet.decode(got);
      }),
      { numRuns: 20_000 },
    );
  }, 60_000);
});
