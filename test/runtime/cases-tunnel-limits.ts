/** What ends a tunnel besides its two peers: idle times and a cut. */
import assert from "node:assert/strict";
import type { CutReason } from "../../src/seam/mail.ts";
import { arrive } from "./cases-tunnel.ts";
import { bytes, type Harness } from "./harness.ts";
import { type Case, ended, joined } from "./recorder.ts";

const MB = 1_048_576;
const SIDES = ["client", "node"] as const;

export const TUNNEL_LIMIT_CASES: readonly Case[] = [
  {
    name: "ends a tunnel without traffic after its idle time",
    async run(h) {
      const started = h.runtime.nowMs();
      const tunnel = await joined(h, { idleMs: 300 });
      await ended(h, tunnel, { first: "edge-lb", why: "idle" });
      assert.ok(h.runtime.nowMs() - started >= 290);
      await h.until("both are closed", () => SIDES.every((side) => tunnel[side].closed() !== "open"));
    },
  },
  ...SIDES.map((side): Case => ({
    name: `counts traffic of the ${side} against the idle time`,
    async run(h) {
      const tunnel = await joined(h, { idleMs: 400 });
      for (let round = 0; round < 8; round++) {
        tunnel[side].send(bytes("x"));
        await wait(h, 100);
      }
      assert.equal(tunnel.ends.length, 0);
      await ended(h, tunnel, { why: "idle" });
    },
  })),
  {
    name: "ends as idle when the node stops reading and nothing moves any more",
    async run(h) {
      const tunnel = await joined(h, { idleMs: 400 }, false);
      tunnel.client.stream(100 * MB);
      await ended(h, tunnel, { first: "edge-lb", why: "idle" });
      await h.until("both are closed", () => tunnel.client.closed() !== "open");
    },
  },
  {
    name: "ends a half-closed tunnel without traffic after its own time",
    async run(h) {
      const tunnel = await joined(h, { idleMs: 60_000, halfClosedMs: 300 });
      tunnel.client.finish();
      await h.until("the FIN is passed on", () => tunnel.node.ended());
      await ended(h, tunnel, { why: "half-closed", first: "client" });
      await h.until("the client is closed", () => tunnel.client.closed() !== "open");
      // The node had its FIN, and bytes may still be on their way to it: it may be closed in order, and notices by speaking.
      tunnel.node.send(bytes("anybody there?"));
      await h.until("the node notices", () => {
        tunnel.node.send(bytes("x"));
        return tunnel.node.closed() !== "open";
      });
    },
  },
  {
    name: "does not cut a half-closed tunnel that still carries bytes",
    async run(h) {
      const tunnel = await joined(h, { idleMs: 60_000, halfClosedMs: 400 });
      tunnel.client.finish();
      for (let round = 1; round <= 8; round++) {
        tunnel.node.send(bytes("x"));
        await wait(h, 100);
      }
      assert.equal(tunnel.ends.length, 0);
      tunnel.node.finish();
      await ended(h, tunnel, { down: 8, why: "closed", first: "client" });
    },
  },
  ...(["node down", "drain", "removed", "shutdown"] satisfies CutReason[]).map((reason): Case => ({
    name: `ends as "${reason}" when cut`,
    async run(h) {
      const tunnel = await joined(h);
      tunnel.client.send(bytes("x"));
      await arrive(h, tunnel.node, 1);
      tunnel.tunnel.cut(reason);
      tunnel.tunnel.cut("shutdown");
      assert.equal(tunnel.ends.length, 0, "cut() does not call back before it returned");
      await ended(h, tunnel, { up: 1, down: 0, first: "edge-lb", why: reason });
      tunnel.tunnel.cut("drain");
      await h.until("both are closed", () => SIDES.every((side) => tunnel[side].closed() !== "open"));
    },
  })),
];

/** Lets time pass by the runtime's own clock. */
async function wait(h: Harness, ms: number): Promise<void> {
  let over = false;
  h.runtime.timer(ms, () => (over = true));
  await h.until("time passes", () => over);
}
