import { describe, expect, test } from "bun:test";
import packet from "dns-packet";
import { answerQuery, type Asked } from "../../src/dns/answer.ts";
import { AnswerCache } from "../../src/dns/answer-cache.ts";
import { Zones } from "../../src/dns/zones.ts";

const below = [{ name: "apps.hub.lab" }];
const ASKED: Asked = {
  zones: new Zones({ exact: [{ name: "api.hub.lab" }], below }),
  addresses: ["10.0.0.1"],
  serial: 1,
  over: "udp",
};

function query(name: string, id = 7, type: "A" | "AAAA" = "A"): Buffer {
  return packet.encode({ type: "query", id, flags: 0x100, questions: [{ name, type, class: "IN" }] });
}

const addressesIn = (bytes: Uint8Array): readonly string[] =>
  (packet.decode(Buffer.from(bytes)).answers ?? []).flatMap((each) => (each.type === "A" ? [each.data] : []));

describe("AnswerCache", () => {
  test.each([
    ["a name", query("api.hub.lab")],
    ["a name in other letters", query("API.hub.LAB")],
    ["another type", query("api.hub.lab", 7, "AAAA")],
    ["no name of ours", query("example.com")],
    ["nonsense", Buffer.alloc(40, 0x41)],
    ["an answer", Buffer.from([0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ["nothing", Buffer.alloc(0)],
    ["more than a query has", Buffer.concat([query("api.hub.lab"), Buffer.alloc(600)])],
  ])("answers %s as without it, the first time and the second", (_, bytes) => {
    const cache = new AnswerCache();
    const want = answerQuery(bytes, ASKED);
    expect(cache.answer(bytes, ASKED)).toEqual(want === null ? null : { ...want, bytes: new Uint8Array(want.bytes) });
    expect(cache.answer(bytes, ASKED)).toEqual(want === null ? null : { ...want, bytes: new Uint8Array(want.bytes) });
  });

  test("gives each query its own id, and bytes of its own", () => {
    const cache = new AnswerCache();
    const [one, two] = [1, 513].map((id) => cache.answer(query("api.hub.lab", id), ASKED));
    expect([one, two].map((each) => Buffer.from(each!.bytes).readUInt16BE(0))).toEqual([1, 513]);
  });

  test("tells apart which address was asked, over what, and what the zones are", () => {
    const cache = new AnswerCache();
    const ask = (asked: Asked) => cache.answer(query("x.apps.hub.lab"), asked)!;
    expect(addressesIn(ask(ASKED).bytes)).toEqual(["10.0.0.1"]);
    expect(addressesIn(ask({ ...ASKED, addresses: ["10.0.0.2"] }).bytes)).toEqual(["10.0.0.2"]);
    expect(addressesIn(ask({ ...ASKED, over: "tcp", addresses: ["10.0.0.3"] }).bytes)).toEqual(["10.0.0.3"]);
    expect(ask({ ...ASKED, zones: new Zones({ exact: [], below: [] }), serial: 2 }).rcode).toBe("REFUSED");
    expect(ask(ASKED).rcode).toBe("NOERROR");
  });

  test("keeps to its bound when no name is asked twice", () => {
    const cache = new AnswerCache();
    const kept = Reflect.get(cache, "answers") as Map<string, unknown>;
    for (let at = 0; at < 10_000; at++) cache.answer(query(`n${at}.apps.hub.lab`), ASKED);
    expect(kept.size).toBeLessThanOrEqual(4_096);
    expect(addressesIn(cache.answer(query("n1.apps.hub.lab"), ASKED)!.bytes)).toEqual(["10.0.0.1"]);
  });
});
