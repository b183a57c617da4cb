/** Connections that the runtime opens. */
import assert from "node:assert/strict";
import type { Conn, ConnEvents } from "../../src/runtime/port.ts";
import type { DialError } from "../../src/seam/mail.ts";
import type { Address } from "../../src/seam/snapshot.ts";
import { pattern, raise } from "./cases-conn.ts";
import { collectFaults } from "./cases-listen.ts";
import { bytes, type Harness, text } from "./harness.ts";
import { type Case, closedAs, dialled, first, type Seen, watch } from "./recorder.ts";

const MB = 1_048_576;

interface Attempt {
  readonly opened: Seen[];
  readonly failed: DialError[];
  readonly cancel: () => void;
}

function attempt(h: Harness, to: Address, timeoutMs = 5_000, sendFirst: Uint8Array | null = null): Attempt {
  const opened: Seen[] = [];
  const failed: DialError[] = [];
  const handle = h.runtime.dial({
    to,
    timeoutMs,
    first: sendFirst,
    onOpen(conn: Conn): ConnEvents {
      const seen = watch(conn);
      opened.push(seen);
      return seen.events;
    },
    onFail: (error) => void failed.push(error),
  });
  assert.equal(opened.length + failed.length, 0, "dial() does not call back before it returned");
  return { opened, failed, cancel: () => handle.cancel() };
}

async function failsAs(h: Harness, kind: "refused" | "timeout" | "unreachable", timeoutMs: number): Promise<void> {
  const to = await h.nowhere(kind);
  assert.ok(to, `no address here for "${kind}"`);
  const started = h.runtime.nowMs();
  const { opened, failed } = attempt(h, to, timeoutMs);
  await h.until("the dial fails", () => failed.length > 0);
  await h.fence();
  assert.deepEqual(failed, [kind]);
  assert.equal(opened.length, 0);
  if (kind === "timeout") assert.ok(h.runtime.nowMs() - started >= timeoutMs - 10);
}

