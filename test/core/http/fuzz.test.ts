import { describe, expect, test } from "bun:test";
import { mutate, play, randomOf, seedStreams, type Stream } from "../../../scripts/fuzz/engine.ts";

/** `npm run fuzz` runs a million and more. */
const STREAMS = 10_000;

function failures(streams: Iterable<Stream>): readonly string[] {
  const found: string[] = [];
  for (const stream of streams) {
    try {
      play(stream);
    } catch (error) {
      found.push(`${String(error)} for ${JSON.stringify(stream)}`);
      if (found.length >= 3) break;
    }
  }
  return found;
}

describe("HttpSession under mutated streams", () => {
  const seeds = seedStreams();

  test("keeps the invariants for the corpus and the seeds", () => {
    expect(failures(seeds)).toEqual([]);
  });

  test("keeps the invariants for mutations of them", () => {
    const random = randomOf(80);
    const streams = function* (): Generator<Stream> {
      for (let i = 0; i < STREAMS; i++) yield mutate(seeds, random);
    };
    expect(failures(streams())).toEqual([]);
  }, 60_000);

  test("gives the client the same however the stream is cut", () => {
    const random = randomOf(81);
    for (let i = 0; i < 2_000; i++) {
      const stream = { ...mutate(seeds, random), answers: ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"] };
      const whole = play({ ...stream, cuts: [0] });
      const cut = play(stream);
      expect({ stream, client: cut.client }).toEqual({ stream, client: whole.client });
    }
  });
});
