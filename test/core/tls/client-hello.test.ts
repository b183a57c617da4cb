import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { HELLO_LIMIT, type HelloResult, readClientHello } from "../../../src/core/tls/client-hello.ts";
import {
  alpn,
  extension,
  hello,
  helloOfSize,
  inRecords,
  message,
  record,
  serverName,
  text,
  vector,
} from "./hello-builder.ts";

const FIXTURES = `${import.meta.dir}/../../fixtures/tls`;
const captured = readdirSync(FIXTURES)
  .filter((file) => file.endsWith(".bin"))
  .map((file) => ({ file, bytes: new Uint8Array(readFileSync(`${FIXTURES}/${file}`)) }));

function sni(host: string, protocols: readonly string[] = [], ech = false): HelloResult {
  return { kind: "sni", host, alpn: protocols, ech };
}
function none(because: "absent" | "ip-literal" = "absent"): HelloResult {
  return { kind: "none", because, alpn: [], ech: false };
}
function invalid(reason: Extract<HelloResult, { kind: "invalid" }>["reason"]): HelloResult {
  return { kind: "invalid", reason };
}
const one = (...content: readonly number[]): Uint8Array => Uint8Array.from(record(content));
const withParts = (parts: Parameters<typeof message>[0]): Uint8Array => Uint8Array.from(record(message(parts)));

const NAMES = [
  { name: "a plain name", input: hello(serverName("api.hub.lab")), want: sni("api.hub.lab") },
  { name: "upper case", input: hello(serverName("API.Hub.LAB")), want: sni("api.hub.lab") },
  { name: "a trailing dot", input: hello(serverName("api.hub.lab.")), want: sni("api.hub.lab") },
  { name: "two trailing dots", input: hello(serverName("api.hub.lab..")), want: sni("api.hub.lab.") },
  { name: "a port in the name", input: hello(serverName("api.hub.lab:6443")), want: sni("api.hub.lab:6443") },
  { name: "odd characters", input: hello(serverName("a!b@c/*.lab")), want: sni("a!b@c/*.lab") },
  { name: "a name that ends in a digit", input: hello(serverName("worker.m1")), want: sni("worker.m1") },
  { name: "a name of 255 bytes", input: hello(serverName("a".repeat(255))), want: sni("a".repeat(255)) },
  { name: "a name of 256 bytes", input: hello(serverName("a".repeat(256))), want: invalid("malformed") },
  { name: "an IPv4 literal", input: hello(serverName("192.168.1.20")), want: none("ip-literal") },
  { name: "an IPv4 literal with a dot", input: hello(serverName("192.168.1.20.")), want: none("ip-literal") },
  { name: "an IPv6 literal", input: hello(serverName("2001:db8::1")), want: none("ip-literal") },
  { name: "an IPv6 literal that ends in a letter", input: hello(serverName("fe80::a")), want: none("ip-literal") },
  { name: "a bracketed IPv6 literal", input: hello(serverName("[::1]")), want: none("ip-literal") },
  { name: "five numbers", input: hello(serverName("1.2.3.4.5")), want: sni("1.2.3.4.5") },
  { name: "no server_name", input: hello(extension(43, [2, 3, 4])), want: none() },
  { name: "an empty extension list", input: hello(), want: none() },
  { name: "no extensions at all", input: withParts({ extensions: null }), want: none() },
  { name: "a name of unknown type", input: hello(extension(0, vector(2, [7, 0, 1, 97]))), want: none() },
  { name: "an empty name", input: hello(serverName("")), want: invalid("empty-name") },
  { name: "only a dot", input: hello(serverName(".")), want: invalid("empty-name") },
  { name: "an empty name list", input: hello(extension(0, [0, 0])), want: invalid("empty-name") },
  { name: "an empty server_name", input: hello(extension(0, [])), want: invalid("empty-name") },
  { name: "two names", input: hello(serverName("a.lab", "b.lab")), want: invalid("several-names") },
  { name: "one name twice", input: hello(serverName("a.lab", "a.lab")), want: invalid("several-names") },
  {
    name: "two names before other extensions",
    input: hello(serverName("a.lab", "b.lab", "c.lab"), extension(43, [2, 3, 4]), alpn("h2")),
    want: invalid("several-names"),
  },
  { name: "NUL in the name", input: hello(serverName([97, 0, 98])), want: invalid("nul-in-name") },
  { name: "a space in the name", input: hello(serverName("a b")), want: invalid("malformed") },
  { name: "DEL in the name", input: hello(serverName([97, 0x7f])), want: invalid("malformed") },
  { name: "a line feed in the name", input: hello(serverName("a\nb")), want: invalid("malformed") },
  { name: "UTF-8 in the name", input: hello(serverName([0xc3, 0xbc])), want: invalid("malformed") },
];

