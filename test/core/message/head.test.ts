import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  FIELD_WIDTH,
  HeadReader,
  lineEnd,
  LINE_FROM,
  NAME_TO,
  VALUE_FROM,
  VALUE_TO,
} from "../../../src/core/message/head.ts";
import { RequestLine, StatusLine } from "../../../src/core/message/start-line.ts";
import { bytesOf, SETTINGS, textOf } from "../../../scripts/fuzz/session-lab.ts";

const LIMITS = { httpLine: 40, httpHead: 200, httpFields: 4 };
type Pieces = readonly Uint8Array[];

/** What the reader says of these pieces, and how many bytes it took. */
function read(pieces: Pieces, limits = LIMITS, kind: "request" | "response" | "trailers" = "request") {
  const start = kind === "request" ? new RequestLine() : kind === "response" ? new StatusLine() : null;
  const reader = new HeadReader(start, limits);
  let taken = 0;
  for (const piece of pieces) {
    if (reader.state !== "more" || piece.length === 0) continue;
    const lent = piece.slice();
    taken += reader.feed(lent, 0);
    // what was collected must not depend on the chunk any more
    if (reader.state === "more") lent.fill(0xee);
  }
  const { state, fields, bytes } = reader;
  if (state !== "done") return state === "bad" ? { state, fault: reader.fault } : { state };
  const names: string[] = [];
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    const at = (offset: number): number => fields[i + offset] ?? 0;
    names.push(textOf(bytes.subarray(at(LINE_FROM), at(NAME_TO))));
    names.push(textOf(bytes.subarray(at(VALUE_FROM), at(VALUE_TO))));
    names.push(textOf(bytes.subarray(at(VALUE_TO), lineEnd(reader, i))));
  }
  return { state, taken, head: textOf(bytes.subarray(0, reader.end)), names };
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Pieces {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

describe("HeadReader", () => {
  test("finds fields, their values without white space, and the end", () => {
    expect(read([bytesOf("GET / HTTP/1.1\r\nHost: x\r\nA:\t b \t\r\nC:\r\n\r\nrest")])).toEqual({
      state: "done",
      taken: 40,
      head: "GET / HTTP/1.1\r\nHost: x\r\nA:\t b \t\r\nC:\r\n\r\n",
      names: ["Host", "x", "\r\n", "A", "b", " \t\r\n", "C", "", "\r\n"],
    });
  });

  test("asks for more on every proper prefix", () => {
    const head = bytesOf("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n");
    for (let n = 0; n < head.length; n++) expect(read([head.subarray(0, n)])).toEqual({ state: "more" });
  });

  test.each([
    ["a line of exactly the limit", `GET /${"a".repeat(26)} HTTP/1.1\r\n\r\n`, "done"],
    ["a line one byte longer", `GET /${"a".repeat(27)} HTTP/1.1\r\n\r\n`, "line too long"],
    ["a line without end", "a".repeat(41), "line too long"],
    ["a head of exactly the limit", `GET / HTTP/1.1\r\nA: ${"b".repeat(200 - 16 - 3 - 4)}\r\n\r\n`, "done"],
    ["a head one byte larger", `GET / HTTP/1.1\r\nA: ${"b".repeat(201 - 16 - 3 - 4)}\r\n\r\n`, "head too large"],
    ["as many fields as may be", `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(4)}\r\n`, "done"],
    ["one field more", `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(5)}\r\n`, "too many fields"],
  ])("keeps the limits however the head is cut: %s", (_, text, want) => {
    const bytes = bytesOf(text);
    const pieces: Pieces[] = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))];
    for (let n = 1; n < bytes.length; n++) pieces.push([bytes.subarray(0, n), bytes.subarray(n)]);
    for (const each of pieces) {
      const got = read(each);
      expect<string>("fault" in got ? got.fault : got.state).toBe(want);
    }
  });

  const soup = fc
    .array(
      fc.constantFrom(
        "GET / HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\n",
        "A: b\r\n",
        "Host:x\r\n",
        "\r\n",
        "\r",
        "\n",
        " ",
        ":",
        "\0",
        "é",
        "A : b",
        "x",
      ),
      { maxLength: 14 },
    )
    .map((parts) => bytesOf(parts.join("")));

  test("says the same of every fragmentation", () => {
    fc.assert(
      fc.property(
        soup,
        fc.array(fc.nat(400), { maxLength: 12 }),
        fc.constantFrom("request", "response", "trailers"),
        (bytes, cuts, kind) => {
          expect(read(cutAt(bytes, cuts), LIMITS, kind)).toEqual(read([bytes], LIMITS, kind));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("never throws and never takes more than the limit, whatever comes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(400), { maxLength: 4 }), (bytes, cuts) => {
        const got = read(cutAt(bytes, cuts));
        if (bytes.length >= LIMITS.httpHead) expect(got.state).not.toBe("more");
      }),
      { numRuns: 3_000 },
    );
  });

  test("reads a head of 64 KB that comes byte by byte without looking at a byte twice", () => {
    const reader = new HeadReader(new RequestLine(), SETTINGS.limits);
    const bytes = bytesOf(`GET / HTTP/1.1\r\nA: ${"b".repeat(65_000)}\r\n\r\n`);
    const started = performance.now();
    for (const byte of bytes) reader.feed(Uint8Array.of(byte), 0);
    expect(reader.state).toBe("done");
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
