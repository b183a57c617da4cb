/** What every connection does until it is joined. */
import assert from "node:assert/strict";
import { bytes, type Harness, patternAt, text } from "./harness.ts";
import { type Case, closedAs, pair, pairs, type Seen, textOf } from "./recorder.ts";

const MB = 1_048_576;

export const CONN_CASES: readonly Case[] = [
  {
    name: "carries bytes both ways",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.send(bytes("to the session"));
      await h.until("the session has it", () => seen.inbox.count() === 14);
      assert.equal(textOf(seen), "to the session");
      assert.equal(seen.conn.write(bytes("to the peer")), true);
      await h.until("the peer has it", () => peer.received() === 11);
      assert.equal(text(peer.head()), "to the peer");
    },
  },
  {
    name: "takes a big write whole and says onDrain when it is through",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.stopReading();
      await h.fence();
      const big = pattern(32 * MB);
      assert.equal(seen.conn.write(big), false);
      big.fill(0); // the chunk is the caller's again
      assert.equal(seen.drains, 0);
      peer.startReading();
      await h.until("all arrived", () => peer.received() === 32 * MB);
      assert.ok(peer.patternHolds());
      await h.until("onDrain", () => seen.drains > 0);
      assert.equal(seen.drains, 1);
      assert.equal(seen.conn.write(bytes("more")), true);
      await h.until("the peer has it", () => peer.received() === 32 * MB + 4);
    },
  },
  {
    name: "keeps the order of writes after one that did not fit",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.stopReading();
      await h.fence();
      for (let sent = 0; sent < 8 * MB;) {
        const piece = patternAt(sent, 8 * MB - sent);
        seen.conn.write(piece);
        sent += piece.length;
      }
      seen.conn.finish();
      peer.startReading();
      await h.until("the peer has the end", () => peer.ended());
      assert.equal(peer.received(), 8 * MB);
      assert.ok(peer.patternHolds());
    },
  },
  {
    name: "tells the peer's FIN once and can still write",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.send(bytes("last words"));
      peer.finish();
      await h.until("onEnd", () => seen.ends === 1);
      assert.equal(textOf(seen), "last words");
      seen.conn.write(bytes("answer"));
      await h.until("the answer", () => peer.received() === 6);
      assert.equal(peer.ended(), false);
      seen.conn.finish();
      await closedAs(h, seen, "closed");
      await h.until("the peer is closed", () => peer.ended() && peer.closed() === "closed");
      assert.equal(seen.ends, 1);
    },
  },
  {
    name: "still reads after finish()",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.write(bytes("question"));
      seen.conn.finish();
      await h.until("the peer has the end", () => peer.ended());
      assert.equal(peer.received(), 8);
      peer.stream(3 * MB, () => peer.finish());
      await closedAs(h, seen, "closed");
      assert.equal(seen.inbox.count(), 3 * MB);
      assert.ok(seen.inbox.patternHolds());
    },
  },
  {
    name: "survives finish() called from onEnd",
    async run(h) {
      const { peer, seen } = await pair(h, { onEnd: ({ conn }) => (conn.write(bytes("bye")), conn.finish()) });
      peer.finish();
      await closedAs(h, seen, "closed");
      await h.until("the peer has it", () => peer.ended());
      assert.equal(text(peer.head()), "bye");
    },
  },
  {
    name: "tells the peer's RST",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.reset();
      await closedAs(h, seen, "reset");
      assert.equal(seen.ends, 0);
    },
  },
  {
    name: "tells the peer's RST while paused",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.reset();
      await closedAs(h, seen, "reset");
    },
  },
  {
    name: "tells the peer's RST behind bytes that wait in a paused connection",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.send(bytes("hello"));
      await h.fence();
      peer.reset();
      await closedAs(h, seen, "reset");
      assert.equal(seen.inbox.count(), 0);
    },
  },
  {
    name: "tells the peer's FIN while paused when no byte waits",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.finish();
      await h.until("onEnd", () => seen.ends === 1);
    },
  },
  {
    name: "gives bytes and FIN that came while paused after resume()",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.stream(2 * MB, () => peer.finish());
      await h.fence();
      assert.equal(seen.inbox.count(), 0);
      assert.equal(seen.ends, 0);
      seen.conn.resume();
      assert.equal(seen.inbox.count(), 0, "resume() does not call back before it returned");
      await h.until("onEnd", () => seen.ends === 1);
      assert.equal(seen.inbox.count(), 2 * MB);
      assert.ok(seen.inbox.patternHolds());
    },
  },
  {
    name: "gives nothing more once paused from within onData",
    async run(h) {
      const { peer, seen } = await pair(h, { onData: ({ conn }) => conn.pause() });
      peer.stream(4 * MB);
      await h.until("the first bytes", () => seen.inbox.count() > 0);
      const had = seen.inbox.count();
      await h.fence();
      assert.equal(seen.inbox.count(), had);
      seen.hooks = {};
      seen.conn.resume();
      await h.until("all bytes", () => seen.inbox.count() === 4 * MB);
      assert.ok(seen.inbox.patternHolds());
    },
  },
  {
    name: "takes a bounded amount from a peer while paused",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.stream(100 * MB);
      const taken = await stalls(h, () => peer.taken());
      assert.ok(taken < 40 * MB, `${taken} bytes taken`);
      assert.equal(seen.inbox.count(), 0);
    },
  },
  {
    name: "pauses and resumes in quick succession without losing a byte",
    async run(h) {
      const { peer, seen } = await pair(h, { onData: ({ conn }) => (conn.pause(), conn.resume()) });
      peer.stream(5 * MB, () => peer.finish());
      await h.until("onEnd", () => seen.ends === 1);
      assert.equal(seen.inbox.count(), 5 * MB);
      assert.ok(seen.inbox.patternHolds());
    },
  },
  ...faultCases(),
];