const EXTENSIONS = [
  {
    name: "ALPN before the name",
    input: hello(alpn("h2", "http/1.1"), serverName("a.lab")),
    want: sni("a.lab", ["h2", "http/1.1"]),
  },
  { name: "GREASE in ALPN", input: hello(serverName("a.lab"), alpn([0x0a, 0x0a], "h2")), want: sni("a.lab", ["h2"]) },
  {
    name: "ALPN without a name",
    input: hello(alpn("acme-tls/1")),
    want: { kind: "none", because: "absent", alpn: ["acme-tls/1"], ech: false } as const,
  },
  {
    name: "ECH",
    input: hello(serverName("public.example"), extension(0xfe0d, [0, 0, 1, 0, 1, 42, 0, 0, 0, 0])),
    want: sni("public.example", [], true),
  },
  {
    name: "ECH before the name",
    input: hello(extension(0xfe0d, [1]), serverName("public.example")),
    want: sni("public.example", [], true),
  },
  {
    name: "two different GREASE extensions",
    input: hello(extension(0x0a0a, []), serverName("a.lab"), extension(0xfafa, [0])),
    want: sni("a.lab"),
  },
  {
    name: "500 unknown extensions before the name",
    input: hello(...Array.from({ length: 500 }, (_, i) => extension(1_000 + i, [])), serverName("a.lab")),
    want: sni("a.lab"),
  },
  {
    name: "server_name twice",
    input: hello(serverName("a.lab"), serverName("b.lab")),
    want: invalid("malformed"),
  },
  {
    name: "an unknown extension twice",
    input: hello(extension(4_711, []), serverName("a.lab"), extension(4_711, [])),
    want: invalid("malformed"),
  },
  { name: "an empty ALPN list", input: hello(extension(16, [0, 0])), want: invalid("malformed") },
  { name: "an empty ALPN body", input: hello(extension(16, [])), want: invalid("malformed") },
  { name: "an empty ALPN name", input: hello(alpn("h2", "")), want: invalid("malformed") },
  { name: "bytes behind the ALPN list", input: hello(extension(16, [0, 2, 1, 97, 9])), want: invalid("malformed") },
  {
    name: "an ALPN name past its list",
    input: hello(extension(16, [0, 3, 9, 97, 97])),
    want: invalid("malformed"),
  },
];

const SHORT_LENGTHS = [
  { name: "a name past its list", input: hello(extension(0, [0, 5, 0, 0, 9, 97, 98])), want: invalid("malformed") },
  { name: "a list past its extension", input: hello(extension(0, [0, 9, 0, 0, 1, 97])), want: invalid("malformed") },
  { name: "bytes behind the list", input: hello(extension(0, [0, 4, 0, 0, 1, 97, 9])), want: invalid("malformed") },
  { name: "half a name entry", input: hello(extension(0, [0, 2, 0, 0])), want: invalid("malformed") },
  {
    name: "an extension past the hello",
    input: withParts({ extensions: [[0, 0, 0, 200, 0, 1]] }),
    want: invalid("malformed"),
  },
  { name: "half an extension header", input: withParts({ extensions: [[0, 0, 0]] }), want: invalid("malformed") },
  { name: "bytes behind the extensions", input: withParts({ trailing: [0] }), want: invalid("malformed") },
  {
    name: "an extensions length past the end",
    input: withParts({ extensions: null, trailing: [0, 9, 1] }),
    want: invalid("malformed"),
  },
  {
    name: "one byte where the extensions begin",
    input: withParts({ extensions: null, trailing: [0] }),
    want: invalid("malformed"),
  },
  { name: "an empty message", input: one(1, 0, 0, 0), want: invalid("malformed") },
  { name: "a message of one byte", input: one(1, 0, 0, 1, 3), want: invalid("malformed") },
  {
    name: "a session id of 33 bytes",
    input: withParts({ sessionId: Array.from({ length: 33 }, () => 1) }),
    want: invalid("malformed"),
  },
  {
    name: "a session id of 32 bytes",
    input: withParts({ sessionId: Array.from({ length: 32 }, () => 1) }),
    want: sni("api.hub.lab"),
  },
  { name: "no cipher suites", input: withParts({ cipherSuites: [] }), want: invalid("malformed") },
  { name: "half a cipher suite", input: withParts({ cipherSuites: [0x13] }), want: invalid("malformed") },
  { name: "no compression method", input: withParts({ compressions: [] }), want: invalid("malformed") },
];

