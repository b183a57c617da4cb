import { describe, expect, test } from "bun:test";
import { SO, SOL } from "../../../src/runtime/kernel/libc.ts";
import { ARENA_BYTES, readView } from "../../../src/runtime/kernel/memory.ts";
import { close, openPair, otherEnd, receive, setOption } from "../../../src/runtime/kernel/syscalls.ts";
import { QUEUED_BYTES } from "../../../src/runtime/ring/batch.ts";
import { LinuxConn } from "../../../src/runtime/linux/conn.ts";
import { Loop } from "../../../src/runtime/linux/loop.ts";

const TURNS = 1_000;

/** What a connection writes while others' sends of this turn leave `room` bytes, as its peer reads it. */
function written(ring: boolean, room: number, chunks: readonly Uint8Array[]): string {
  const loop = new Loop(true, ring);
  const fd = openPair();
  const peer = otherEnd();
  setOption(fd, SOL.SOCKET, SO.SNDBUF, 1); // the kernel makes it its least: a large send is cut short
  const conn = new LinuxConn(loop, fd, { ip: "", port: 0 }, null, null);
  conn.startWatching();
  const silent = { fd: -1, sentShort() {} };
  for (let left = ARENA_BYTES - room; left > 0; left -= QUEUED_BYTES) {
    loop.batch.send(silent, new Uint8Array(Math.min(left, QUEUED_BYTES)));
  }
  for (const chunk of chunks) conn.write(chunk);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let got = "";
  for (let turn = 0; turn < TURNS && got.length < length; turn++) {
    const n = receive(peer, QUEUED_BYTES);
    if (n > 0) got += Buffer.from(readView(n)).toString("latin1");
    // before the turn: a later send must not find the room that the earlier one waits for
    loop.batch.enter();
    loop.turn(0);
  }
  loop.close();
  close(peer);
  return got;
}

const chunk = (letter: string, bytes: number): Uint8Array => new Uint8Array(bytes).fill(letter.charCodeAt(0));

describe.each([{ ring: true }, { ring: false }])("bytes stay in their order (ring: $ring)", ({ ring }) => {
  test.each([
    ["the second no longer fits into the batch", QUEUED_BYTES, [chunk("a", QUEUED_BYTES), chunk("b", QUEUED_BYTES)]],
    ["the first did not, and the second goes by itself", 0, [chunk("a", 8), chunk("b", QUEUED_BYTES + 1)]],
  ])("%s", (_, room, chunks) => {
    const expected = chunks.map((bytes) => Buffer.from(bytes).toString("latin1")).join("");
    expect(written(ring, room, chunks) === expected).toBe(true);
  });
});
