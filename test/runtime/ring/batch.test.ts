import { afterEach, describe, expect, test } from "bun:test";
import { Batch, OPERATIONS, QUEUED_BYTES, type Sender } from "../../../src/runtime/ring/batch.ts";
import { ERRNO, SO, SOL } from "../../../src/runtime/kernel/libc.ts";
import { ARENA_BYTES, readBuffer, readView } from "../../../src/runtime/kernel/memory.ts";
import { Ring } from "../../../src/runtime/ring/ring.ts";
import { openRing, ringObstacle } from "../../../src/runtime/ring/probe.ts";
import { close, openPair, otherEnd, receive, setOption, waiting } from "../../../src/runtime/kernel/syscalls.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

class TestSender implements Sender {
  readonly fd: number;
  readonly peer: number;
  readonly short: { result: number; rest: string }[] = [];

  constructor() {
    this.fd = openPair();
    this.peer = otherEnd();
    cleanups.push(
      () => close(this.fd),
      () => close(this.peer),
    );
  }

  sentShort(result: number, rest: Uint8Array): void {
    this.short.push({ result, rest: Buffer.from(rest).toString("latin1") });
  }

  /** What arrived at the other end; null: its end. */
  received(): string | null {
    const n = receive(this.peer, QUEUED_BYTES);
    return n === 0 ? null : n < 0 ? "" : Buffer.from(readView(n)).toString("latin1");
  }
}

function opened(): Ring {
  const ring = openRing();
  if (typeof ring === "string") throw new Error(ring);
  return ring;
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("ringObstacle()", () => {
  test("finds that io_uring works where these tests run", () => {
    expect(ringObstacle()).toBeNull();
  });
});

describe.each([
  { way: "a ring", ring: () => opened() },
  { way: "plain calls", ring: () => null },
])("Batch with $way", ({ ring }) => {
  const open = (): Batch => {
    const batch = new Batch(ring());
    cleanups.push(() => batch.dispose());
    return batch;
  };

  test("sends and closes at its end and not before, each descriptor in order", () => {
    const batch = open();
    const [a, b] = [new TestSender(), new TestSender()];
    batch.send(a, bytes("one "));
    batch.send(b, bytes("other"));
    batch.close(b.fd);
    expect([waiting(a.peer), waiting(b.peer)]).toEqual([0, 0]);
    batch.enter();
    expect([a.received(), b.received(), b.received()]).toEqual(["one ", "other", null]);
    expect([a.short, b.short]).toEqual([[], []]);
  });

  test("makes one send of two in a row, also of what was read", () => {
    const batch = open();
    const [a, b] = [new TestSender(), new TestSender()];
    batch.send(b, bytes("-"));
    batch.send(a, bytes("head "));
    readBuffer.set(bytes("body"));
    batch.forward(a, 4);
    readBuffer.set(bytes("????"));
    batch.enter();
    expect(a.received()).toBe("head body");
  });

  test("tells a sender what was not taken, and goes on with the others", () => {
    const batch = open();
    const [slow, gone, well] = [new TestSender(), new TestSender(), new TestSender()];
    setOption(slow.fd, SOL.SOCKET, SO.SNDBUF, 1);
    close(gone.peer);
    const sent = "x".repeat(QUEUED_BYTES - 1) + "y";
    batch.send(slow, bytes(sent));
    batch.send(gone, bytes("lost"));
    batch.send(well, bytes("well"));
    batch.send(slow, bytes("again"));
    batch.enter();
    const taken = waiting(slow.peer);
    expect(taken).toBeGreaterThan(0);
    expect(slow.short).toEqual([
      { result: taken, rest: sent.slice(taken) },
      { result: -ERRNO.EAGAIN, rest: "again" },
    ]);
    expect(gone.short).toEqual([{ result: -ERRNO.EPIPE, rest: "lost" }]);
    expect(well.received()).toBe("well");
  });

  test("a sender in the list of the last round is in no later one", () => {
    const batch = open();
    const [a, b] = [new TestSender(), new TestSender()];
    const { round } = batch;
    batch.send(a, bytes("1"));
    expect([batch.endsWith(a), batch.endsWith(b), batch.round]).toEqual([true, false, round]);
    batch.enter();
    expect([batch.endsWith(a), batch.round]).toEqual([false, round + 1]);
    batch.enter();
    expect(batch.round).toBe(round + 1);
  });

  test("does what it has when there is no room for more", () => {
    const batch = open();
    const senders = Array.from({ length: ARENA_BYTES / QUEUED_BYTES + 1 }, () => new TestSender());
    for (const sender of senders) batch.send(sender, new Uint8Array(QUEUED_BYTES).fill(65));
    expect(senders.map(({ peer }) => waiting(peer))).toEqual(
      senders.map((_, i) => (i < senders.length - 1 ? QUEUED_BYTES : 0)),
    );
    batch.enter();
    const two = [new TestSender(), new TestSender()];
    for (let i = 0; i <= OPERATIONS; i++) batch.send(two[i % 2]!, bytes("z"));
    expect(waiting(two[0]!.peer) + waiting(two[1]!.peer)).toBe(OPERATIONS);
    batch.enter();
    expect(waiting(two[0]!.peer) + waiting(two[1]!.peer)).toBe(OPERATIONS + 1);
  });

  test("hasRoom() says whether a send can be added before the others are done, also to the last one", () => {
    const batch = open();
    const sender = new TestSender();
    expect(batch.hasRoom(ARENA_BYTES)).toBe(true);
    expect(batch.hasRoom(ARENA_BYTES + 1)).toBe(false);
    batch.send(sender, bytes("one"));
    expect([batch.hasRoom(ARENA_BYTES - 3), batch.hasRoom(ARENA_BYTES - 2)]).toEqual([true, false]);
    for (let i = 1; i < OPERATIONS; i++) batch.send(new TestSender(), bytes("z"));
    expect(batch.hasRoom(1)).toBe(false);
    batch.enter();
    expect(batch.hasRoom(ARENA_BYTES)).toBe(true);
  });

  test("goes on with plain calls after its end", () => {
    const batch = open();
    const [a, b] = [new TestSender(), new TestSender()];
    batch.send(a, bytes("1"));
    batch.dispose();
    batch.send(a, bytes("2"));
    batch.send(b, bytes("3"));
    batch.enter();
    expect([a.received(), b.received()]).toEqual(["12", "3"]);
  });
});

describe("Batch with a ring that fails", () => {
  test.each([
    { name: "in the middle", done: 1, want: [0, 1, 1] as number[] },
    { name: "wholly", done: 0, want: [1, 1, 1] as number[] },
  ])("$name: what was not begun is done with plain calls, and what comes later too", ({ done, want }) => {
    const ring = opened();
    const batch = new Batch(Object.create(ring, { submit: { value: () => done } }) as Ring);
    cleanups.push(() => batch.dispose());
    const senders = [new TestSender(), new TestSender(), new TestSender()];
    for (const sender of senders) batch.send(sender, bytes("k"));
    batch.enter();
    expect(senders.map(({ peer }) => waiting(peer))).toEqual(want);
    const last = senders[2]!;
    batch.send(last, bytes("k"));
    batch.enter();
    expect(waiting(last.peer)).toBe(2);
  });
});
