import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ProbeResponse } from "../../../src/control/probe/probe-response.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll("\n", "\r\n"));

interface Case {
  readonly name: string;
  readonly text: string;
  /** The peer's FIN follows. */
  readonly fin?: true;
  readonly want: readonly [state: ProbeResponse["state"], status: number | null, again: boolean];
}

const cases: readonly Case[] = [
  { name: "a length", text: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", want: ["end", 200, true] },
  {
    name: "chunks",
    text: "HTTP/1.1 500 Internal Server Error\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n",
    want: ["end", 500, true],
  },
  { name: "no body", text: "HTTP/1.1 204 No Content\n\n", want: ["end", 204, true] },
  { name: "an empty body", text: "HTTP/1.1 401 Unauthorized\nContent-Length: 0\n\n", want: ["end", 401, true] },
  {
    name: "an interim answer before it",
    text: "HTTP/1.1 103 Early Hints\nLink: <x>\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n",
    want: ["end", 200, true],
  },
  {
    name: "Connection: close",
    text: "HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok",
    want: ["end", 200, false],
  },
  { name: "HTTP/1.0", text: "HTTP/1.0 200 OK\nContent-Length: 2\n\nok", want: ["end", 200, false] },
  { name: "no end yet", text: "HTTP/1.1 200 OK\nContent-Length: 5\n\nok", want: ["more", 200, false] },
  { name: "an end by FIN", text: "HTTP/1.1 200 OK\n\nwords", fin: true, want: ["end", 200, false] },
  {
    name: "a FIN in its body",
    text: "HTTP/1.1 503 No\nContent-Length: 5\n\nok",
    fin: true,
    want: ["enough", 503, false],
  },
  { name: "a FIN in its head", text: "HTTP/1.1 200 OK\nConte", fin: true, want: ["more", null, false] },
  {
    name: "more than it announced",
    text: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok and more",
    want: ["end", 200, false],
  },
  {
    name: "a length nobody can read",
    text: "HTTP/1.1 200 OK\nContent-Length: 2, 3\n\nok",
    want: ["enough", 200, false],
  },
  {
    name: "a body that never ends",
    text: `HTTP/1.1 500 No\n\n${"x".repeat(70_000)}`,
    want: ["enough", 500, false],
  },
  { name: "another protocol", text: "SSH-2.0-OpenSSH_9.6\n", want: ["bad", null, false] },
  { name: "nothing", text: "", fin: true, want: ["more", null, false] },
];

function read({ text, fin }: Case, cuts: readonly number[]): ProbeResponse {
  const answer = new ProbeResponse();
  const all = bytes(text);
  let from = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), all.length]) {
    if (answer.state !== "more") break; // the connection is left then
    answer.feed(all.slice(from, cut));
    from = cut;
  }
  if (fin === true) answer.end();
  return answer;
}

describe("ProbeAnswer", () => {
  test.each(cases)("reads an answer with $name", (one) => {
    const answer = read(one, []);
    expect([answer.state, answer.status, answer.reusable]).toEqual([...one.want]);
  });

  test.each(cases)("reads the same however it is cut: $name", (one) => {
    const cut = fc.array(fc.integer({ min: 0, max: Math.min(bytes(one.text).length, 200) }), { maxLength: 8 });
    fc.assert(
      fc.property(cut, (cuts) => {
        const answer = read(one, cuts);
        expect([answer.state, answer.status]).toEqual([one.want[0], one.want[1]]);
      }),
      { numRuns: 50 },
    );
  });

  test("bytes of any kind end in a state, without a throw", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 16 }), (chunks) => {
        const answer = new ProbeResponse();
        for (const chunk of chunks) answer.feed(chunk);
        answer.end();
        expect(answer.reusable).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  test("is ready for the next answer", () => {
    const answer = new ProbeResponse();
    for (const status of [200, 500, 200]) {
      answer.feed(bytes(`HTTP/1.1 ${status} X\nContent-Length: 2\n\nok`));
      expect([answer.state, answer.status, answer.reusable]).toEqual(["end", status, true]);
      answer.reset();
    }
  });
});
