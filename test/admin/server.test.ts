import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import net from "node:net";
import { openAdmin, type AdminServer } from "../../src/admin/server.ts";
import { until } from "../../scripts/lab/small-lab.ts";
import { adminAccess } from "./access.ts";

// hundreds of connections take a while on a busy machine
setDefaultTimeout(60_000);
let server: AdminServer | null = null;
const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

async function start(): Promise<ReturnType<typeof adminAccess>> {
  const seen = adminAccess();
  server = await openAdmin({ ip: "127.0.0.1", port: 0 }, seen.access);
  return seen;
}

/** Connects, says this and reads nothing. */
async function sit(text = ""): Promise<net.Socket> {
  const socket = net.connect({ port: server?.at.port ?? 0, host: "127.0.0.1" });
  sockets.push(socket);
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  if (text !== "") socket.write(text);
  return socket;
}

/** All that is answered to these bytes. */
async function ask(bytes: string): Promise<string> {
  const socket = await sit(bytes);
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const get = (path: string, more = "Connection: close\r\n"): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`;

describe("openAdmin()", () => {
  for (const [what, text] of [
    ["that say nothing", ""],
    ["with half a request", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "],
    ["that listen to events and read nothing", get("/v1/events", "")],
    ["that read no answer", get("/", "").repeat(20)],
  ] as const) {
    test(`A4: 250 connections ${what} keep nobody from an answer`, async () => {
      await start();
      for (let caller = 0; caller < 250; caller++) await sit(text);
      for (const path of ["/readyz", "/healthz", "/metrics", "/"]) {
        expect(await ask(get(path))).toStartWith("HTTP/1.1 200 ");
      }
      const viewer = await sit(get("/v1/events", ""));
      const first = await new Promise((resolve) => viewer.once("data", resolve));
      expect(String(first)).toStartWith("HTTP/1.1 200 ");
    });
  }

  test("A4: subscribers are as many as may listen, and none stays of those who went or asked with HEAD", async () => {
    const { events } = await start();
    for (let viewer = 0; viewer < 130; viewer++) await sit(get("/v1/events", ""));
    await until("64 subscribers", () => events.subscribers === 64);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until("none", () => events.subscribers === 0);
    for (let time = 0; time < 50; time++) await ask(get("/v1/events").replace("GET", "HEAD"));
    expect(events.subscribers).toBe(0);
  });

  test("A4: requests that a connection sends at once are answered in turn, and too many of them end it", async () => {
    await start();
    const answers = await ask(get("/healthz", "").repeat(19) + get("/healthz"));
    expect(answers.match(/^HTTP\/1\.1 200 /gm)).toHaveLength(20);
    const greedy = await sit(get("/", "").repeat(200));
    await new Promise((resolve) => greedy.resume().once("close", resolve));
    expect(await ask(get("/readyz"))).toStartWith("HTTP/1.1 200 ");
  });

  test("keeps a connection for further requests", async () => {
    await start();
    const kept = await sit(get("/readyz", ""));
    const answers: string[] = [];
    kept.on("data", (chunk) => answers.push(String(chunk)));
    await until("the first answer", () => answers.length === 1);
    kept.write(get("/readyz", ""));
    await until("the second answer", () => answers.length === 2);
  });

  test.each([
    ["a Host that is none", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n"],
    ["a request line that is no URL", "GET http://[bad/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"],
  ])("says of its 400 to %s which type it is", async (_, bytes) => {
    await start();
    const answer = await ask(bytes);
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer.toLowerCase()).toContain("\r\nx-content-type-options: nosniff\r\n");
  });

  test("answers 400 to what is no HTTP", async () => {
    await start();
    expect(await ask("garbage\r\n\r\n")).toStartWith("HTTP/1.1 400 ");
  });
});
