import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { AF } from "../../../src/runtime/kernel/libc.ts";
import { closeSocket, listenSocket } from "../../../src/runtime/kernel/listen-socket.ts";
import { ARRIVAL_BYTES, ARRIVALS } from "../../../src/runtime/kernel/memory.ts";
import { bytesAt, destinationSlot } from "../../../src/runtime/kernel/sockaddr.ts";
import {
  accept,
  close,
  connect,
  openSocket,
  receive,
  resetAtClose,
  sendChunk,
  shutdownWrite,
  waiting,
} from "../../../src/runtime/kernel/syscalls.ts";
import { LinuxConn } from "../../../src/runtime/linux/conn.ts";
import { Loop } from "../../../src/runtime/linux/loop.ts";
import type { CloseCause } from "../../../src/runtime/port.ts";

const LIMIT_MS = 5_000;

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** A connection of the loop, what its session saw, and the descriptor of its peer. */
class Meeting {
  readonly conn: LinuxConn;
  readonly peer: number;
  text = "";
  ended = false;
  cause: CloseCause | null = null;

  constructor(loop: Loop) {
    const at = { ip: "127.0.0.1", port: 0 };
    const listener = listenSocket(at, { deferAccept: false });
    this.peer = openSocket(AF.INET);
    const slot = destinationSlot(at.ip, listener.port);
    connect(this.peer, slot, bytesAt(slot));
    this.conn = new LinuxConn(loop, accept(listener.fd), { ip: "127.0.0.1", port: 1 }, null, null);
    closeSocket(listener.fd);
    this.conn.serve({
      onData: (chunk) => void (this.text += Buffer.from(chunk).toString("latin1")),
      onEnd: () => void (this.ended = true),
      onDrain() {},
      onClose: (cause) => void (this.cause = cause),
    });
    this.conn.startWatching();
  }

  say(text: string): number {
    return sendChunk(this.peer, Buffer.from(text, "latin1"), 0);
  }

  reset(): void {
    resetAtClose(this.peer);
    close(this.peer);
  }
}

function openLoop(ring: boolean): Loop {
  const loop = new Loop(true, ring);
  cleanups.push(() => loop.close());
  return loop;
}

function turnUntil(loop: Loop, done: () => boolean): void {
  const until = performance.now() + LIMIT_MS;
  while (!done() && performance.now() < until) loop.turn(10);
}

const ringsOpen = (): number[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[io_uring]" ? [Number(fd)] : [];
    } catch {
      return []; // the folder itself, gone again
    }
  });

describe.each([
  { way: "a ring", ring: true },
  { way: "plain calls", ring: false },
])("a connection with $way", ({ ring }) => {
  test.each([
    { when: "before it was watched", turns: 0 },
    { when: "later", turns: 1 },
  ])("hears of a reset that came with the last bytes, after them: $when", ({ turns }) => {
    const loop = openLoop(ring);
    const all = Array.from({ length: 20 }, () => new Meeting(loop));
    for (let turn = 0; turn < turns; turn++) loop.turn(0);
    for (const meeting of all) {
      meeting.say("last words");
      meeting.reset();
    }
    turnUntil(loop, () => all.every(({ cause }) => cause !== null));
    expect(all.map(({ text, ended, cause }) => ({ text, ended, cause }))).toEqual(
      all.map(() => ({ text: "last words", ended: false, cause: "reset" })),
    );
  });

  test("what a paused session does not read stays with its peer", () => {
    const loop = openLoop(ring);
    const meeting = new Meeting(loop);
    loop.turn(0);
    meeting.conn.pause();
    const piece = "x".repeat(65_536);
    let said = 0;
    for (let turn = 0; turn < 1_000; turn++) {
      const n = meeting.say(piece);
      if (n > 0) said += n;
      loop.turn(0);
      if (n <= 0) break;
    }
    expect(meeting.text).toBe("");
    expect(waiting(meeting.conn.fd)).toBeGreaterThan(0);
    meeting.conn.resume();
    turnUntil(loop, () => meeting.text.length === said);
    expect(meeting.text.length).toBe(said);
    close(meeting.peer);
  });

  test("a paused session hears of a reset after bytes and a FIN that it has not read", () => {
    const loop = openLoop(ring);
    const meeting = new Meeting(loop);
    loop.turn(0);
    meeting.conn.pause();
    meeting.say("unread");
    shutdownWrite(meeting.peer);
    for (let turn = 0; turn < 3; turn++) loop.turn(10);
    meeting.reset();
    turnUntil(loop, () => meeting.cause !== null);
    expect([meeting.text, meeting.cause]).toEqual(["", "reset"]);
  });

  test("more of them speak at once than there are buffers, and each says more than one holds", () => {
    const loop = openLoop(ring);
    const all = Array.from({ length: 2 * ARRIVALS }, () => new Meeting(loop));
    loop.turn(0);
    const word = (i: number): string => String(i).padStart(3, "0").repeat(ARRIVAL_BYTES);
    for (const [i, meeting] of all.entries()) meeting.say(word(i));
    turnUntil(loop, () => all.every(({ text }) => text.length === 3 * ARRIVAL_BYTES));
    expect(all.every(({ text }, i) => text === word(i))).toBe(true);
    // and go on
    for (const meeting of all) meeting.say("more");
    turnUntil(loop, () => all.every(({ text }) => text.endsWith("more")));
    expect(all.filter(({ text }) => !text.endsWith("more"))).toEqual([]);
    for (const { peer } of all) close(peer);
  });

  test("closes with what arrived unread, and its peer hears the end", () => {
    const loop = openLoop(ring);
    const meeting = new Meeting(loop);
    loop.turn(0);
    meeting.conn.pause();
    meeting.say("unread");
    loop.turn(0);
    meeting.conn.closeAfter(0);
    turnUntil(loop, () => meeting.cause !== null);
    loop.turn(0);
    expect(receive(meeting.peer, 100)).toBe(0);
    close(meeting.peer);
  });
});

test("goes on with epoll when the ring breaks", () => {
  const before = new Set(ringsOpen());
  const loop = openLoop(true);
  const meetings = [new Meeting(loop), new Meeting(loop)] as const;
  loop.turn(0);
  for (const meeting of meetings) meeting.say("one ");
  turnUntil(loop, () => meetings.every(({ text }) => text !== ""));
  for (const fd of ringsOpen()) if (!before.has(fd)) close(fd);
  for (const meeting of meetings) meeting.conn.write(Buffer.from("answer"));
  loop.turn(0);
  for (const meeting of meetings) meeting.say("two");
  turnUntil(loop, () => meetings.every(({ text }) => text.length > 4));
  expect(meetings.map(({ text }) => text)).toEqual(["one two", "one two"]);
  expect(meetings.map(({ peer }) => receive(peer, 100))).toEqual([6, 6]);
  for (const { peer } of meetings) close(peer);
});
