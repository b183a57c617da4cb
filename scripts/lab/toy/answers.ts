/** What a toy node answers: the API server's few paths, and an ingress that tells what reached it. */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** Who is answering; part of every answer. */
export interface Identity {
  readonly cluster: string;
  readonly node: string;
}

/** HTTP status of a health path, or no answer at all. */
export type HealthAnswer = 200 | 401 | 500 | 503 | "hang";

/** The ingress' answer to `/` and unknown paths, as JSON. */
export interface IngressAnswer extends Identity {
  readonly protocol: "http" | "https";
  readonly method: string;
  readonly path: string;
  /** As received, byte for byte. */
  readonly host: string;
  /** Name, value, name, value … as received. */
  readonly headers: readonly string[];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Longer than any test's pause between two requests, so that probes may keep their connections. */
const KEEP_ALIVE_MS = 75_000;

/** `/readyz`, `/livez`, `/healthz`, `/version`; anything else as the ingress. */
export function apiServer(who: Identity, readyz: () => HealthAnswer, delayMs: () => number): http.Server {
  const other = describeRequest(who, "https");
  return serverOf(delayMs, (request, response) => {
    const path = pathOf(request);
    if (path === "/readyz" || path === "/livez" || path === "/healthz") sendHealth(response, readyz());
    else if (path === "/version") sendJson(response, 200, { major: "1", minor: "32", gitVersion: "v1.32.4", ...who });
    else other(request, response);
  });
}

/**
 * `/echo` gives the body back as it comes, `/bytes/N` N bytes, `/slow/N` N lines of which each takes 100 ms, `/status/CODE`
 * that status; everything else an {@link IngressAnswer}. An Upgrade is accepted, and what then comes is echoed.
 */
export function ingressServer(who: Identity, protocol: "http" | "https", delayMs: () => number): http.Server {
  return serverOf(delayMs, describeRequest(who, protocol));
}

/** The router's own health port. */
export function readyServer(ready: () => HealthAnswer, delayMs: () => number): http.Server {
  return serverOf(delayMs, (request, response) => {
    if (pathOf(request) === "/healthz/ready") sendHealth(response, ready());
    else sendJson(response, 404, {});
  });
}

function serverOf(delayMs: () => number, handler: Handler): http.Server {
  const server = http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const delay = delayMs();
    if (delay === 0) handler(request, response);
    else setTimeout(handler, delay, request, response);
  });
  server.on("upgrade", echoUpgrade);
  return server;
}

function describeRequest(who: Identity, protocol: "http" | "https"): Handler {
  return (request, response) => {
    const [, first, rest] = pathOf(request).split("/");
    if (first === "echo") echoBody(request, response);
    else if (first === "bytes") sendBytes(response, Number(rest));
    else if (first === "slow") sendSlowly(response, Number(rest));
    else sendJson(response, first === "status" ? Number(rest) : 200, answerTo(request, who, protocol));
  };
}

function answerTo(request: IncomingMessage, who: Identity, protocol: "http" | "https"): IngressAnswer {
  const { method = "", url = "", headers, rawHeaders } = request;
  return { ...who, protocol, method, path: url, host: headers.host ?? "", headers: rawHeaders };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function sendHealth(response: ServerResponse, answer: HealthAnswer): void {
  if (answer === "hang") return;
  const text = answer === 200 ? "ok" : `not ok (${answer})`;
  response.writeHead(answer, { "content-type": "text/plain", "content-length": text.length });
  response.end(text);
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

function echoBody(request: IncomingMessage, response: ServerResponse): void {
  const length = request.headers["content-length"];
  response.writeHead(200, length === undefined ? {} : { "content-length": length });
  request.pipe(response);
}

const BLOCK = Buffer.alloc(65_536, "edge-lb ");

function sendBytes(response: ServerResponse, size: number): void {
  let left = size;
  response.writeHead(200, { "content-length": size });
  const more = (): void => {
    while (left > 0) {
      const chunk = BLOCK.subarray(0, Math.min(left, BLOCK.length));
      left -= chunk.length;
      if (!response.write(chunk)) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}

function sendSlowly(response: ServerResponse, lines: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (sent < lines) response.write(`line ${(sent += 1)}\n`);
    else response.end();
  }, 100);
  response.once("close", () => clearInterval(timer));
}

function echoUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const protocol = request.headers.upgrade ?? "echo";
  socket.on("error", () => socket.destroy());
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  socket.write(head);
  socket.pipe(socket);
}
