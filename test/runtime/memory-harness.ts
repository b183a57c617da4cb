/** The harness for the runtime in memory: waiting moves the clock by hand. */
import { createMemoryRuntime, type MemoryRuntime } from "../support/memory/runtime.ts";
import type { MemoryPeer } from "../support/memory/wire.ts";
import { createInbox, type Harness, type NodeServer, patternAt, type Peer } from "./harness.ts";

const WAIT_MS = 10_000;

export async function memoryHarness(): Promise<Harness> {
  const runtime = createMemoryRuntime();
  return {
    runtime,
    client: (to) => toPeer(runtime.connect(to)),
    node: async (ip = "127.0.0.1", reading = true) => openNode(runtime, ip, reading),
    async nowhere(kind) {
      const at = { ip: "127.0.0.1", port: 9 };
      runtime.fail(at, kind);
      return at;
    },
    shortage: () => null,
    async until(what, condition) {
      for (let ms = 0; ms < WAIT_MS; ms++) {
        runtime.settle();
        if (condition()) return;
        runtime.advance(1);
      }
      throw new Error(`Timed out waiting until ${what}`);
    },
    fence: async () => runtime.settle(),
    deliver: (mail) => runtime.deliver(mail),
    posted: () => runtime.posted,
    sockets: () => null,
    async close() {
      runtime.stop();
      runtime.settle();
    },
  };
}

function openNode(runtime: MemoryRuntime, ip: string, reading: boolean): NodeServer {
  const node = runtime.node({ ip, port: 0 });
  node.reading = reading;
  const known = new Map<MemoryPeer, Peer>();
  return {
    at: node.at,
    get peers() {
      for (const peer of node.peers) if (!known.has(peer)) known.set(peer, toPeer(peer));
      return [...known.values()];
    },
    close: () => node.close(),
  };
}

function toPeer(peer: MemoryPeer): Peer {
  const inbox = createInbox();
  if (peer.received.length > 0) inbox.take(peer.received);
  peer.onData = (chunk) => inbox.take(chunk);
  return {
    local: () => peer.local,
    send: (chunk) => peer.send(chunk.slice()),
    stream(total, after) {
      for (let sent = 0; sent < total;) {
        const piece = patternAt(sent, total - sent);
        peer.send(piece);
        sent += piece.length;
      }
      after?.();
    },
    taken: () => peer.taken,
    finish: () => peer.finish(),
    reset: () => peer.reset(),
    stopReading: () => peer.stopReading(),
    startReading: () => peer.startReading(),
    received: inbox.count,
    head: inbox.head,
    patternHolds: inbox.patternHolds,
    ended: () => peer.ended,
    closed: () => peer.state,
  };
}