export const DIAL_CASES: readonly Case[] = [
  {
    name: "opens a connection that carries bytes both ways",
    async run(h) {
      const server = await h.node();
      const { peer, seen } = await dialled(h, server);
      assert.deepEqual({ ...seen.conn.remote }, server.at);
      assert.equal(seen.conn.local.ip, "127.0.0.1");
      assert.ok(seen.conn.local.port > 0);
      seen.conn.write(bytes("to the node"));
      await h.until("the node has it", () => peer.received() === 11);
      peer.send(bytes("from the node"));
      await h.until("the session has it", () => seen.inbox.count() === 13);
      peer.finish();
      await h.until("onEnd", () => seen.ends === 1);
      seen.conn.finish();
      await closedAs(h, seen, "closed");
      await h.until("the node is closed", () => peer.ended() && peer.closed() === "closed");
    },
  },
  {
    name: "opens a connection over IPv6",
    async run(h) {
      const server = await h.node("::1");
      const { seen } = await dialled(h, server);
      assert.deepEqual({ ...seen.conn.remote }, server.at);
    },
  },
  {
    name: "sends the first bytes before all others",
    async run(h) {
      const server = await h.node();
      const hello = bytes("hello ");
      const { opened } = attempt(h, server.at, 5_000, hello);
      hello.fill(0); // the chunk is the caller's again
      await h.until("the dial opens", () => opened.length === 1);
      first(opened).conn.write(bytes("world"));
      await h.until("the node has it", () => server.peers[0]?.received() === 11);
      assert.equal(text(first(server.peers).head()), "hello world");
    },
  },
  {
    name: "sends first bytes that do not fit at once",
    async run(h) {
      const server = await h.node("127.0.0.1", false);
      const { opened } = attempt(h, server.at, 5_000, pattern(24 * MB));
      await h.until("the dial opens", () => opened.length === 1 && server.peers.length === 1);
      first(opened).conn.finish();
      first(server.peers).startReading();
      await h.until("the node has it", () => first(server.peers).ended());
      assert.equal(first(server.peers).received(), 24 * MB);
      assert.ok(first(server.peers).patternHolds());
    },
  },
  { name: "fails as refused where nobody listens", run: (h) => failsAs(h, "refused", 5_000) },
  {
    name: "gives the first bytes back to onFail, though the caller's array changed meanwhile",
    async run(h) {
      const to = await h.nowhere("refused");
      assert.ok(to, "no address here that refuses");
      const chunk = bytes("hello");
      const given: (Uint8Array | null)[] = [];
      const onOpen = (): ConnEvents => assert.fail("refused, not opened");
      const onFail = (_: DialError, back: Uint8Array | null): void => void given.push(back);
      h.runtime.dial({ to, timeoutMs: 5_000, first: chunk, onOpen, onFail });
      chunk.fill(0);
      await h.until("the dial fails", () => given.length > 0);
      assert.equal(text(given[0] ?? new Uint8Array(0)), "hello");
    },
  },
  { name: "fails as timeout where nobody answers", run: (h) => failsAs(h, "timeout", 300) },
  { name: "fails as unreachable where no route leads", run: (h) => failsAs(h, "unreachable", 5_000) },
  {
    name: "calls nothing after cancel()",
    async run(h) {
      const server = await h.node();
      const { opened, failed, cancel } = attempt(h, server.at);
      cancel();
      cancel();
      await h.fence();
      await h.until("the node sees it closed, if it saw it", () =>
        server.peers.every((peer) => peer.closed() !== "open" || peer.ended()),
      );
      assert.equal(opened.length + failed.length, 0);
    },
  },
  {
    name: "calls nothing after cancel() of a dial that nobody answers",
    async run(h) {
      const to = await h.nowhere("timeout");
      assert.ok(to);
      const { opened, failed, cancel } = attempt(h, to, 50);
      cancel();
      let over = false;
      h.runtime.timer(150, () => (over = true));
      await h.until("its time is over", () => over);
      assert.equal(opened.length + failed.length, 0);
    },
  },
  {
    name: "leaves an open connection alone on a late cancel()",
    async run(h) {
      const server = await h.node();
      const { opened, cancel } = attempt(h, server.at, 100);
      await h.until("the dial opens", () => opened.length === 1);
      cancel();
      let over = false;
      h.runtime.timer(200, () => (over = true));
      await h.until("its time is over", () => over);
      first(opened).conn.write(bytes("x"));
      await h.until("the node has it", () => server.peers[0]?.received() === 1);
      assert.deepEqual(first(opened).closes, []);
    },
  },
  {
    name: "tells a node that resets at once as an open connection that was reset",
    async run(h) {
      const server = await h.node();
      const { peer, seen } = await dialled(h, server);
      peer.reset();
      await closedAs(h, seen, "reset");
    },
  },
  {
    name: "contains a throwing onOpen",
    async run(h) {
      const faults = collectFaults(h);
      const server = await h.node();
      const mistake = new Error("thrown by onOpen");
      h.runtime.dial({
        to: server.at,
        timeoutMs: 5_000,
        first: null,
        onOpen: () => raise(mistake),
        onFail: () => assert.fail("opened, not failed"),
      });
      await h.until("the fault is told", () => faults.length === 1);
      assert.deepEqual(faults, [mistake]);
      await h.until("the node is closed", () => server.peers.every((peer) => peer.closed() !== "open"));
    },
  },
  {
    name: "contains a throwing onFail",
    async run(h) {
      const faults = collectFaults(h);
      const to = await h.nowhere("refused");
      assert.ok(to);
      const mistake = new Error("thrown by onFail");
      h.runtime.dial({
        to,
        timeoutMs: 5_000,
        first: null,
        onOpen: () => assert.fail("failed, not opened"),
        onFail: () => raise(mistake),
      });
      await h.until("the fault is told", () => faults.length === 1);
      assert.deepEqual(faults, [mistake]);
    },
  },
];