const content = message();
const HELLO = hello(serverName("api.hub.lab"), alpn("h2"));
const RECORDS = [
  { name: "two records", input: inRecords(content, 20), want: sni("api.hub.lab") },
  { name: "records of one byte", input: inRecords(content, ...content.map(() => 1)), want: sni("api.hub.lab") },
  { name: "a first record of 30 bytes", input: inRecords(content, 30), want: sni("api.hub.lab") },
  { name: "a first record of half a message header", input: inRecords(content, 2), want: sni("api.hub.lab") },
  {
    name: "the name in its second record",
    input: inRecords(content, content.length - 8),
    want: sni("api.hub.lab"),
  },
  { name: "a version of 3.0 outside", input: Uint8Array.from(record(content, 0x16, [3, 0])), want: sni("api.hub.lab") },
  { name: "a version of 3.4 outside", input: Uint8Array.from(record(content, 0x16, [3, 4])), want: sni("api.hub.lab") },
  {
    name: "early data behind it",
    input: Uint8Array.of(...HELLO, 0x17, 3, 3, 0, 1, 9),
    want: sni("api.hub.lab", ["h2"]),
  },
  { name: "another message behind it", input: one(...content, 1, 0, 0, 9), want: sni("api.hub.lab") },
  { name: "15.6 KB", input: helloOfSize(15_974), want: sni("api.hub.lab") },
  { name: "40 KB in three records", input: helloOfSize(40_000), want: sni("api.hub.lab") },
  { name: "exactly 64 KB", input: helloOfSize(65_536), want: sni("api.hub.lab") },
  { name: "64 KB and one byte", input: helloOfSize(65_537), want: invalid("too-long") },
  { name: "a length of 16 MB", input: Uint8Array.of(0x16, 3, 1, 0, 4, 1, 255, 255, 255), want: invalid("too-long") },
  { name: "an empty first record", input: Uint8Array.of(0x16, 3, 1, 0, 0, ...HELLO), want: invalid("malformed") },
  {
    name: "an empty record inside",
    input: Uint8Array.of(...record(content.slice(0, 9)), 0x16, 3, 1, 0, 0, ...record(content.slice(9))),
    want: invalid("malformed"),
  },
  {
    name: "an alert inside",
    input: Uint8Array.of(...record(content.slice(0, 9)), ...record([1, 0], 0x15), ...record(content.slice(9))),
    want: invalid("malformed"),
  },
  {
    name: "a second record of another version",
    input: Uint8Array.of(...record(content.slice(0, 9)), ...record(content.slice(9), 0x16, [2, 0])),
    want: invalid("malformed"),
  },
  { name: "a record over 2^14", input: Uint8Array.of(0x16, 3, 1, 0x40, 0x01, ...content), want: invalid("malformed") },
  { name: "a ServerHello", input: Uint8Array.from(record(message({}, 2))), want: invalid("not-client-hello") },
  { name: "a HelloRequest", input: one(0, 0, 0, 0), want: invalid("not-client-hello") },
];

