/** Moving a known number of bytes from one connection to another. */
import assert from "node:assert/strict";
import { pattern, raise, stalls } from "./cases-conn.ts";
import { collectFaults } from "./cases-listen.ts";
import { bytes, type Harness, text } from "./harness.ts";
import { type Case, closedAs, type Ends, textOf, unjoined } from "./recorder.ts";

const MB = 1_048_576;

interface Moving {
  progress: number;
  calls: number;
  done: number;
}

/** Passes from the client to the node. */
function pass(h: Harness, { client, node }: Ends, count: number, then: () => void = () => {}): Moving {
  const moving: Moving = { progress: 0, calls: 0, done: 0 };
  h.runtime.pass(client.seen.conn, node.seen.conn, {
    bytes: count,
    onProgress(bytes) {
      assert.equal(moving.done, 0, "no progress after onDone");
      moving.progress += bytes;
      moving.calls++;
    },
    onDone() {
      assert.equal(moving.progress, count, "progress sums up before onDone");
      moving.done++;
      then();
    },
  });
  assert.equal(moving.done, 0, "pass() does not call back before it returned");
  return moving;
}

export const PASS_CASES: readonly Case[] = [
  {
    name: "moves exactly the bytes asked for and gives the rest to onData",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 10);
      ends.client.peer.send(bytes("0123456789the rest"));
      await h.until("onDone", () => moving.done === 1);
      await h.until("the rest", () => ends.client.seen.inbox.count() === 8);
      assert.equal(textOf(ends.client.seen), "the rest");
      await h.until("the node has its part", () => ends.node.peer.received() === 10);
      assert.equal(text(ends.node.peer.head()), "0123456789");
      ends.client.peer.send(bytes("!"));
      await h.until("more", () => ends.client.seen.inbox.count() === 9);
      assert.equal(ends.node.peer.received(), 10);
    },
  },
  {
    name: "holds the rest back while the session is paused by onDone",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 4, () => ends.client.seen.conn.pause());
      ends.client.peer.send(bytes("bodynext"));
      await h.until("onDone", () => moving.done === 1);
      await h.fence();
      assert.equal(ends.client.seen.inbox.count(), 0);
      ends.client.seen.conn.resume();
      await h.until("the rest", () => ends.client.seen.inbox.count() === 4);
      assert.equal(textOf(ends.client.seen), "next");
    },
  },
  {
    name: "moves bytes that a paused connection already holds, and lifts the pause",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.seen.conn.pause();
      ends.client.peer.send(bytes("bodynext"));
      await h.fence();
      const moving = pass(h, ends, 4);
      await h.until("onDone", () => moving.done === 1);
      await h.until("the rest", () => ends.client.seen.inbox.count() === 4);
      assert.equal(textOf(ends.client.seen), "next");
      assert.equal(text(ends.node.peer.head()), "body");
    },
  },
  {
    name: "can be asked for again from onDone, with bytes that are already here",
    async run(h) {
      const ends = await unjoined(h);
      let second: Moving | null = null;
      pass(h, ends, 4, () => (second = pass(h, ends, 4)));
      ends.client.peer.send(bytes("onceagainrest"));
      await h.until("the rest", () => ends.client.seen.inbox.count() === 5);
      assert.equal(textOf(ends.client.seen), "nrest");
      assert.equal((second as Moving | null)?.done, 1);
      await h.until("the node has both", () => ends.node.peer.received() === 8);
      assert.equal(text(ends.node.peer.head()), "onceagai");
    },
  },
  {
    name: "can be asked for from within onData",
    async run(h) {
      const ends = await unjoined(h);
      let moving: Moving | null = null;
      ends.client.seen.hooks = {
        onData: (_seen, chunk) => {
          if (moving !== null) return;
          ends.node.seen.conn.write(chunk);
          moving = pass(h, ends, 3 * MB);
        },
      };
      const body = pattern(3 * MB + 2);
      ends.client.peer.send(body.subarray(0, 2));
      await h.until("the head arrived", () => ends.client.seen.inbox.count() === 2);
      ends.client.peer.send(body.subarray(2));
      await h.until("onDone", () => (moving as Moving | null)?.done === 1);
      await h.until("the node has it", () => ends.node.peer.received() === body.length);
      assert.ok(ends.node.peer.patternHolds());
    },
  },
  {
    name: "passes a body to a slow reader with bounded memory",
    async run(h) {
      const ends = await unjoined(h, false);
      const moving = pass(h, ends, 80 * MB);
      ends.client.peer.stream(80 * MB);
      const taken = await stalls(h, () => ends.client.peer.taken());
      assert.ok(taken < 50 * MB, `${taken} bytes taken`);
      assert.equal(moving.done, 0);
      assert.equal(ends.node.seen.conn.full, true);
      ends.node.peer.startReading();
      await h.until("onDone", () => moving.done === 1);
      await h.until("the node has it", () => ends.node.peer.received() === 80 * MB);
      assert.ok(ends.node.peer.patternHolds());
      assert.equal(ends.node.seen.conn.full, false);
      assert.equal(ends.node.seen.drains, 0, "the drain belonged to the pass");
      assert.equal(ends.node.seen.conn.write(bytes("next")), true);
    },
  },
  {
    name: "passes both ways at once",
    async run(h) {
      const ends = await unjoined(h);
      const up = pass(h, ends, 5 * MB);
      const down = pass(h, { client: ends.node, node: ends.client }, 6 * MB);
      ends.client.peer.stream(5 * MB);
      ends.node.peer.stream(6 * MB);
      await h.until("both are done", () => up.done === 1 && down.done === 1);
      await h.until("all arrived", () => ends.client.peer.received() + ends.node.peer.received() === 11 * MB);
      assert.ok(ends.client.peer.patternHolds() && ends.node.peer.patternHolds());
    },
  },
  {
    name: "tells progress while it moves",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 1_000);
      ends.client.peer.send(new Uint8Array(400));
      await h.until("some progress", () => moving.progress === 400);
      ends.client.peer.send(new Uint8Array(600));
      await h.until("onDone", () => moving.done === 1);
    },
  },
  {
    name: "ends without onDone when the source finishes early",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 1_000);
      ends.client.peer.send(bytes("too little"));
      ends.client.peer.finish();
      await h.until("onEnd", () => ends.client.seen.ends === 1);
      assert.equal(moving.done, 0);
      assert.equal(moving.progress, 10);
      ends.node.seen.conn.finish();
      await h.until("the node has what came", () => ends.node.peer.ended());
      assert.equal(text(ends.node.peer.head()), "too little");
    },
  },
  {
    name: "ends without onDone when the source is reset",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 1_000);
      ends.client.peer.send(bytes("too little"));
      await h.until("the node has it", () => ends.node.peer.received() === 10);
      ends.client.peer.reset();
      await closedAs(h, ends.client.seen, "reset");
      assert.equal(moving.done, 0);
      assert.deepEqual(ends.node.seen.closes, [], "the other one is the session's business");
      assert.equal(ends.node.seen.conn.write(bytes("x")), true);
    },
  },
  {
    name: "ends without onDone when the sink is reset, and shows the session no byte of the body",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 10 * MB);
      ends.client.peer.stream(MB);
      await h.until("the node has it", () => ends.node.peer.received() === MB);
      ends.node.peer.reset();
      await closedAs(h, ends.node.seen, "reset");
      ends.client.peer.stream(MB);
      await h.fence();
      assert.equal(moving.done, 0);
      assert.equal(ends.client.seen.inbox.count(), 0);
      assert.deepEqual(ends.client.seen.closes, []);
      ends.client.seen.conn.destroy();
      await closedAs(h, ends.client.seen, "destroyed");
    },
  },
  {
    name: "tells the sink's FIN while it moves",
    async run(h) {
      const ends = await unjoined(h);
      const moving = pass(h, ends, 100);
      ends.node.peer.finish();
      await h.until("onEnd of the sink", () => ends.node.seen.ends === 1);
      ends.client.peer.send(new Uint8Array(100));
      await h.until("onDone", () => moving.done === 1);
    },
  },
  {
    name: "can be given up by closeAfter() of the source",
    async run(h) {
      const ends = await unjoined(h);
      pass(h, ends, 10 * MB);
      ends.client.peer.stream(MB);
      await h.until("the node has it", () => ends.node.peer.received() === MB);
      ends.client.seen.conn.write(bytes("413"));
      ends.client.seen.conn.closeAfter(1_000);
      ends.client.peer.stream(MB, () => ends.client.peer.finish());
      await closedAs(h, ends.client.seen, "closed");
      assert.equal(text(ends.client.peer.head()), "413");
      assert.equal(ends.node.peer.received(), MB);
    },
  },
  {
    name: "is no fault when one of them broke and the session does not know yet",
    async run(h) {
      const faults = collectFaults(h);
      for (const broken of ["client", "node"] as const) {
        const ends = await unjoined(h);
        ends[broken].seen.conn.destroy();
        const moving = pass(h, ends, 100);
        ends.client.peer.send(new Uint8Array(10));
        await closedAs(h, ends[broken].seen, "destroyed");
        await h.fence();
        assert.deepEqual([moving.done, ends.client.seen.inbox.count()], [0, 0]);
        ends[broken === "client" ? "node" : "client"].seen.conn.destroy();
      }
      assert.deepEqual(faults, []);
    },
  },
  {
    name: "contains a throwing onDone: both connections end",
    async run(h) {
      const faults = collectFaults(h);
      const ends = await unjoined(h);
      const mistake = new Error("thrown by onDone");
      pass(h, ends, 4, () => raise(mistake));
      ends.client.peer.send(bytes("body"));
      await closedAs(h, ends.client.seen, "fault");
      await closedAs(h, ends.node.seen, "fault");
      assert.deepEqual(faults, [mistake]);
    },
  },
];
