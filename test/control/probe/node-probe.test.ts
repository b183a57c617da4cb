import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { createNodeProbe, type NodeProbe, type ProbeRequest } from "../../../src/control/probe/node-probe.ts";
import { SERVICES, type Service } from "../../../src/seam/services.ts";
import { certificateFor, serveRaw, serveTls, until, type Served } from "./servers.ts";

setDefaultTimeout(60_000);
const stops: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

const pair = certificateFor("api.hub.lab", "*.apps.hub.lab");
const USUAL: ProbeRequest = {
  readiness: true,
  handshake: true,
  thorough: false,
  reconnect: false,
  timeoutMs: 10_000,
};

function keep(served: Served): Served {
  stops.push(() => served.stop());
  return served;
}

/** A server of HTTP whose listener and connections end apart, unlike those of node:http. */
function answerOk(socket: Socket): void {
  socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  socket.on("end", () => socket.end());
}

function probeOf(name: string, port: number, readyPort: number): NodeProbe {
  const service = SERVICES.find((each) => each.name === name) as Service;
  const ports = [{ service, port }];
  const probe = createNodeProbe({ group: service.group, ip: "127.0.0.1", ports, readyPort, servername: null });
  stops.push(() => probe.close());
  return probe;
}

describe("NodeProbe", () => {
  test("finds that an API server takes no new connection any more, though its kept one answers (13 C4)", async () => {
    const server = keep(await serveTls(pair, 0, "127.0.0.1", answerOk));
    const probe = probeOf("api", server.at.port, 0);
    expect((await probe.probe(USUAL)).ready).toEqual({ got: "http", status: 200 });
    server.refuseNew();
    expect((await probe.probe(USUAL)).ready).toEqual({ got: "http", status: 200 });
    expect((await probe.probe({ ...USUAL, reconnect: true })).ready).toMatchObject({ got: "nothing" });
  });

  test("asks a router for its readiness on a new connection, and leaves its traffic ports alone", async () => {
    const ready = keep(await serveRaw(answerOk));
    const traffic = keep(await serveTls(pair));
    const probe = probeOf("https", traffic.at.port, ready.at.port);
    await probe.probe({ ...USUAL, thorough: true, reconnect: true });
    await until(() => traffic.seen.handshakes === 1);
    const again = await probe.probe({ ...USUAL, reconnect: true });
    expect(again).toMatchObject({ ready: { got: "http", status: 200 }, own: {} });
    expect([ready.seen.connections, traffic.seen.connections]).toEqual([2, 1]);
    ready.refuseNew();
    const refused = await probe.probe({ ...USUAL, reconnect: true });
    expect(refused).toMatchObject({ ready: { got: "nothing" }, own: { https: { got: "tls" } } });
  });
});