const http: HelloResult = { kind: "not-tls", http: true };
const other: HelloResult = { kind: "not-tls", http: false };
const NOT_TLS = [
  { name: "a GET request", input: text("GET / HTTP/1.1\r\nHost: api.hub.lab\r\n\r\n"), want: http },
  { name: "one letter of a request", input: text("G"), want: http },
  { name: "half a method", input: text("OPTI"), want: http },
  { name: "HTTP/2 with prior knowledge", input: text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), want: http },
  { name: "the longest method", input: text("UPDATEREDIRECTREF /"), want: http },
  { name: "a word of 18 capitals", input: text("A".repeat(18)), want: other },
  { name: "an SSH banner", input: text("SSH-2.0-OpenSSH_9.2\r\n"), want: other },
  { name: "small letters", input: text("get / HTTP/1.0\r\n"), want: other },
  { name: "a space first", input: text(" GET /"), want: other },
  { name: "an SSLv2 hello", input: [0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16, 1, 0, 128], want: other },
  { name: "a TLS alert", input: [0x15, 3, 1, 0, 2, 1, 0], want: other },
  { name: "a PROXY v2 header", input: [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51], want: other },
  { name: "RDP", input: [3, 0, 0, 19, 14], want: other },
  { name: "a record of version 2", input: [0x16, 2, 0, 0, 4, 1, 0, 0, 0], want: other },
  { name: "zeros", input: [0, 0, 0, 0, 0, 0], want: other },
];

/** Feed a connection as a careful caller does: only when `need-more`'s total is there. Returns the answer and the calls made. */
function feed(input: Uint8Array, limit = HELLO_LIMIT): { result: HelloResult; calls: number } {
  let have = 1;
  for (let calls = 1; ; calls++) {
    const result = readClientHello(input.subarray(0, have), limit);
    if (result.kind !== "need-more" || result.bytes > input.length) return { result, calls };
    expect(result.bytes).toBeGreaterThan(have);
    have = result.bytes;
  }
}

