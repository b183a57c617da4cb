import { describe, expect, test } from "bun:test";
import { ProxyHeaderReader, readProxyHeader } from "../../src/core/proxy-header.ts";
import { proxyHeader, type Ends } from "../../src/core/proxy-protocol.ts";
import { bytesOf } from "../../scripts/fuzz/session-lab.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const ENDS4: Ends = { remote: { ip: "192.0.2.7", port: 50_000 }, local: { ip: "198.51.100.1", port: 443 } };
const ENDS6: Ends = { remote: { ip: "2001:db8::7", port: 1 }, local: { ip: "2001:db8::1", port: 65_535 } };
const ADDRESSES4 = "c0000207c6336401c35001bb";
const ADDRESSES6 = "20010db800000000000000000000000720010db80000000000000000000000010001ffff";

const v2 = (rest: string): Uint8Array => Uint8Array.from(Buffer.from(SIGNATURE + rest, "hex"));
const ofLength = (bytes: number): string => bytes.toString(16).padStart(4, "0");
const zeros = (bytes: number): string => "00".repeat(bytes);
/** Type authority (0x02), its length, its value. */
const TLV = "0200056c6f63616c";

const GOOD: readonly (readonly [string, Uint8Array, Ends | null])[] = [
  ["v1 over IPv4", bytesOf("PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n"), ENDS4],
  ["v1 over IPv6", bytesOf("PROXY TCP6 2001:db8::7 2001:DB8:0::1 1 65535\r\n"), ENDS6],
  [
    "v1 of a mapped client",
    bytesOf("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 50000 443\r\n"),
    { remote: ENDS4.remote, local: { ip: "2001:db8::1", port: 443 } },
  ],
  ["v1 UNKNOWN", bytesOf("PROXY UNKNOWN\r\n"), null],
  ["v1 UNKNOWN with whatever follows", bytesOf(`PROXY UNKNOWN ${"f".repeat(91)}\r\n`), null],
  ["v2 over IPv4", v2(`2111000c${ADDRESSES4}`), ENDS4],
  ["v2 over IPv6", v2(`21210024${ADDRESSES6}`), ENDS6],
  ["v2 with TLVs", v2(`2111${ofLength(20)}${ADDRESSES4}${TLV}`), ENDS4],
  ["the longest v2", v2(`2111${ofLength(520)}${ADDRESSES4}${zeros(508)}`), ENDS4],
  ["v2 LOCAL", v2("20000000"), null],
  ["v2 LOCAL with a family and addresses", v2(`2011000c${ADDRESSES4}`), null],
  ["v2 LOCAL of an unknown family", v2("20ff0002abcd"), null],
  ["v2 UNSPEC", v2("21000000"), null],
  ["v2 UNSPEC with TLVs", v2(`2100${ofLength(8)}${TLV}`), null],
  ["v2 over UDP", v2(`2112000c${ADDRESSES4}`), null],
  ["v2 of a UNIX stream", v2(`213100d8${zeros(216)}`), null],
];

const BAD: readonly (readonly [string, Uint8Array, string])[] = [
  ["TLS", v2("").with(0, 0x16), "there is none"],
  ["HTTP that begins alike", bytesOf("PROPFIND / HTTP/1.1\r\n"), "there is none"],
  ["lower case", bytesOf("proxy TCP4 192.0.2.7 198.51.100.1 50000 443\r\n"), "there is none"],
  ["an empty line and a request", bytesOf("\r\nGET / HTTP/1.1\r\n"), "there is none"],
  ["LF alone", bytesOf("PROXY UNKNOWN\n"), "its line ends without CR"],
  ["no line end", bytesOf(`PROXY UNKNOWN ${"f".repeat(93)}`), "it has no end within 107 bytes"],
  ["a line end too late", bytesOf(`PROXY UNKNOWN ${"f".repeat(92)}\r\n`), "it has no end within 107 bytes"],
  [
    "a family without word",
    bytesOf("PROXY TCP5 192.0.2.7 198.51.100.1 50000 443\r\n"),
    "its line is not as it has to be",
  ],
  ["UNKNOWNS", bytesOf("PROXY UNKNOWNS\r\n"), "its line is not as it has to be"],
  ["a fifth field", bytesOf("PROXY TCP4 192.0.2.7 198.51.100.1 50000 443 1\r\n"), "its line is not as it has to be"],
  ...[
    "TCP4 192.0.2.7 198.51.100.1 50000",
    "TCP4  192.0.2.7 198.51.100.1 50000",
    "TCP4 192.0.2.7 198.51.100.1 50000 65536",
    "TCP4 192.0.2.7 198.51.100.1 050 443",
    "TCP4 192.0.2.7 198.51.100.1 -1 443",
    "TCP4 192.0.2.07 198.51.100.1 50000 443",
    "TCP4 192.0.2 198.51.100.1 50000 443",
    "TCP4 2001:db8::7 2001:db8::1 1 2",
    "TCP6 192.0.2.7 198.51.100.1 50000 443",
    "TCP6 2001:db8::7%eth0 2001:db8::1 1 2",
  ].map((text) => [text, bytesOf(`PROXY ${text}\r\n`), "it has an address or a port that is none"] as const),
  ["version 1 in the form of 2", v2("1111000c"), "its version or command is unknown"],
  ["version 3", v2("31"), "its version or command is unknown"],
  ["an unknown command", v2("22"), "its version or command is unknown"],
  ["an unknown family", v2("21410000"), "its family is unknown"],
  ["an unknown transport", v2(`2113000c${ADDRESSES4}`), "its family is unknown"],
  ["IPv4 with too little", v2(`2111000b${ADDRESSES4}`), "it is too short for its addresses"],
  ["IPv6 with too little", v2(`21210023${ADDRESSES6}`), "it is too short for its addresses"],
  ["more than 536 bytes", v2("21110209"), "it is longer than 536 bytes"],
  ["the longest that can be said", v2("2000ffff"), "it is longer than 536 bytes"],
];