/** Whatever a session throws ends that session alone. */
function faultCases(): Case[] {
  const provoke: Record<
    string,
    (peer: { send(b: Uint8Array): void; finish(): void; startReading(): void }, seen: Seen) => void
  > = {
    onData: (peer) => peer.send(bytes("x")),
    onEnd: (peer) => peer.finish(),
    onDrain: (peer, seen) => (seen.conn.write(pattern(16 * MB)), peer.startReading()),
  };
  return Object.entries(provoke).map(([handler, act]) => ({
    name: `contains a throwing ${handler}`,
    async run(h: Harness) {
      const faults: unknown[] = [];
      h.runtime.onFault((error) => faults.push(error));
      const [broken, other] = await pairs(h);
      assert.ok(broken && other);
      if (handler === "onDrain") broken.peer.stopReading();
      await h.fence();
      const mistake = new Error(`thrown by ${handler}`);
      broken.seen.hooks = { [handler]: () => raise(mistake) };
      act(broken.peer, broken.seen);
      await closedAs(h, broken.seen, "fault");
      assert.deepEqual(faults, [mistake]);
      // libuv shows an RST behind a partial read as the end of the stream
      await h.until("the peer is closed", () => broken.peer.closed() !== "open" || broken.peer.ended());
      other.peer.send(bytes("still here"));
      await h.until("the other one lives", () => other.seen.inbox.count() === 10);
    },
  }));
}

export function raise(error: Error): never {
  throw error;
}

/** The pattern's first bytes in one piece. */
export function pattern(total: number): Uint8Array {
  const whole = new Uint8Array(total);
  for (let at = 0; at < total;) {
    const piece = patternAt(at, total - at);
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Waits until a count has not grown over 20 fences. */
export async function stalls(h: Harness, count: () => number): Promise<number> {
  let last = -1;
  for (let calm = 0; calm < 20; calm++) {
    await h.fence();
    if (count() !== last) calm = 0;
    last = count();
  }
  return last;
}
