import { describe, expect, test } from "bun:test";
import { countOf, totalOf } from "../../src/seam/board.ts";
import { startLab, type Lab } from "./service-lab.ts";

const NODES = ["10.0.0.20", "10.0.0.21"];
const PORT = 80;

function lab(): Lab {
  return startLab(`--cluster hub=${NODES.join(",")},domain=hub.lab`);
}

function ask({ connect, runtime }: Lab): string {
  const client = connect("http");
  client.send(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\nConnection: close\r\n\r\n"));
  runtime.settle();
  return new TextDecoder().decode(client.received);
}

function blamed({ board, cell, posted }: Lab): [number, number] {
  const failures = NODES.map((ip) => totalOf(board, cell(`cluster/hub/http/${ip}:${PORT}`), "failures"));
  return [
    failures.reduce((sum, count) => sum + count, 0),
    posted("dial-failed").filter(({ error }) => error !== "no-ports").length,
  ];
}

describe("A7: local ports that are used up", () => {
  test("count against no node, and another node is tried", () => {
    const here = lab();
    for (const ip of NODES) here.runtime.fail({ ip, port: PORT }, "no-ports");
    expect(ask(here)).toMatch(/^HTTP\/1\.1 503 [^]*edge-lb has no local port left to reach a node/);
    expect(blamed(here)).toEqual([0, 0]);
    expect(countOf(here.board, "shortages")).toBe(2);
    expect(here.records()).toMatchObject([{ end: "limit reached", note: "2 tried, last: no-ports" }]);
  });
});