describe("readProxyHeader()", () => {
  test.each([...GOOD])("reads %s, and wants more of every prefix", (_, bytes, ends) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: "header", bytes: bytes.length, ends });
    for (let length = 0; length < bytes.length; length++)
      expect(readProxyHeader(bytes.subarray(0, length))).toEqual({ kind: "need-more" });
    expect(readProxyHeader(Buffer.concat([bytes, bytes]))).toEqual({ kind: "header", bytes: bytes.length, ends });
  });

  test.each([...BAD])("refuses %s, and takes no prefix of it for a header", (_, bytes, fault) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: "bad", fault });
    for (let length = 0; length < bytes.length; length++)
      expect(readProxyHeader(bytes.subarray(0, length)).kind).not.toBe("header");
  });

  test("reads what proxyHeader() writes", () => {
    for (const version of [1, 2] as const)
      for (const ends of [ENDS4, ENDS6])
        expect(readProxyHeader(proxyHeader(version, ends.remote, ends.local))).toMatchObject({ kind: "header", ends });
  });

  test("never throws, and never takes more than there is, whatever a byte is changed to", () => {
    for (const [, bytes] of GOOD)
      for (let at = 0; at < Math.min(bytes.length, 64); at++)
        for (let value = 0; value < 256; value += 5) {
          const read = readProxyHeader(Uint8Array.from(bytes).with(at, value));
          if (read.kind === "header") expect(read.bytes).toBeLessThanOrEqual(bytes.length);
        }
  });
});

describe("ProxyHeaderReader", () => {
  const REST = bytesOf("what follows");

  test.each([...GOOD])("takes %s at every split, and gives back what follows", (_, bytes, ends) => {
    const whole = Uint8Array.from([...bytes, ...REST]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = new ProxyHeaderReader();
      const first = cut === bytes.length ? cut + 3 : cut;
      const early = first === 0 ? null : reader.take(lent(whole, 0, first));
      if (cut === bytes.length) {
        expect(early).toEqual({ kind: "header", ends, rest: REST.slice(0, 3) });
        continue;
      }
      if (early !== null) expect([early.kind, reader.begun]).toEqual(["need-more", true]);
      expect(reader.take(whole.subarray(first))).toEqual({ kind: "header", ends, rest: REST });
    }
  });

  test("takes a header byte by byte", () => {
    for (const [, bytes, ends] of GOOD) {
      const reader = new ProxyHeaderReader();
      const taken = Array.from(bytes, (_, at) => reader.take(lent(bytes, at, at + 1)));
      expect(taken.slice(0, -1).every(({ kind }) => kind === "need-more")).toBe(true);
      expect(taken.at(-1)).toEqual({ kind: "header", ends, rest: new Uint8Array(0) });
    }
  });

  test("finds the same fault at every split, at the latest with the last byte", () => {
    for (const [, bytes, fault] of BAD)
      for (let cut = 1; cut < bytes.length; cut++) {
        const reader = new ProxyHeaderReader();
        const first = reader.take(bytes.subarray(0, cut));
        const found = first.kind === "need-more" ? reader.take(bytes.subarray(cut)) : first;
        expect(found).toEqual({ kind: "bad", fault });
      }
  });
});

/** A part that lives as long as one in production: it is overwritten soon. */
function lent(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const part = bytes.slice(from, to);
  queueMicrotask(() => part.fill(0xee));
  return part;
}
