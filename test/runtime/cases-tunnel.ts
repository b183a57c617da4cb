/** Two connections given to the runtime. */
import assert from "node:assert/strict";
import type { JoinSpec } from "../../src/runtime/port.ts";
import { pattern, raise, stalls } from "./cases-conn.ts";
import { collectFaults } from "./cases-listen.ts";
import { bytes, type Harness, type Peer, text } from "./harness.ts";
import { accepting, type Case, dialled, ended, join, joined, type Joined, knock, pair, unjoined } from "./recorder.ts";

const MB = 1_048_576;
const SIDES = ["client", "node"] as const;
const other = { client: "node", node: "client" } as const;

/** Both ends finish in order; the tunnel ends as closed. */
async function finishBoth(h: Harness, tunnel: Joined, from: "client" | "node"): Promise<void> {
  const [one, two] = [tunnel[from], tunnel[other[from]]];
  one.finish();
  await h.until("the FIN is passed on", () => two.ended());
  two.finish();
  await h.until("the answer to it as well", () => one.ended());
}

export async function arrive(h: Harness, peer: Peer, count: number): Promise<void> {
  await h.until(`${count} bytes arrive`, () => peer.received() >= count);
  assert.equal(peer.received(), count);
}

export const TUNNEL_CASES: readonly Case[] = [
  {
    name: "relays both ways and counts the bytes",
    async run(h) {
      const tunnel = await joined(h);
      tunnel.client.stream(3 * MB);
      tunnel.node.stream(5 * MB);
      await arrive(h, tunnel.node, 3 * MB);
      await arrive(h, tunnel.client, 5 * MB);
      await h.until("live counts", () => tunnel.deltas.up === 3 * MB && tunnel.deltas.down === 5 * MB);
      await finishBoth(h, tunnel, "client");
      await ended(h, tunnel, { up: 3 * MB, down: 5 * MB, first: "client", why: "closed" });
      assert.ok(tunnel.client.patternHolds() && tunnel.node.patternHolds());
      await h.until("both are closed", () => SIDES.every((side) => tunnel[side].closed() === "closed"));
    },
  },
  {
    name: "relays small messages to and fro",
    async run(h) {
      const tunnel = await joined(h);
      for (let round = 1; round <= 50; round++) {
        tunnel.client.send(new Uint8Array(64));
        await arrive(h, tunnel.node, round * 64);
        tunnel.node.send(new Uint8Array(64));
        await arrive(h, tunnel.client, round * 64);
      }
      tunnel.tunnel.cut("drain");
      await ended(h, tunnel, { up: 3_200, down: 3_200 });
    },
  },
  {
    name: "sends what was already read before everything else, and counts it",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.peer.send(bytes(" world"));
      ends.node.peer.send(bytes("lo"));
      const toNode = [bytes("hel"), bytes("lo")];
      const tunnel = join(h, ends, { toNode, toClient: [bytes("hel")] });
      toNode[0]?.fill(0); // the chunks are the caller's again
      await arrive(h, tunnel.node, 11);
      await arrive(h, tunnel.client, 5);
      assert.equal(text(tunnel.node.head()), "hello world");
      assert.equal(text(tunnel.client.head()), "hello");
      await finishBoth(h, tunnel, "node");
      await ended(h, tunnel, { up: 11, down: 5, first: "node", why: "closed" });
    },
  },
  {
    name: "relays what came while a connection was paused",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.seen.conn.pause();
      ends.client.peer.send(bytes("held"));
      await h.fence();
      const tunnel = join(h, ends);
      await arrive(h, tunnel.node, 4);
      ends.client.peer.send(bytes(" more"));
      await arrive(h, tunnel.node, 9);
      assert.equal(text(tunnel.node.head()), "held more");
      tunnel.tunnel.cut("shutdown");
      await ended(h, tunnel, { up: 9, down: 0, first: "edge-lb", why: "shutdown" });
    },
  },
  {
    name: "sends a leftover that does not fit at once",
    async run(h) {
      const ends = await unjoined(h, false);
      const tunnel = join(h, ends, { toNode: [pattern(24 * MB)] });
      ends.client.peer.finish();
      await h.fence();
      tunnel.node.startReading();
      await h.until("the node has the end", () => tunnel.node.ended());
      assert.equal(tunnel.node.received(), 24 * MB);
      assert.ok(tunnel.node.patternHolds());
      tunnel.node.finish();
      await ended(h, tunnel, { up: 24 * MB, first: "client", why: "closed" });
    },
  },
  ...SIDES.map((side): Case => ({
    name: `passes on a FIN of the ${side} and carries the other direction on`,
    async run(h) {
      const tunnel = await joined(h);
      const [one, two] = [tunnel[side], tunnel[other[side]]];
      one.send(bytes("request"));
      one.finish();
      await h.until("the FIN is passed on", () => two.ended());
      assert.equal(two.received(), 7);
      two.stream(20 * MB, () => two.finish());
      await h.until("the answer ends", () => one.ended());
      assert.equal(one.received(), 20 * MB);
      assert.ok(one.patternHolds());
      await ended(h, tunnel, { first: side, why: "closed" });
    },
  })),
  ...SIDES.map((side): Case => ({
    name: `passes on a FIN of the ${side} that came before the join`,
    async run(h) {
      const ends = await unjoined(h);
      ends[side].peer.finish();
      await h.until("the session saw it", () => ends[side].seen.ends === 1);
      const tunnel = join(h, ends);
      await h.until("the FIN is passed on", () => tunnel[other[side]].ended());
      tunnel[other[side]].stream(MB, () => tunnel[other[side]].finish());
      await h.until("the answer ends", () => tunnel[side].ended());
      assert.equal(tunnel[side].received(), MB);
      await ended(h, tunnel, { first: side, why: "closed" });
    },
  })),
  {
    name: "passes on a FIN behind bytes of a paused connection",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.seen.conn.pause();
      ends.client.peer.stream(MB, () => ends.client.peer.finish());
      await h.fence();
      assert.equal(ends.client.seen.ends, 0);
      const tunnel = join(h, ends);
      await h.until("the FIN is passed on", () => tunnel.node.ended());
      assert.equal(tunnel.node.received(), MB);
      assert.ok(tunnel.node.patternHolds());
      tunnel.node.finish();
      await ended(h, tunnel, { up: MB, first: "client", why: "closed" });
    },
  },
  {
    name: "ends when both FINs came before the join",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.peer.finish();
      ends.node.peer.finish();
      await h.until("the sessions saw it", () => ends.client.seen.ends + ends.node.seen.ends === 2);
      const tunnel = join(h, ends);
      assert.equal(tunnel.ends.length, 0, "join() does not call back before it returned");
      await ended(h, tunnel, { up: 0, down: 0, why: "closed" });
      await h.until("both are closed", () => SIDES.every((side) => tunnel[side].closed() === "closed"));
    },
  },
  {
    name: "ends as reset when one connection was closed before the join",
    async run(h) {
      const ends = await unjoined(h);
      ends.client.peer.reset();
      await h.until("the session saw it", () => ends.client.seen.closes.length === 1);
      const tunnel = join(h, ends);
      await h.until("the tunnel ends", () => tunnel.ends.length === 1);
      assert.equal(tunnel.ends[0]?.why, "reset");
      assert.equal(tunnel.ends[0]?.first, "client");
      await h.until("the node is closed", () => tunnel.node.closed() !== "open");
    },
  },
  ...SIDES.map((side): Case => ({
    name: `answers an RST of the ${side} with an RST to the other`,
    async run(h) {
      const tunnel = await joined(h);
      tunnel[side].send(bytes("x"));
      await arrive(h, tunnel[other[side]], 1);
      tunnel[side].reset();
      await ended(h, tunnel, { first: side, why: "reset" });
      await h.until("the other saw it", () => tunnel[other[side]].closed() === "reset");
    },
  })),
  {
    name: "ends on an RST of a client whose node does not read",
    async run(h) {
      const tunnel = await joined(h, {}, false);
      tunnel.client.stream(100 * MB);
      await stalls(h, () => tunnel.client.taken());
      tunnel.client.reset();
      await h.until("the tunnel ends or waits for its idle time", () => true);
      tunnel.node.reset();
      await h.until("the tunnel ends", () => tunnel.ends.length === 1);
      assert.equal(tunnel.ends[0]?.why, "reset");
    },
  },
  {
    name: "takes 100 MB for a slow reader with bounded memory",
    async run(h) {
      const tunnel = await joined(h, {}, false);
      tunnel.client.stream(100 * MB, () => tunnel.client.finish());
      const taken = await stalls(h, () => tunnel.client.taken());
      assert.ok(taken < 60 * MB, `${taken} bytes taken`);
      tunnel.node.startReading();
      await h.until("the node has the end", () => tunnel.node.ended());
      assert.equal(tunnel.node.received(), 100 * MB);
      assert.ok(tunnel.node.patternHolds());
      tunnel.node.finish();
      await ended(h, tunnel, { up: 100 * MB, down: 0 });
    },
  },
  {
    name: "loses no tail when both ends close at the same moment",
    async run(h) {
      const server = await h.node();
      for (let round = 0; round < 3; round++) {
        const tunnel = join(h, await unjoinedTo(h, server));
        tunnel.client.stream(60 * MB, () => tunnel.client.finish());
        tunnel.node.stream(60 * MB, () => tunnel.node.finish());
        await h.until("both have the end", () => tunnel.client.ended() && tunnel.node.ended());
        assert.equal(tunnel.client.received(), 60 * MB);
        assert.equal(tunnel.node.received(), 60 * MB);
        assert.ok(tunnel.client.patternHolds() && tunnel.node.patternHolds());
        await ended(h, tunnel, { up: 60 * MB, down: 60 * MB, why: "closed" });
      }
    },
  },
  {
    name: "serves many short tunnels and leaves no socket behind",
    async run(h) {
      const server = await h.node();
      const front = accepting(h);
      let before: number | null = null;
      for (let round = 0; round < 60; round++) {
        const tunnel = join(h, { client: await knock(h, front), node: await dialled(h, server) });
        tunnel.client.send(bytes("ping"));
        await arrive(h, tunnel.node, 4);
        tunnel.node.send(bytes("pong"));
        await arrive(h, tunnel.client, 4);
        await finishBoth(h, tunnel, round % 2 === 0 ? "node" : "client");
        await h.until("the tunnel ends", () => tunnel.ends.length === 1);
        if (round === 0) before = h.sockets();
      }
      await h.until("the sockets are given back", () => (h.sockets() ?? 0) <= (before ?? 0));
    },
  },
  ...(["onBytes", "onEnd"] as const).map((handler): Case => ({
    name: `contains a throwing ${handler}`,
    async run(h) {
      const faults = collectFaults(h);
      const mistake = new Error(`thrown by ${handler}`);
      let ends = 0;
      const spec: Partial<JoinSpec> = {
        onEnd: () => void (ends++, handler === "onEnd" && raise(mistake)),
        ...(handler === "onBytes" && { onBytes: () => raise(mistake) }),
      };
      const tunnel = await joined(h, spec);
      tunnel.client.send(bytes("x"));
      await h.fence();
      tunnel.client.reset();
      await h.until("the tunnel ends", () => ends === 1 && faults.length > 0);
      assert.equal(faults[0], mistake);
      await h.until("both are closed", () => tunnel.node.closed() !== "open");
      await h.fence();
      assert.equal(ends, 1);
    },
  })),
  {
    name: "ends tunnels on stop()",
    async run(h) {
      const tunnel = await joined(h);
      h.runtime.stop();
      await h.until("both are closed", () => SIDES.every((side) => tunnel[side].closed() !== "open"));
      await h.until("the tunnel ended", () => tunnel.ends.length === 1);
      assert.equal(tunnel.ends[0]?.why, "shutdown");
    },
  },
];

async function unjoinedTo(h: Harness, server: Awaited<ReturnType<Harness["node"]>>) {
  return { client: await pair(h), node: await dialled(h, server) };
}
