/** What is left of a connection to a node: where nothing can be lost, no port of this machine waits for 60 s (TIME_WAIT). */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Harness } from "../harness.ts";
import { dialled, ended, joined, type Joined, nth } from "../recorder.ts";
import { linuxHarness } from "./harness.ts";

/** State of a row of /proc/net/tcp. */
const TIME_WAIT = "06";

/** Connections of this machine to that port that wait. */
function waitingTowards(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return rows.filter((row) => {
    const [, , to = "", state] = row.trim().split(/\s+/);
    return state === TIME_WAIT && to.endsWith(remote);
  }).length;
}

function nodePort({ sessions }: Joined): number {
  return nth(sessions, 1).conn.remote.port;
}

/** Both sides have said something. */
async function talk(h: Harness, { client, node }: Joined): Promise<void> {
  client.send(new Uint8Array(64));
  node.send(new Uint8Array(64));
  await h.until("both heard it", () => client.received() === 64 && node.received() === 64);
}

interface Ending {
  readonly name: string;
  readonly idleMs?: number;
  run(h: Harness, tunnel: Joined): Promise<void>;
}

const NOTHING_WAITS: readonly Ending[] = [
  {
    name: "the client reset",
    async run(h, tunnel) {
      tunnel.client.reset();
      await ended(h, tunnel, { first: "client", why: "reset" });
    },
  },
  {
    name: "the node's FIN came first and was answered",
    async run(h, tunnel) {
      tunnel.node.finish();
      await h.until("the client has the FIN", () => tunnel.client.ended());
      tunnel.client.finish();
      await ended(h, tunnel, { first: "node", why: "closed" });
    },
  },
  {
    name: "the tunnel was cut",
    async run(h, tunnel) {
      tunnel.tunnel.cut("drain");
      await ended(h, tunnel, { first: "edge-lb" });
    },
  },
  {
    name: "the tunnel was idle for too long",
    idleMs: 200,
    async run(h, tunnel) {
      await ended(h, tunnel, { first: "edge-lb", why: "idle" });
    },
  },
];

describe.each([
  { way: "a ring", ring: true },
  { way: "plain calls", ring: false },
])("a tunnel's end with $way", ({ ring }) => {
  async function within(run: (h: Harness) => Promise<void>): Promise<void> {
    const harness = await linuxHarness(ring);
    await run(harness).finally(() => harness.close());
  }

  test.each(NOTHING_WAITS)("leaves no port in TIME_WAIT: $name", ({ idleMs, run }) =>
    within(async (h) => {
      const tunnel = await joined(h, idleMs === undefined ? {} : { idleMs });
      const port = nodePort(tunnel);
      await talk(h, tunnel);
      await run(h, tunnel);
      await h.until("the node's side is closed", () => tunnel.node.closed() !== "open");
      expect(waitingTowards(port)).toBe(0);
    }),
  );

  test("leaves one where the client's FIN came first: the kernel keeps it when both have finished", () =>
    within(async (h) => {
      const tunnel = await joined(h);
      tunnel.client.finish();
      await h.until("the node has the FIN", () => tunnel.node.ended());
      tunnel.node.finish();
      await ended(h, tunnel, { first: "client", why: "closed" });
      expect(waitingTowards(nodePort(tunnel))).toBe(1);
    }));

  test("leaves none of a kept HTTP connection whose client has gone", () =>
    within(async (h) => {
      const node = await h.node();
      const { seen, peer } = await dialled(h, node);
      seen.conn.destroy();
      await h.until("the node's side is closed", () => peer.closed() !== "open");
      expect(waitingTowards(node.at.port)).toBe(0);
    }));
});
