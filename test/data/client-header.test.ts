/** Who the client is where a PROXY header says so: on TLS services and on port 80. */
import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../scripts/fuzz/session-lab.ts";
import { countOf } from "../../src/seam/board.ts";
import { proxyHeader } from "../../src/core/proxy-protocol.ts";
import type { MemoryPeer } from "../support/memory/wire.ts";
import { hello, serverName } from "../core/tls/hello-builder.ts";
import { startLab, type Lab } from "./service-lab.ts";

const FLAGS = ["--domain lab", "--accept-proxy 10.9.0.0/16"];
const CLIENT = "192.0.2.7";
const HEADER = proxyHeader(2, { ip: CLIENT, port: 1_234 }, { ip: "198.51.100.1", port: 80 });
const HEADER_V1 = proxyHeader(1, { ip: CLIENT, port: 1_234 }, { ip: "198.51.100.1", port: 80 });
const LOCAL = Uint8Array.from(Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex"));
const API = hello(serverName("api.hub.lab"));
const GET = bytesOf("GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n");
const SERVICES = [
  ["api", API],
  ["http", GET],
] as const;

type Nodes = Readonly<Record<"api" | "http", ReturnType<Lab["node"]>>>;

function start(cluster: string, ...more: readonly string[]): Lab & { readonly nodes: Nodes } {
  const lab = startLab(...FLAGS, `--cluster ${cluster}`, ...more);
  return Object.assign(lab, { nodes: { api: lab.node("10.1.0.1", "api"), http: lab.node("10.1.0.1", "http") } });
}

function send(lab: Lab, peer: MemoryPeer, ...chunks: readonly Uint8Array[]): MemoryPeer {
  for (const chunk of chunks) {
    peer.send(chunk);
    lab.runtime.settle();
  }
  return peer;
}

describe("a peer of accept-proxy", () => {
  test.each([...SERVICES])("has its header taken at every split on %s", (kind, said) => {
    for (const header of [HEADER, HEADER_V1])
      for (let cut = 1; cut <= header.length; cut++) {
        const lab = startLab(...FLAGS, "--cluster hub=10.1.0.1");
        const node = lab.node("10.1.0.1", kind);
        const whole = Uint8Array.from([...header, ...said]);
        send(lab, lab.connect(kind), whole.slice(0, cut), whole.slice(cut));
        expect(node.peers.length).toBe(1);
        expect(textOf(node.peers[0]?.received ?? new Uint8Array(0))).toContain(textOf(said.subarray(0, 14)));
      }
  });

  test("speaks for the client in access lists, log, X-Forwarded-For and PROXY to nodes", () => {
    const lab = startLab(...FLAGS, "--allow 192.0.2.0/24", "--cluster hub=10.1.0.1,send-proxy=v1", "--log json");
    const node = lab.node("10.1.0.1", "http");
    send(lab, lab.connect("http"), HEADER, GET);
    const got = textOf(node.peers[0]?.received ?? new Uint8Array(0));
    expect(got).toStartWith(`PROXY TCP4 ${CLIENT} 198.51.100.1 1234 80\r\nGET / `);
    expect(got).toContain(`X-Forwarded-For: ${CLIENT}\r\n`);
    node.peers[0]?.send(bytesOf("HTTP/1.1 204 No Content\r\n\r\n"));
    lab.runtime.settle();
    expect(lab.records().at(-1)).toMatchObject({ client: `${CLIENT}:1234`, end: "done" });
  });

  test.each([...SERVICES])("is turned away on %s where its client is not allowed or over a limit", (kind, said) => {
    const closed = start("hub=10.1.0.1,allow=10.9.0.0/16");
    send(closed, closed.connect(kind), HEADER, said);
    expect(closed.records().at(-1)).toMatchObject({ end: "not allowed", client: `${CLIENT}:1234` });
    const full = start("hub=10.1.0.1", "--max-connections-per-client 1");
    const clients = [1, 2].map(() => send(full, full.connect(kind), HEADER, said));
    expect(full.records().at(-1)).toMatchObject({ end: "limit reached", note: "max-connections-per-client" });
    for (const client of clients) client.reset();
    full.runtime.advance(2_000);
    expect(countOf(full.board, "open")).toBe(0);
    const other = proxyHeader(1, { ip: "192.0.2.8", port: 1 }, { ip: "198.51.100.1", port: 80 });
    for (const header of [HEADER, other]) send(full, full.connect(kind), header, said);
    expect(countOf(full.board, "open")).toBe(2);
  });

  test.each([...SERVICES])("keeps its own address on %s with LOCAL and UNKNOWN", (kind, said) => {
    for (const header of [LOCAL, bytesOf("PROXY UNKNOWN\r\n")]) {
      const lab = start("hub=10.1.0.1,allow=10.8.0.0/16");
      send(lab, lab.connect(kind), header, said);
      expect(lab.records().at(-1)?.client).toStartWith("10.9.9.9:");
    }
  });

  test.each([...SERVICES])("is closed on %s without a header, and counted as malformed", (kind, said) => {
    const lab = start("hub=10.1.0.1");
    const client = send(lab, lab.connect(kind), said);
    expect(client.received.length).toBe(0);
    expect(client.ended).toBe(true);
    expect(lab.nodes[kind].peers).toEqual([]);
    expect(countOf(lab.board, "malformed")).toBe(1);
    expect(lab.records()).toMatchObject([{ end: "bad PROXY header", note: "there is none" }]);
  });

  test.each([...SERVICES])("is closed on %s when it ends in half a header", (kind) => {
    const lab = start("hub=10.1.0.1");
    const client = send(lab, lab.connect(kind), HEADER.slice(0, 20));
    client.finish();
    lab.runtime.settle();
    expect(client.ended).toBe(true);
    expect(lab.records()).toMatchObject([{ end: "bad PROXY header", note: "it ended in the middle" }]);
  });

  test.each([
    ["api", 5_000, "hello timeout"],
    ["http", 10_000, "head timeout"],
  ] as const)("has no more time on %s for its header and what follows than for that alone", (kind, ms, end) => {
    const lab = start("hub=10.1.0.1");
    const half = send(lab, lab.connect(kind), HEADER.slice(0, 20));
    lab.runtime.advance(ms - 100);
    expect(half.ended).toBe(false);
    lab.runtime.advance(200);
    expect(half.ended).toBe(true);
    expect(lab.records()).toMatchObject([{ end }]);
    expect(countOf(lab.board, "timedOut")).toBe(1);
  });

  test.each([...SERVICES])("that looks in and goes is not logged on %s", (kind) => {
    const lab = start("hub=10.1.0.1");
    lab.connect(kind).finish();
    lab.runtime.advance(2_000);
    expect(lab.records()).toEqual([]);
    expect(countOf(lab.board, "open")).toBe(0);
  });
});

describe("anybody else", () => {
  test("has no header read: it is what it says", () => {
    const lab = start("hub=10.1.0.1");
    const client = send(lab, lab.connect("http", "10.8.0.1"), HEADER_V1, GET);
    expect(textOf(client.received)).toStartWith("HTTP/1.1 400 ");
    send(lab, lab.connect("api", "10.8.0.1"), API);
    expect(lab.nodes.api.peers.map((peer) => peer.received.length)).toEqual([API.length]);
  });
});

describe("a reload", () => {
  test("of accept-proxy counts for the next connection", () => {
    const lab = start("hub=10.1.0.1");
    lab.apply("--domain lab", "--cluster hub=10.1.0.1");
    send(lab, lab.connect("api"), API);
    expect(lab.nodes.api.peers.length).toBe(1);
  });
});
