/** Two instances with one configuration choose the same node for every hashed choice, whatever the order of their lists. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import http from "node:http";
import { once } from "node:events";
import { startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

const NODES = ["127.62.0.11", "127.62.0.12", "127.62.0.13", "127.62.0.14"];

describe("two instances", () => {
  const servers: http.Server[] = [];
  let edges: readonly EdgeLb[];
  let doors: readonly { readonly ip: string; readonly port: number }[];

  beforeAll(async () => {
    const [port = 0, one = 0, two = 0] = await freePorts(3);
    for (const ip of NODES) {
      const server = http.createServer((_, response) => response.end(ip)).listen(port, ip);
      await once(server, "listening");
      servers.push(server);
    }
    doors = [
      { ip: "127.62.0.1", port: one },
      { ip: "127.62.0.2", port: two },
    ];
    const start = (nodes: readonly string[], door: number): Promise<EdgeLb> => {
      const list = `${nodes.join(",")},http-port=${port},check=off`;
      return startEdgeLb([
        "--listen",
        "api=off",
        "--listen",
        "https=off",
        "--listen",
        `http=${doors[door]?.ip}:${doors[door]?.port}`,
        "--cluster",
        `byhost=${list},names=*.host.lab`,
        "--cluster",
        `bysource=${list},names=*.source.lab,balance-http=source`,
      ]);
    };
    edges = [await start(NODES, 0), await start(NODES.toReversed(), 1)];
  }, 60_000);
  afterAll(async () => {
    await Promise.all(edges.map((edge) => edge.stop()));
    for (const server of servers) server.close();
  }, 30_000);

  function nodeFor(door: number, host: string, localAddress: string): Promise<string> {
    const { ip = "", port = 0 } = doors[door] ?? {};
    return new Promise((resolve, reject) => {
      const request = http.get({ host: ip, port, localAddress, agent: false, headers: { host } }, (response) => {
        let text = "";
        response.on("data", (chunk) => (text += String(chunk)));
        response.on("end", () => resolve(text));
      });
      request.on("error", reject);
    });
  }

  const clients = Array.from({ length: 20 }, (_, at) => `127.62.1.${at + 1}`);
  test.each([
    ["host", clients.map((ip, at) => [`r${at}.host.lab`, ip] as const)],
    ["source", clients.map((ip) => ["r.source.lab", ip] as const)],
  ])("send a client to the same node by %s", async (_, asked) => {
    const chosen = (door: number): Promise<string[]> => Promise.all(asked.map(([host, ip]) => nodeFor(door, host, ip)));
    const [first, second] = [await chosen(0), await chosen(1)];
    expect(second).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });
});
