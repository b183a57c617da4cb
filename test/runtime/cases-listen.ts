/** Listeners, timers, mail and the end of a runtime. */
import assert from "node:assert/strict";
import { EdgeError } from "../../src/errors.ts";
import { raise } from "./cases-conn.ts";
import { bytes } from "./harness.ts";
import { accepting, type Case, closedAs, first, listenSpec, LOCAL, nth, pair, watch } from "./recorder.ts";

/** Until a runtime rests at the latest, and how long its work is measured then. */
const SETTLED_MS = 1_000;
const SHORT_MS = 1_000;
const CROWD = 8;

export const LISTEN_CASES: readonly Case[] = [
  {
    name: "shows where it listens and who connects",
    async run(h) {
      const { at, seen } = accepting(h);
      assert.equal(at.ip, "127.0.0.1");
      assert.ok(at.port > 0);
      const peer = h.client(at);
      await h.until("the client is accepted", () => seen.length === 1);
      const { conn } = first(seen);
      await h.until("the client knows its address", () => peer.local().port > 0);
      const address = peer.local();
      assert.deepEqual({ ...conn.remote }, address);
      assert.deepEqual({ ...conn.local }, { ...at });
      peer.reset();
      await closedAs(h, first(seen), "reset");
      assert.deepEqual({ ...conn.remote }, address, "still known after the close");
    },
  },
  {
    name: "listens on both families for an empty address and shows IPv4 as IPv4",
    async run(h) {
      const { at, seen } = accepting(h, {}, { ip: "", port: 0 });
      h.client({ ip: "127.0.0.1", port: at.port });
      await h.until("the first is accepted", () => seen.length === 1);
      h.client({ ip: "::1", port: at.port });
      await h.until("the second is accepted", () => seen.length === 2);
      assert.deepEqual(
        seen.map(({ conn }) => conn.remote.ip),
        ["127.0.0.1", "::1"],
      );
      assert.deepEqual(
        seen.map(({ conn: { local } }) => ({ ip: local.ip, port: local.port })),
        [
          { ip: "127.0.0.1", port: at.port },
          { ip: "::1", port: at.port },
        ],
      );
    },
  },
  {
    name: "listens on one IPv6 address",
    async run(h) {
      const { at, seen } = accepting(h, {}, { ip: "::1", port: 0 });
      assert.equal(at.ip, "::1");
      const peer = h.client(at);
      await h.until("the client is accepted", () => seen.length === 1);
      peer.send(bytes("six"));
      await h.until("bytes arrive", () => first(seen).inbox.count() === 3);
    },
  },
  {
    name: "names an address that is in use",
    async run(h) {
      const { at } = accepting(h);
      const failed = thrownBy(() => h.runtime.listen(listenSpec(at), raiseOnAccept));
      assert.equal(failed.code, "LISTEN_FAILED");
      assert.equal(failed.message, `Cannot listen on 127.0.0.1:${at.port}: address in use`);
    },
  },
  {
    name: "names a wildcard address that is in use by its port alone",
    async run(h) {
      const { at } = accepting(h, {}, { ip: "", port: 0 });
      const failed = thrownBy(() => h.runtime.listen(listenSpec({ ip: "", port: at.port }), raiseOnAccept));
      assert.equal(failed.message, `Cannot listen on :${at.port}: address in use`);
    },
  },
  {
    name: "names an address that this machine does not have",
    async run(h) {
      const failed = thrownBy(() => h.runtime.listen(listenSpec({ ip: "192.0.2.123", port: 7 }), raiseOnAccept));
      assert.equal(failed.code, "LISTEN_FAILED");
      assert.equal(failed.message, "Cannot listen on 192.0.2.123:7: this machine does not have that address");
    },
  },
  {
    name: "refuses clients after close() and keeps the open ones",
    async run(h) {
      const { at, seen, listener } = accepting(h);
      const open = h.client(at);
      await h.until("the client is accepted", () => seen.length === 1);
      listener.close();
      listener.close();
      await h.fence();
      const late = h.client(at);
      await h.until("the late client is refused", () => late.closed() !== "open");
      open.send(bytes("alive"));
      await h.until("the open one lives", () => first(seen).inbox.count() === 5);
      assert.equal(seen.length, 1);
    },
  },
  {
    name: "can listen again on the same address after close()",
    async run(h) {
      const { at, seen, listener } = accepting(h);
      h.client(at);
      await h.until("the client is accepted", () => seen.length === 1);
      listener.close();
      await h.fence();
      const again = accepting(h, {}, at);
      h.client(at);
      await h.until("the second client is accepted", () => again.seen.length === 1);
    },
  },
  {
    name: "gives no session to clients while paused and serves them after resume()",
    async run(h) {
      const { at, seen, listener } = accepting(h);
      listener.pause();
      listener.pause();
      const peer = h.client(at);
      peer.send(bytes("early"));
      await h.fence();
      assert.equal(seen.length, 0);
      listener.resume();
      await h.until("the client is served", () => seen.length === 1 && first(seen).inbox.count() === 5);
      h.client(at);
      await h.until("the next as well", () => seen.length === 2);
    },
  },
  {
    name: "can be paused from within onAccept",
    async run(h) {
      let most = 0;
      const { listener, at } = acceptingWith(h, (conn) => {
        listener.pause();
        most++;
        return watch(conn).events;
      });
      for (let count = 0; count < 5; count++) h.client(at);
      await h.until("one is accepted", () => most > 0);
      await h.fence();
      assert.equal(most, 1);
      for (let count = 2; count <= 5; count++) {
        listener.resume();
        await h.until(`${count} are accepted`, () => most === count);
      }
    },
  },
  {
    name: "serves many short connections and leaves no socket behind",
    async run(h) {
      const { at, seen } = accepting(h, { onData: ({ conn }, chunk) => (conn.write(chunk), conn.finish()) });
      let before: number | null = null;
      for (let round = 0; round < 20; round++) {
        const peers = Array.from({ length: 20 }, () => h.client(at));
        for (const peer of peers) peer.send(bytes("ping"));
        await h.until("all are answered", () => peers.every((peer) => peer.ended()));
        for (const peer of peers) peer.finish();
        await h.until("all are closed", () => seen.every(({ closes }) => closes.length === 1));
        await h.until("all clients are gone", () => peers.every((peer) => peer.closed() === "closed"));
        if (round === 0) before = h.sockets();
      }
      assert.equal(seen.length, 400);
      // the first round warmed up; one more round's worth would be a leak
      await h.until("the sockets are given back", () => (h.sockets() ?? 0) <= (before ?? 0));
    },
  },
  {
    name: "contains a throwing onAccept",
    async run(h) {
      const faults = collectFaults(h);
      const mistake = new Error("thrown by onAccept");
      let calls = 0;
      const { at } = acceptingWith(h, (conn) => (calls++ === 0 ? raise(mistake) : watch(conn).events));
      const peer = h.client(at);
      await h.until("the client is closed", () => peer.closed() !== "open");
      assert.deepEqual(faults, [mistake]);
      h.client(at);
      await h.until("the next one is served", () => calls === 2);
    },
  },
  {
    name: "contains a throwing onClose",
    async run(h) {
      const faults = collectFaults(h);
      const mistake = new Error("thrown by onClose");
      const { peer, seen } = await pair(h, { onClose: () => raise(mistake) });
      peer.reset();
      await closedAs(h, seen, "reset");
      assert.deepEqual(faults, [mistake]);
    },
  },
  {
    name: "fires timers in order and never early",
    async run(h) {
      const fired: string[] = [];
      const started = h.runtime.nowMs();
      const waits: number[] = [];
      const note = (name: string, ms: number): void => {
        h.runtime.timer(ms, () => (fired.push(name), waits.push(h.runtime.nowMs() - started - ms)));
      };
      note("c", 60);
      note("a", 0);
      note("b", 30);
      assert.deepEqual(fired, [], "not before timer() returned");
      await h.until("all fired", () => fired.length === 3);
      assert.deepEqual(fired, ["a", "b", "c"]);
      assert.ok(
        waits.every((late) => late > -2),
        `late by ${waits.join()}`,
      );
    },
  },
  {
    name: "does not fire a timer that was cancelled",
    async run(h) {
      let fired = 0;
      const cancelled = h.runtime.timer(20, () => fired++);
      cancelled.cancel();
      cancelled.cancel();
      let done = false;
      const last = h.runtime.timer(60, () => (done = true));
      await h.until("the later timer", () => done);
      assert.equal(fired, 0);
      last.cancel();
    },
  },
  {
    name: "contains a throwing timer",
    async run(h) {
      const faults = collectFaults(h);
      const mistake = new Error("thrown by timer");
      let later = false;
      h.runtime.timer(1, () => raise(mistake));
      h.runtime.timer(20, () => (later = true));
      await h.until("the later timer", () => later);
      assert.deepEqual(faults, [mistake]);
    },
  },
  {
    name: "has a clock that runs forward and a wall clock in milliseconds",
    async run(h) {
      const before = h.runtime.nowMs();
      let fired = false;
      h.runtime.timer(10, () => (fired = true));
      await h.until("the timer", () => fired);
      assert.ok(h.runtime.nowMs() >= before + 8);
      assert.ok(h.runtime.wallMs() > 1_500_000_000_000);
    },
  },
  {
    name: "passes mail both ways and contains a throwing handler",
    async run(h) {
      const faults = collectFaults(h);
      const got: string[] = [];
      h.runtime.onMail((mail) => {
        got.push(mail.kind);
        if (mail.kind === "stop") throw new Error("thrown by onMail");
      });
      h.deliver({ kind: "stop", afterMs: 1 });
      h.deliver({ kind: "log-taken", batches: 2 });
      await h.until("both arrived", () => got.length === 2);
      assert.deepEqual(got, ["stop", "log-taken"]);
      assert.equal(faults.length, 1);
      h.runtime.post({ kind: "stopped" });
      await h.until("control has it", () => h.posted().length === 1);
      assert.deepEqual(first(h.posted()), { kind: "stopped" });
    },
  },
  {
    name: "A9: rests while no descriptor is free, and serves once some are",
    async run(h) {
      const faults = collectFaults(h);
      const { at, seen } = accepting(h);
      const short = h.shortage();
      if (short === null) return;
      try {
        short.connect(at, CROWD);
        const startMs = performance.now();
        await h.until("a moment has passed", () => performance.now() - startMs > SETTLED_MS);
        const before = process.cpuUsage();
        await h.until("another has passed", () => performance.now() - startMs > SETTLED_MS + SHORT_MS);
        const { user, system } = process.cpuUsage(before);
        assert.ok(seen.length < CROWD, "one or the other may come in where something else was closed");
        assert.ok((user + system) / 1_000 < SHORT_MS * 0.4, `${(user + system) / 1_000} ms of ${SHORT_MS} at work`);
      } finally {
        await short.end();
      }
      const before = seen.length;
      let peer = h.client(at);
      await h.until("listening again", () => {
        if (peer.closed() !== "open") peer = h.client(at);
        return seen.length > before;
      });
      // some are free again before the engine asks again
      for (const fault of faults) assert.match(String(fault), /^AcceptError: Cannot accept at /);
    },
  },
  {
    name: "ends everything on stop()",
    async run(h) {
      const { at, seen } = accepting(h);
      const peers = [h.client(at), h.client(at)];
      await h.until("both are accepted", () => seen.length === 2);
      h.runtime.stop();
      h.runtime.stop();
      await h.until("both are closed", () => peers.every((peer) => peer.closed() !== "open"));
      await h.until("both sessions know", () => seen.every(({ closes }) => closes.length === 1));
      assert.equal(nth(seen, 1).closes[0], "destroyed");
      const late = h.client(at);
      await h.until("a late one is refused", () => late.closed() !== "open");
      assert.equal(seen.length, 2);
    },
  },
];

function acceptingWith(h: Parameters<Case["run"]>[0], onAccept: Parameters<typeof h.runtime.listen>[1]) {
  const listener = h.runtime.listen(listenSpec(LOCAL), onAccept);
  return { listener, at: listener.at };
}

function raiseOnAccept(): never {
  throw new Error("nobody connects here");
}

function thrownBy(act: () => unknown): EdgeError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof EdgeError, `an EdgeError, not ${String(error)}`);
    return error;
  }
  return assert.fail("nothing was thrown");
}

export function collectFaults(h: Parameters<Case["run"]>[0]): unknown[] {
  const faults: unknown[] = [];
  h.runtime.onFault((error) => faults.push(error));
  return faults;
}
