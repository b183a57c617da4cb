import { expect, test } from "bun:test";
import { SO, SOL } from "../../../src/runtime/kernel/libc.ts";
import { ARENA_BYTES, readView } from "../../../src/runtime/kernel/memory.ts";
import { close, openPair, otherEnd, receive, setOption } from "../../../src/runtime/kernel/syscalls.ts";
import { QUEUED_BYTES } from "../../../src/runtime/linux/batch.ts";
import { LinuxConn } from "../../../src/runtime/linux/conn.ts";
import { Loop } from "../../../src/runtime/linux/loop.ts";

const TURNS = 1_000;

test.each([{ ring: true }, { ring: false }])(
  "bytes that no longer fit into the turn's batch stay behind those that did (ring: $ring)",
  ({ ring }) => {
    const loop = new Loop(true, ring);
    const fd = openPair();
    const peer = otherEnd();
    setOption(fd, SOL.SOCKET, SO.SNDBUF, 1); // the kernel makes it its least: the first send is cut short
    const conn = new LinuxConn(loop, fd, { ip: "", port: 0 }, null, null);
    conn.startWatching();
    const silent = { fd: -1, sentShort() {} };
    for (let filled = QUEUED_BYTES; filled < ARENA_BYTES; filled += QUEUED_BYTES) {
      loop.batch.send(silent, new Uint8Array(QUEUED_BYTES));
    }
    conn.write(new Uint8Array(QUEUED_BYTES).fill(97));
    conn.write(new Uint8Array(QUEUED_BYTES).fill(98));
    let got = "";
    for (let turn = 0; turn < TURNS && got.length < 2 * QUEUED_BYTES; turn++) {
      const n = receive(peer, QUEUED_BYTES);
      if (n > 0) got += Buffer.from(readView(n)).toString("latin1");
      // before the turn: a later send must not find the room that the earlier one waits for
      loop.batch.enter();
      loop.turn(0);
    }
    expect(got === "a".repeat(QUEUED_BYTES) + "b".repeat(QUEUED_BYTES)).toBe(true);
    loop.close();
    close(peer);
  },
);
