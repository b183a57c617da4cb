import { afterEach, describe, expect, test } from "bun:test";
import type { Server } from "node:http";
import net from "node:net";
import { createHttpServer } from "../../../src/control/api/http-server.ts";

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** What a server that echoes the URL answers to these bytes. */
async function ask(bytes: string): Promise<string> {
  server = createHttpServer((request) => new Response(request.url));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const address = server.address() as net.AddressInfo;
  const client = net.connect(address.port, "127.0.0.1");
  client.write(bytes);
  let text = "";
  for await (const chunk of client) text += String(chunk);
  return text;
}

const get = (target: string, host = "lb.lab:8405"): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

describe("createHttpServer()", () => {
  test.each([
    ["/v1/x?y=1", "http://lb.lab:8405/v1/x?y=1"],
    ["//", "http://lb.lab:8405//"],
    ["//evil", "http://lb.lab:8405//evil"],
    ["http://other.lab/v1", "http://other.lab/v1"],
  ])("reads GET %s", async (target, url) => {
    const answer = await ask(get(target));
    expect(answer).toStartWith("HTTP/1.1 200 ");
    expect(answer).toEndWith(`\r\n\r\n${url}`);
  });

  test("takes a request of HTTP/1.0 without a Host", async () => {
    expect(await ask("GET /v1 HTTP/1.0\r\n\r\n")).toEndWith("\r\n\r\nhttp://edge-lb/v1");
  });

  test.each([
    ["GET http://[bad/", get("http://[bad/")],
    ["a Host that is none", get("/v1", "a b")],
    ["a Host with a path", get("/v1", "lb.lab/x")],
  ])("answers 400 to %s", async (_, bytes) => {
    const answer = await ask(bytes);
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer).toContain('"code":"USAGE"');
  });
});
