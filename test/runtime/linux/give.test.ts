/** A tunnel from one owner to another: no byte is lost or doubled, and its state and clocks come along. */
import assert from "node:assert/strict";
import { describe, test } from "bun:test";
import type { JoinSpec, Tunnel, TunnelEnd } from "../../../src/runtime/port.ts";
import type { TunnelState } from "../../../src/seam/tunnel-state.ts";
import { arrive } from "../cases-tunnel.ts";
import { stalls } from "../cases-conn.ts";
import { bytes, type Harness, text } from "../harness.ts";
import { type Case, ended, joined, type Joined } from "../recorder.ts";
import { runCase } from "../run-case.ts";
import { linuxHarness } from "./harness.ts";

const MB = 1_048_576;
const CASE_MS = 30_000;

interface Moved {
  readonly state: TunnelState;
  readonly ends: TunnelEnd[];
  readonly deltas: { up: number; down: number };
  tunnel: Tunnel;
}

function give(tunnel: Tunnel): TunnelState {
  const state = tunnel.give();
  assert.ok(state !== null, "the tunnel is given");
  // as it goes to another process
  return structuredClone(state);
}

function take(h: Harness, state: TunnelState, spec: Partial<JoinSpec> = {}): Moved {
  const ends: TunnelEnd[] = [];
  const deltas = { up: state.up, down: state.down };
  const tunnel = h.runtime.take(state, {
    idleMs: 0,
    halfClosedMs: 30_000,
    toNode: [],
    toClient: [],
    onBytes(up, down) {
      deltas.up += up;
      deltas.down += down;
    },
    onEnd: (end) => void ends.push(end),
    ...spec,
  });
  return { state, ends, deltas, tunnel };
}

const move = (h: Harness, { tunnel }: { tunnel: Tunnel }, spec: Partial<JoinSpec> = {}): Moved =>
  take(h, give(tunnel), spec);

async function endedAs(h: Harness, moved: Moved, want: Partial<TunnelEnd>): Promise<void> {
  await h.until("the tunnel ends", () => moved.ends.length > 0);
  const [end] = moved.ends;
  assert.deepEqual(moved.ends, [{ ...end, ...want }]);
  assert.deepEqual(moved.deltas, { up: end?.up, down: end?.down }, "the deltas sum up");
}

async function finishBoth(h: Harness, { client, node }: Joined): Promise<void> {
  client.finish();
  await h.until("the FIN is passed on", () => node.ended());
  node.finish();
  await h.until("the answer to it as well", () => client.ended());
}

const CASES: readonly Case[] = [
  {
    name: "moves twenty times under full streams both ways, and every byte arrives once",
    async run(h) {
      const tunnel = await joined(h);
      tunnel.client.stream(24 * MB);
      tunnel.node.stream(24 * MB);
      let moved = move(h, tunnel);
      for (let round = 1; round < 20; round++) {
        await h.until(
          "some arrives",
          () => tunnel.node.received() >= round * MB && tunnel.client.received() >= round * MB,
        );
        moved = move(h, moved);
      }
      await arrive(h, tunnel.node, 24 * MB);
      await arrive(h, tunnel.client, 24 * MB);
      assert.ok(tunnel.client.patternHolds() && tunnel.node.patternHolds());
      await finishBoth(h, tunnel);
      await endedAs(h, moved, { up: 24 * MB, down: 24 * MB, first: "client", why: "closed" });
    },
  },
  {
    name: "carries what a stalled receiver has not taken, outbox and pipe",
    async run(h) {
      const tunnel = await joined(h, {}, false);
      const total = 24 * MB;
      tunnel.client.stream(total, () => tunnel.client.finish());
      await stalls(h, () => tunnel.client.taken());
      const first = move(h, tunnel);
      assert.ok(first.state.node.unsent.length > 0, "bytes were under way");
      await stalls(h, () => tunnel.client.taken());
      const moved = move(h, first);
      tunnel.node.startReading();
      await arrive(h, tunnel.node, total);
      await h.until("FIN after them", () => tunnel.node.ended());
      assert.ok(tunnel.node.patternHolds());
      tunnel.node.finish();
      await endedAs(h, moved, { up: total, down: 0, first: "client", why: "closed" });
    },
  },
  {
    name: "brings a FIN that came before, during and after",
    async run(h) {
      const before = await joined(h);
      before.client.finish();
      await h.until("the FIN is passed on", () => before.node.ended());
      const one = move(h, before);
      assert.deepEqual([one.state.client.ended, one.state.node.finished], [true, true]);
      before.node.send(bytes("still here"));
      await h.until("the other direction goes on", () => text(before.client.head()) === "still here");
      before.node.finish();
      await endedAs(h, one, { down: 10, first: "client", why: "closed" });

      const during = await joined(h);
      const state = give(during.tunnel);
      during.node.send(bytes("bye"));
      during.node.finish();
      await h.fence();
      const two = take(h, state);
      await h.until("bytes and FIN are found", () => during.client.ended() && text(during.client.head()) === "bye");
      during.client.finish();
      await endedAs(h, two, { down: 3, first: "node", why: "closed" });
    },
  },
  {
    name: "finds a reset that came between two owners",
    async run(h) {
      const tunnel = await joined(h);
      const state = give(tunnel.tunnel);
      tunnel.node.reset();
      await h.fence();
      const moved = take(h, state);
      await endedAs(h, moved, { first: "node", why: "reset" });
      await h.until("the client is told", () => tunnel.client.closed() === "reset");
    },
  },
  {
    name: "continues its idle clock, and that of a half-closed tunnel",
    async run(h) {
      const idle = await joined(h, { idleMs: 60_000 });
      const state = give(idle.tunnel);
      await endedAs(h, take(h, { ...state, quietMs: 59_950 }, { idleMs: 60_000 }), { first: "edge-lb", why: "idle" });
      const half = await joined(h, { idleMs: 60_000 });
      half.client.finish();
      await h.until("the FIN is passed on", () => half.node.ended());
      const rest = { ...give(half.tunnel), quietMs: 29_950 };
      await endedAs(h, take(h, rest, { idleMs: 60_000 }), { first: "client", why: "half-closed" });
    },
  },
  {
    name: "tells its first owner nothing any more, and one that is about to end is not given",
    async run(h) {
      const tunnel = await joined(h);
      tunnel.client.send(bytes("up"));
      await arrive(h, tunnel.node, 2);
      const moved = move(h, tunnel);
      assert.deepEqual([tunnel.deltas.up, moved.state.up], [2, 2], "what moved is reported before");
      assert.equal(tunnel.tunnel.give(), null);
      tunnel.tunnel.cut("drain");
      tunnel.client.send(bytes("more"));
      await arrive(h, tunnel.node, 6);
      assert.deepEqual([tunnel.ends, tunnel.deltas.up], [[], 2]);
      moved.tunnel.cut("removed");
      assert.equal(moved.tunnel.give(), null);
      await endedAs(h, moved, { up: 6, first: "edge-lb", why: "removed" });
      const over = await joined(h);
      over.tunnel.cut("drain");
      assert.equal(over.tunnel.give(), null);
      await ended(h, over, { why: "drain" });
    },
  },
];

for (const ring of [true, false]) {
  describe(`Tunnel.give(), Runtime.take() ${ring ? "with a ring" : "with plain calls"}`, () => {
    for (const one of CASES) test(one.name, () => runCase(one, () => linuxHarness(ring)), CASE_MS);
  });
}
