import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Body } from "../../../src/core/message/body.ts";
import { CHUNKED, UNTIL_CLOSE, type Framing } from "../../../src/core/message/framing.ts";
import { Gather } from "../../../src/core/message/gather.ts";
import { bytesOf, textOf } from "../../../scripts/fuzz/session-lab.ts";

const LIMITS = { httpLine: 100, httpHead: 300, httpFields: 4 };

/** What is known after these pieces, what was let through, and how many bytes were taken. */
function follow(framing: Framing, pieces: readonly Uint8Array[]) {
  const body = new Body(LIMITS);
  const out = new Gather();
  let passed = "";
  let taken = 0;
  body.begin(framing);
  for (const piece of pieces) {
    if (body.state !== "more") break;
    const lent = piece.slice();
    taken += body.feed(lent, 0, out);
    passed += textOf(out.take() ?? new Uint8Array(0));
    lent.fill(0xee);
  }
  return { state: body.state, passed, taken };
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

/** Another reader of chunked bodies, written from the grammar alone. */
function reference(text: string): { state: "more" | "done" | "bad"; end: number } {
  const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
  const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
  const size = new RegExp(
    `^([0-9a-fA-F]{1,16})(?:[ \\t]*;[ \\t]*${token}(?:[ \\t]*=[ \\t]*(?:${token}|${quoted}))?)*\\r\\n`,
  );
  const field = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*\r\n/;
  let at = 0;
  for (;;) {
    const line = size.exec(text.slice(at));
    if (line === null) return { state: "bad", end: at };
    at += line[0].length;
    const bytes = Number.parseInt(line[1] ?? "", 16);
    if (bytes === 0) break;
    if (bytes > text.length - at) return { state: "more", end: text.length };
    at += bytes;
    if (text.slice(at, at + 2) !== "\r\n") return { state: "bad", end: at };
    at += 2;
  }
  for (let match = field.exec(text.slice(at)); match !== null; match = field.exec(text.slice(at)))
    at += match[0].length;
  return text.slice(at, at + 2) === "\r\n" ? { state: "done", end: at + 2 } : { state: "bad", end: at };
}

const chunkedSoup = fc
  .array(
    fc.constantFrom(
      "0\r\n",
      "1\r\na\r\n",
      "A\r\n0123456789\r\n",
      "3;a=b\r\nxyz\r\n",
      '1 ; a = "b;\\"" ;c\r\nx\r\n',
      "\r\n",
      "A: b\r\n",
      ";",
      "\n",
      "\r",
      " ",
      "g",
      "0",
      '"',
      "=",
      "1;a=\r\nx\r\n",
      "ffffffffffffffff\r\n",
    ),
    { maxLength: 9 },
  )
  .map((parts) => parts.join(""));

describe("Body", () => {
  test("passes chunked bodies byte for byte and stops at their end", () => {
    const body = '5;a="b"\r\nhello\r\n0\r\nA: b\r\n\r\n';
    expect(follow(CHUNKED, [bytesOf(`${body}GET`)])).toEqual({ state: "done", passed: body, taken: body.length });
  });

  test("passes so many bytes as the length says", () => {
    expect(follow({ kind: "length", bytes: 3 }, [bytesOf("ab"), bytesOf("cd")])).toEqual({
      state: "done",
      passed: "abc",
      taken: 3,
    });
  });

  test("passes all there is until the close", () => {
    expect(follow(UNTIL_CLOSE, [bytesOf("ab"), bytesOf("cd")])).toEqual({ state: "more", passed: "abcd", taken: 4 });
  });

  test("says the same of every fragmentation, and passes the same", () => {
    fc.assert(
      fc.property(chunkedSoup, fc.array(fc.nat(200), { maxLength: 10 }), (text, cuts) => {
        const whole = follow(CHUNKED, [bytesOf(text)]);
        const cut = follow(CHUNKED, cutAt(bytesOf(text), cuts));
        expect(cut.state).toBe(whole.state);
        if (whole.state === "done") expect(cut).toEqual(whole);
        // a trailer section is held until it is complete, everything else passes at once
        expect(whole.passed.startsWith(cut.passed) || cut.passed.startsWith(whole.passed)).toBe(true);
      }),
      { numRuns: 4_000 },
    );
  });

  test("ends bodies where the grammar ends them, and only bodies that follow it", () => {
    fc.assert(
      fc.property(chunkedSoup, (text) => {
        const got = follow(CHUNKED, [bytesOf(text)]);
        const want = reference(text);
        if (want.state === "done")
          expect(got).toEqual({ state: "done", passed: text.slice(0, want.end), taken: want.end });
        else expect(got.state).not.toBe("done");
        // nothing passes beyond the first byte that the grammar cannot explain
        expect(text.startsWith(got.passed)).toBe(true);
      }),
      { numRuns: 6_000 },
    );
  });

  test("knows what is data whatever it is", () => {
    const body = new Body(LIMITS);
    const out = new Gather();
    body.begin(CHUNKED);
    expect(body.known).toBe(0);
    body.feed(bytesOf("1000\r\nabc"), 0, out);
    expect(body.known).toBe(0x1000 - 3);
    body.skip(0x1000 - 3);
    expect(body.known).toBe(0);
    body.feed(bytesOf("\r\n0\r\n\r\n"), 0, out);
    expect(body.state).toBe("done");
  });

  test("bounds what a trailer section may hold", () => {
    const endless = new Body(LIMITS);
    const out = new Gather();
    endless.begin(CHUNKED);
    endless.feed(bytesOf("0\r\nA: "), 0, out);
    for (let sent = 0; sent < 400 && endless.state === "more"; sent++) endless.feed(bytesOf("b"), 0, out);
    expect(endless.state).toBe("bad");
  });
});
