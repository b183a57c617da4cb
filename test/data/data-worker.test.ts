/** A worker's service: what control's mail does to connections that are open. */
import { describe, expect, test } from "bun:test";
import { startLab, type Lab } from "./service-lab.ts";
import { poolOf } from "../support/built-in.ts";

const HUB = "--cluster hub=10.0.1.1,domain=hub.lab";
const MORE = "--cluster more=10.0.2.1,domain=more.lab";
const GET = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n");
const UPGRADE = new TextEncoder().encode(
  "GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
);
const SWITCHED = new TextEncoder().encode(
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
);
const ANSWER = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

function tunnel(lab: Lab) {
  const node = lab.node("10.0.1.1", "http");
  const client = lab.connect("http");
  client.send(UPGRADE);
  lab.runtime.settle();
  node.peers[0]?.send(SWITCHED);
  lab.runtime.settle();
  expect(lab.active("cluster/hub")).toBe(1);
  return client;
}

/** What control mails when a cluster leaves: the snapshot without it, then the cut of its cell. */
function remove(lab: Lab, afterMs: number): void {
  const cell = lab.cell("cluster/hub");
  lab.apply(MORE);
  lab.runtime.deliver({ kind: "cut", cell, afterMs, reason: "removed" });
  lab.runtime.settle();
}

describe("cut", () => {
  test("gives the tunnels of what was removed their time", () => {
    const lab = startLab(HUB, MORE);
    tunnel(lab);
    remove(lab, 30_000);
    lab.runtime.advance(29_000);
    expect(lab.active("cluster/hub")).toBe(1);
    lab.runtime.advance(1_100);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("keeps the tunnels of what came back meanwhile", () => {
    const lab = startLab(HUB, MORE);
    tunnel(lab);
    remove(lab, 30_000);
    lab.runtime.advance(10_000);
    lab.apply(HUB, MORE);
    lab.runtime.advance(60_000);
    expect(lab.active("cluster/hub")).toBe(1);
    remove(lab, 30_000);
    lab.runtime.advance(29_000);
    expect(lab.active("cluster/hub")).toBe(1);
    lab.runtime.advance(1_100);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("of a node that is drained again counts from then", () => {
    const lab = startLab(HUB);
    tunnel(lab);
    const cell = poolOf(lab.snapshot().clusters[0], "http")?.endpoints[0]?.cell ?? -1;
    const drain = (): void => {
      lab.setHealth("10.0.1.1", "http", "drained");
      lab.runtime.deliver({ kind: "cut", cell, afterMs: 30_000, reason: "drain" });
    };
    drain();
    lab.runtime.advance(10_000);
    lab.setHealth("10.0.1.1", "http", "up");
    lab.runtime.advance(10_000);
    drain();
    lab.runtime.advance(29_000);
    expect(lab.active("cluster/hub")).toBe(1);
    lab.runtime.advance(1_100);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("without time cuts at once", () => {
    const lab = startLab(HUB, MORE);
    tunnel(lab);
    remove(lab, 0);
    expect(lab.active("cluster/hub")).toBe(0);
  });
});

describe("stop", () => {
  test("lets a keep-alive client go that waits between two requests", () => {
    const lab = startLab(HUB);
    const node = lab.node("10.0.1.1", "http");
    const client = lab.connect("http");
    client.send(GET);
    lab.runtime.settle();
    node.peers[0]?.send(ANSWER);
    lab.runtime.settle();
    expect(lab.posted("stopped")).toHaveLength(0);
    lab.runtime.deliver({ kind: "stop", afterMs: 30_000 });
    lab.runtime.advance(1_100); // linger
    expect(lab.posted("stopped")).toHaveLength(1);
  });

  test("answers what is under way with Connection: close, then ends", () => {
    const lab = startLab(HUB);
    const node = lab.node("10.0.1.1", "http");
    const client = lab.connect("http");
    client.send(GET);
    lab.runtime.settle();
    lab.runtime.deliver({ kind: "stop", afterMs: 30_000 });
    lab.runtime.advance(2_000);
    expect(lab.posted("stopped")).toHaveLength(0);
    node.peers[0]?.send(ANSWER);
    lab.runtime.advance(1_100);
    expect(new TextDecoder().decode(client.received)).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Connection: close\r\n/i);
    expect(lab.posted("stopped")).toHaveLength(1);
  });

  test("waits for a tunnel as long as it may, then cuts it", () => {
    const lab = startLab(HUB);
    tunnel(lab);
    lab.runtime.deliver({ kind: "stop", afterMs: 30_000 });
    lab.runtime.advance(29_000);
    expect(lab.posted("stopped")).toHaveLength(0);
    lab.runtime.advance(1_200);
    expect(lab.posted("stopped")).toHaveLength(1);
  });
});

describe("quiet", () => {
  test("collects memory where many connections more, or less, are open than at the last time", () => {
    const lab = startLab(HUB);
    const collected = (): number => {
      lab.runtime.settle();
      lab.runtime.deliver({ kind: "quiet" });
      lab.runtime.settle();
      return lab.runtime.collections;
    };
    const open = (count: number) => {
      const clients = Array.from({ length: count }, () => lab.connect("http"));
      lab.runtime.settle();
      return clients;
    };
    const few = open(499);
    expect(collected()).toBe(0);
    const rest = open(1);
    expect([collected(), collected()]).toEqual([1, 1]);
    for (const client of few) client.reset();
    expect(collected()).toBe(1);
    for (const client of rest) client.reset();
    expect(collected()).toBe(2);
  });
});
