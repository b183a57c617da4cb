/** Mutated streams from both sides through sockets, resets and half-closes at any moment: nothing faults, nothing leaks. */
import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import net from "node:net";
import { mutate, randomOf, seedStreams } from "../../scripts/fuzz/engine.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

const NODE_IP = "127.28.0.1";
const CLIENTS = 16;
const CONNECTIONS = 4_000;
const program = process.env["EDGE_LB_PROGRAM"] ?? "source";
const engines = program === "source" || program === "binary" ? ["linux", "bun", "node"] : ["node"];
const seeds = seedStreams();

let stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  stops = [];
});

describe.each(engines)("engine %s", (engine) => {
  test("survives clients and nodes that say anything and leave at any time", async () => {
    const random = randomOf(28);
    const [port = 0, nodePort = 0] = await freePorts(2);
    await startNode(nodePort, random);
    const edge = await start(engine, port, nodePort);
    const before = descriptors(edge);
    let left = CONNECTIONS;
    const client = async (): Promise<void> => {
      while (left-- > 0) await abuse(port, random);
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    for (let looks = 0; looks < 100 && descriptors(edge) > before; looks++) await Bun.sleep(100);
    expect(descriptors(edge)).toBeLessThanOrEqual(before);
    expect(edge.logs()).not.toMatch(/fault|internal error|exception/i);
    const after = await fetch(`http://127.0.0.1:${port}/`, { headers: { Host: "nobody.lab" } });
    expect(after.status).toBe(404);
  }, 60_000);
});

async function start(engine: string, port: number, nodePort: number): Promise<EdgeLb> {
  const times = ["http-head=1s", "keep-alive=1s", "ingress-idle=1s"].flatMap((time) => ["--timeout", time]);
  const listen = [`http=127.0.0.1:${port}`, "api=off", "https=off"].flatMap((spec) => ["--listen", spec]);
  const cluster = `hub=${NODE_IP},domain=hub.lab,http-port=${nodePort},check=off`;
  const edge = await startEdgeLb(["--engine", engine, "--workers", "1", ...times, ...listen, "--cluster", cluster]);
  stops.push(() => edge.stop());
  return edge;
}

/** Answers every read with anything, and then stays, finishes or resets. */
async function startNode(port: number, random: (below: number) => number): Promise<void> {
  const sockets = new Set<net.Socket>();
  const node = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", () => {
      const mood = random(10);
      if (mood === 0) return void socket.resetAndDestroy();
      socket.write(mutate(seeds, random).answers[0] ?? "", "latin1");
      if (mood < 4) socket.end();
    });
  });
  node.listen(port, NODE_IP);
  await once(node, "listening");
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    node.close();
  });
}

/** One connection of at most 30 ms. */
function abuse(port: number, random: (below: number) => number): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port });
    const over = setTimeout(() => socket.destroy(), random(30));
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.on("close", () => {
      clearTimeout(over);
      resolve();
    });
    socket.write(mutate(seeds, random).send, "latin1");
    const mood = random(8);
    if (mood < 3) socket.end();
    if (mood === 7) setTimeout(() => socket.resetAndDestroy(), random(5));
  });
}

function descriptors(edge: EdgeLb): number {
  return readdirSync(`/proc/${edge.pid}/fd`).length;
}
