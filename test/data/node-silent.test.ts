/** A node that takes a client's connection and ends it without an answer is told to control, so that it is looked at soon. */
import { describe, expect, test } from "bun:test";
import type { MemoryPeer } from "../support/memory/wire.ts";
import { bytesOf } from "../../scripts/fuzz/session-lab.ts";
import { hello, serverName } from "../core/tls/hello-builder.ts";
import { startLab } from "./service-lab.ts";

const GET = bytesOf("GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n");
const HELLO = { api: hello(serverName("api.hub.lab")), http: GET };
const ALERT = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40);
const ANSWER = new Uint8Array(64).fill(0x16);

/** One client's connection, as far as the node has its first bytes, and then what the node does. */
function meet(kind: "api" | "http", act: (node: MemoryPeer) => void): readonly unknown[] {
  const lab = startLab("--domain lab", "--cluster hub=10.1.0.1");
  const node = lab.node("10.1.0.1", kind);
  const client = lab.connect(kind);
  client.send(HELLO[kind]);
  lab.runtime.settle();
  const [peer] = node.peers;
  if (peer === undefined) throw new Error("the node was not dialled");
  act(peer);
  lab.runtime.settle();
  client.finish();
  lab.runtime.settle();
  return lab.posted("node-silent");
}

describe("reports.nodeSilent()", () => {
  const cases = [
    { name: "ends a tunnel without a byte", kind: "api", act: (peer) => peer.finish(), told: 1 },
    { name: "resets a tunnel", kind: "api", act: (peer) => peer.reset(), told: 1 },
    {
      name: "only alerts",
      kind: "api",
      act: (peer) => {
        peer.send(ALERT);
        peer.finish();
      },
      told: 1,
    },
    {
      name: "ends a tunnel after an answer",
      kind: "api",
      act: (peer) => {
        peer.send(ANSWER);
        peer.finish();
      },
      told: 0,
    },
    { name: "says nothing until the client leaves", kind: "api", act: () => undefined, told: 0 },
    { name: "resets instead of an HTTP answer", kind: "http", act: (peer) => peer.reset(), told: 1 },
    {
      name: "answers over HTTP and closes",
      kind: "http",
      act: (peer) => {
        peer.send(bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
        peer.finish();
      },
      told: 0,
    },
  ] as const satisfies readonly {
    name: string;
    kind: "api" | "http";
    act: (peer: MemoryPeer) => void;
    told: number;
  }[];
  test.each(cases)("a node that $name: told $told times", ({ kind, act, told }) => {
    expect(meet(kind, act)).toHaveLength(told);
  });
});
