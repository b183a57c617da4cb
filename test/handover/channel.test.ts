/** Two ends of a handover over a real socket pair: messages, byte arrays and descriptors in order, and what goes wrong. */
import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channel } from "../../src/handover/channel.ts";
import { encodeFrame, FrameReader } from "../../src/handover/frames.ts";
import { descriptorPair, DescriptorSocket } from "../../src/runtime/kernel/rights.ts";

interface Said {
  readonly kind: string;
  readonly [key: string]: unknown;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

function ends(): [Channel<Said, Said>, Channel<Said, Said>, number] {
  const [one, fd] = descriptorPair();
  const two = new DescriptorSocket(fd);
  const pair: [Channel<Said, Said>, Channel<Said, Said>, number] = [new Channel(one), new Channel(two), fd];
  cleanups.push(() => (pair[0].close(), pair[1].close()));
  return pair;
}

describe("encodeFrame(), FrameReader", () => {
  const message = {
    kind: "tunnels",
    of: [{ unsent: new Uint8Array([1, 2, 3]), at: "ü" }, { unsent: new Uint8Array(0) }],
    n: null,
  };

  test("give a message back, byte arrays included, however it is cut", () => {
    const frame = encodeFrame(message);
    for (const size of [1, 7, 8, 9, frame.length, frame.length * 2]) {
      const reader = new FrameReader();
      const twice = new Uint8Array([...frame, ...frame]);
      const got: unknown[] = [];
      for (let at = 0; at < twice.length; at += size) {
        reader.push(twice.subarray(at, at + size));
        for (let next = reader.next(); next !== null; next = reader.next()) got.push(next);
      }
      expect(got).toEqual([message, message]);
    }
  });

  test.each([
    ["too long", [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], "at most"],
    ["no JSON", [0, 0, 0, 1, 0, 0, 0, 0, 0x7b], "JSON"],
    ["no kind", [0, 0, 0, 2, 0, 0, 0, 0, 0x7b, 0x7d], "no kind"],
  ])("refuse what is %s", (_what, bytes, why) => {
    const reader = new FrameReader();
    reader.push(new Uint8Array(bytes));
    expect(() => reader.next()).toThrow(why);
  });
});

describe("Channel", () => {
  test("brings messages in order, each with its descriptors, large ones too", async () => {
    const [one, two] = ends();
    const folder = mkdtempSync(join(tmpdir(), "edge-lb-channel-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const fds = Array.from({ length: 250 }, (_, index) => {
      writeFileSync(join(folder, `${index}`), `file ${index}`);
      return openSync(join(folder, `${index}`), "r");
    });
    const bulk = new Uint8Array(3_000_000).fill(7);
    const sent = [
      one.send({ kind: "a" }, fds.slice(0, 2)),
      one.send({ kind: "b", bulk }, fds.slice(2)),
      one.send({ kind: "c" }),
    ];
    const got = [await two.next(5_000), await two.next(5_000), await two.next(5_000)];
    await Promise.all(sent);
    for (const fd of fds) closeSync(fd);
    expect(got.map((each) => each?.message.kind)).toEqual(["a", "b", "c"]);
    expect(got[1]?.message["bulk"]).toEqual(bulk);
    const arrived = got.flatMap((each) => each?.fds ?? []);
    expect(arrived.map((fd) => readFileSync(fd, "utf8"))).toEqual(fds.map((_, index) => `file ${index}`));
    for (const fd of arrived) closeSync(fd);
  });

  test("says when the other side is gone, says nothing, or takes nothing", async () => {
    const [one, two] = ends();
    expect(two.next(30)).rejects.toThrow("said nothing");
    expect(one.send({ kind: "a", bulk: new Uint8Array(4_000_000) }, [], 30)).rejects.toThrow("took nothing");
    await Bun.sleep(100);
    const [three, four, fd] = ends();
    await three.send({ kind: "last words" });
    three.close();
    expect((await four.next(1_000))?.message.kind).toBe("last words");
    expect(await four.next(1_000)).toBeNull();
    expect(four.send({ kind: "a" })).rejects.toThrow("errno 32");
    four.close();
    expect(() => fstatSync(fd)).toThrow();
  });
});