describe("readClientHello()", () => {
  test.each(NAMES)("reads $name", ({ input, want }) => expect(readClientHello(input)).toEqual(want));
  test.each(EXTENSIONS)("reads $name", ({ input, want }) => expect(readClientHello(input)).toEqual(want));
  test.each(SHORT_LENGTHS)("tells $name", ({ input, want }) => expect(readClientHello(input)).toEqual(want));
  test.each(RECORDS)("joins $name", ({ input, want }) => expect(readClientHello(input)).toEqual(want));
  test.each(NOT_TLS)("knows $name is not TLS", ({ input, want }) => {
    expect(readClientHello(Uint8Array.from(input))).toEqual(want);
  });

  test.each([...NAMES, ...EXTENSIONS, ...SHORT_LENGTHS, ...RECORDS])(
    "gives a careful caller the same answer for $name",
    ({ input, want }) => expect(feed(input).result).toEqual(want),
  );

  test.each(captured)("reads the captured $file", ({ file, bytes }) => {
    const result = readClientHello(bytes);
    if (file.includes("no-name")) expect(result).toEqual(none());
    else expect(result).toMatchObject({ kind: "sni", host: file.startsWith("deno") ? "localhost" : "api.hub.example" });
  });

  test("reads what curl and Bun offer by ALPN", () => {
    for (const { file, bytes } of captured) {
      if (!/^(curl|bun)/.test(file)) continue;
      expect(readClientHello(bytes)).toMatchObject({ alpn: ["h2", "http/1.1"], ech: false });
    }
  });

  test("has a captured post-quantum hello of more than one segment", () => {
    expect(Math.max(...captured.map(({ bytes }) => bytes.length))).toBeGreaterThan(1_460);
  });

  test.each(captured)("asks for more on every proper prefix of $file, then never again", ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const result = readClientHello(bytes.subarray(0, length));
      if (result.kind !== "need-more") throw new Error(`${result.kind} after ${length} of ${bytes.length} bytes`);
      expect(result.bytes).toBeGreaterThan(length);
      expect(result.bytes).toBeLessThanOrEqual(bytes.length);
    }
    const want = readClientHello(bytes);
    for (const more of [1, 5, 400]) {
      const longer = new Uint8Array(bytes.length + more);
      longer.set(bytes);
      expect(readClientHello(longer)).toEqual(want);
    }
  });

  test("names no total that a shorter input would have settled", () => {
    const input = inRecords(content, 3, 7, 1);
    for (let length = 0; length < input.length; length++) {
      const result = readClientHello(input.subarray(0, length));
      if (result.kind !== "need-more") throw new Error(`${result.kind} after ${length} bytes`);
      const atIts = readClientHello(input.subarray(0, result.bytes - 1));
      expect(atIts.kind).toBe("need-more");
    }
  });

  test("reads every captured hello in any records", () => {
    fc.assert(
      fc.property(fc.constantFrom(...captured), fc.array(fc.integer({ min: 1, max: 300 })), ({ bytes }, sizes) => {
        const split = inRecords([...bytes.subarray(5)], ...sizes);
        expect(readClientHello(split)).toEqual(readClientHello(bytes));
        expect(feed(split).result).toEqual(readClientHello(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test("is called at most 80 times for 64 KB in records of one byte", () => {
    const big = helloOfSize(10_900);
    const body = [...big.subarray(5)];
    const split = inRecords(body, ...body.map(() => 1));
    expect(split.length).toBeGreaterThan(65_000);
    const { result, calls } = feed(split);
    expect(result).toEqual(sni("api.hub.lab"));
    expect(calls).toBeLessThanOrEqual(80);
  });

  test("names the whole length once it is known, so that bytes that trickle in cost nothing", () => {
    for (const length of [9, 10, 100]) {
      const result = readClientHello(HELLO.subarray(0, Math.min(length, HELLO.length - 1)));
      expect(result).toEqual({ kind: "need-more", bytes: HELLO.length });
    }
    expect(readClientHello(helloOfSize(65_536).subarray(0, 9))).toEqual({ kind: "need-more", bytes: 65_536 });
  });

  test("gives up as soon as the limit cannot be kept", () => {
    expect(readClientHello(HELLO, HELLO.length)).toEqual(sni("api.hub.lab", ["h2"]));
    expect(readClientHello(HELLO, HELLO.length - 1)).toEqual(invalid("too-long"));
    expect(readClientHello(HELLO.subarray(0, 9), HELLO.length - 1)).toEqual(invalid("too-long"));
    const small = inRecords(content, ...content.map(() => 1));
    expect(feed(small, content.length + 100).result).toEqual(invalid("too-long"));
  });

  test("tells names apart that hash alike, and one name in two spellings, however often they come", () => {
    // "Aa" and "BB" have one 31-hash, so the first three share a place
    const names = ["AaAa.lab", "BBBB.lab", "AaBB.lab", "aaaa.lab", "aaaa.lab."];
    for (let round = 0; round < 3; round++) {
      for (const name of names) {
        const want = name.toLowerCase().replace(/\.$/, "");
        expect(readClientHello(hello(serverName(name)))).toEqual(sni(want));
      }
    }
  });

  test("knows another message by its first byte", () => {
    expect(readClientHello(Uint8Array.of(0x16, 3, 1, 0, 90, 2))).toEqual(invalid("not-client-hello"));
  });

  test("asks a connection of no bytes for one", () => {
    expect(readClientHello(new Uint8Array())).toEqual({ kind: "need-more", bytes: 1 });
  });

  test("neither throws nor asks beyond its limit for damaged hellos", () => {
    const sources = [...captured.map(({ bytes }) => bytes), HELLO, inRecords(content, 5, 9)];
    const damage = fc.record({
      source: fc.constantFrom(...sources),
      edits: fc.array(fc.record({ at: fc.nat(1_500), byte: fc.nat(255) }), { minLength: 1, maxLength: 8 }),
      cut: fc.nat(1_500),
      limit: fc.constantFrom(300, 2_000, HELLO_LIMIT),
    });
    fc.assert(
      fc.property(damage, ({ source, edits, cut, limit }) => {
        const input = source.slice(0, Math.max(1, source.length - (cut % 64)));
        for (const { at, byte } of edits) input[at % input.length] = byte;
        const result = readClientHello(input, limit);
        if (result.kind === "need-more") {
          expect(result.bytes).toBeGreaterThan(input.length);
          expect(result.bytes).toBeLessThanOrEqual(limit);
        }
        if (result.kind === "sni") expect(result.host).toMatch(/^[!-~]{1,255}$/);
      }),
      { numRuns: 4_000 },
    );
  });

  test("neither throws nor changes its mind over random bytes", () => {
    const begin = fc.constantFrom([], [0x16, 3, 1], [0x16, 3, 3, 0, 80, 1, 0, 0, 76, 3, 3]);
    fc.assert(
      fc.property(begin, fc.uint8Array({ maxLength: 300 }), fc.nat(311), (start, rest, cut) => {
        const input = Uint8Array.of(...start, ...rest);
        const early = readClientHello(input.subarray(0, cut));
        if (early.kind !== "need-more" && early.kind !== "not-tls") expect(readClientHello(input)).toEqual(early);
      }),
      { numRuns: 4_000 },
    );
  });
});
