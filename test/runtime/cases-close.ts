/** How a connection ends: in order, behind an answer, or at once. */
import assert from "node:assert/strict";
import { pattern } from "./cases-conn.ts";
import { bytes, text } from "./harness.ts";
import { type Case, closedAs, pair } from "./recorder.ts";

const MB = 1_048_576;

export const CLOSE_CASES: readonly Case[] = [
  {
    name: "delivers an answer by closeAfter() though input was never read",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.pause();
      peer.stream(2 * MB, () => peer.finish());
      await h.fence();
      seen.conn.write(bytes("alert"));
      seen.conn.closeAfter(1_000);
      await h.until("the peer has the end", () => peer.ended());
      assert.equal(text(peer.head()), "alert");
      await closedAs(h, seen, "closed");
      await h.until("the peer is closed", () => peer.closed() === "closed");
      assert.equal(seen.inbox.count(), 0);
    },
  },
  {
    name: "delivers a long answer by closeAfter() to a slow reader",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.stopReading();
      await h.fence();
      seen.conn.write(pattern(16 * MB));
      seen.conn.closeAfter(1_000);
      await h.fence();
      assert.deepEqual(seen.closes, []);
      peer.startReading();
      await h.until("the peer has the end", () => peer.ended());
      assert.equal(peer.received(), 16 * MB);
      assert.ok(peer.patternHolds());
      peer.finish();
      await closedAs(h, seen, "closed");
    },
  },
  {
    name: "delivers a long answer by closeAfter() to a reader slower than the linger time",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.stopReading();
      await h.fence();
      seen.conn.write(pattern(32 * MB));
      seen.conn.closeAfter(300);
      for (let want = 4 * MB; want <= 32 * MB; want += 4 * MB) {
        const restUntil = h.runtime.nowMs() + 120;
        await h.until("the reader rested", () => h.runtime.nowMs() >= restUntil);
        peer.startReading();
        await h.until("it has more", () => peer.received() >= want || peer.closed() !== "open");
        peer.stopReading();
      }
      peer.startReading();
      await h.until("the peer has the end", () => peer.ended() || peer.closed() !== "open");
      assert.equal(peer.received(), 32 * MB);
      assert.ok(peer.patternHolds());
      peer.finish();
      await closedAs(h, seen, "closed");
    },
  },
  {
    name: "ends closeAfter() on time when the peer never does",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.write(bytes("alert"));
      const started = h.runtime.nowMs();
      seen.conn.closeAfter(200);
      await closedAs(h, seen, "closed");
      assert.ok(h.runtime.nowMs() - started >= 190);
      assert.equal(text(peer.head()), "alert");
    },
  },
  {
    name: "gives up closeAfter() on a peer that stopped reading",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.stopReading();
      await h.fence();
      seen.conn.write(pattern(16 * MB));
      seen.conn.closeAfter(200);
      await h.until("onClose", () => seen.closes.length === 1);
    },
  },
  {
    name: "sends an RST on destroy(), tells it once and not before it returned",
    async run(h) {
      const { peer, seen } = await pair(h);
      seen.conn.destroy();
      seen.conn.destroy();
      assert.deepEqual(seen.closes, []);
      await closedAs(h, seen, "destroyed");
      await h.until("the peer saw the RST", () => peer.closed() === "reset");
    },
  },
  {
    name: "gives no event but onClose after destroy() in onData",
    async run(h) {
      const { peer, seen } = await pair(h, { onData: ({ conn }) => conn.destroy() });
      peer.stream(MB, () => peer.finish());
      await closedAs(h, seen, "destroyed");
      assert.equal(seen.ends, 0);
    },
  },
  {
    name: "takes every call after the close without harm",
    async run(h) {
      const { peer, seen } = await pair(h);
      peer.reset();
      await closedAs(h, seen, "reset");
      const { conn } = seen;
      conn.write(bytes("x"));
      conn.pause();
      conn.resume();
      conn.finish();
      conn.closeAfter(10);
      conn.destroy();
      await h.fence();
      assert.deepEqual(seen.closes, ["reset"]);
      assert.deepEqual(seen.late, []);
    },
  },
];
