/** Real servers on loopback for the probe tests: certificates made by the openssl command, faults on demand. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import type { Address } from "../../../src/seam/snapshot.ts";
import { program } from "../../../scripts/lab/programs.ts";

const LOOPBACK = "127.0.0.1";

export interface Pair {
  readonly key: string;
  readonly cert: string;
}

/** A self-signed certificate for these DNS names. */
export function certificateFor(...names: readonly string[]): Pair {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-probe-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=probe", "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90"];
    execFileSync(program("openssl"), ["req", "-x509", ...curve, "-keyout", key, "-out", cert, ...subject], {
      stdio: "ignore",
    });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Served {
  readonly at: Address;
  readonly seen: Seen;
  /** The port is closed; connections that are open go on. */
  refuseNew(): void;
  stop(): Promise<void>;
}

/** What a server counted. */
export interface Seen {
  connections: number;
  requests: number;
  handshakes: number;
  /** What an API server would log as "TLS handshake error". */
  handshakeErrors: string[];
  servernames: (string | false | null)[];
  hosts: string[];
}

export function nothingSeen(): Seen {
  return { connections: 0, requests: 0, handshakes: 0, handshakeErrors: [], servernames: [], hosts: [] };
}

export type Answering = (path: string, response: http.ServerResponse) => void;

/** HTTPS with counters; `answer` is asked for each request. */
export async function serveHttps(pair: Pair, answer: Answering, port = 0, ip = LOOPBACK): Promise<Served> {
  const seen = nothingSeen();
  const server = https.createServer(pair, (request, response) => {
    seen.requests += 1;
    seen.hosts.push(request.headers.host ?? "");
    answer(request.url ?? "", response);
  });
  server.keepAliveTimeout = 60_000;
  server.on("secureConnection", (socket) => {
    seen.handshakes += 1;
    seen.servernames.push(socket.servername);
  });
  server.on("tlsClientError", (error) => seen.handshakeErrors.push(String(error)));
  return listen(server, seen, port, ip);
}

/** HTTPS that speaks HTTP/2 and nothing else. */
export async function serveOnlyHttp2(pair: Pair, status: (path: string) => number): Promise<Served> {
  const seen = nothingSeen();
  const server = http2.createSecureServer(pair, (request, response) => {
    seen.requests += 1;
    response.writeHead(status(request.url)).end("words");
  });
  server.on("secureConnection", () => (seen.handshakes += 1));
  server.on("tlsClientError", (error) => seen.handshakeErrors.push(String(error)));
  return listen(server, seen, 0, LOOPBACK);
}

export async function serveHttp(answer: Answering, port = 0, ip = LOOPBACK): Promise<Served> {
  const seen = nothingSeen();
  const server = http.createServer((request, response) => {
    seen.requests += 1;
    answer(request.url ?? "", response);
  });
  server.keepAliveTimeout = 60_000;
  return listen(server, seen, port, ip);
}

/** A finished handshake and `behave`, which does nothing if not given, with HTTP/2 on offer as routers have it. */
export async function serveTls(
  pair: Pair,
  port = 0,
  ip = LOOPBACK,
  behave: (socket: net.Socket) => void = (socket) => void socket.resume(),
): Promise<Served> {
  const seen = nothingSeen();
  const server = tls.createServer({ ...pair, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
    seen.handshakes += 1;
    seen.servernames.push(socket.servername);
    socket.on("error", () => undefined);
    behave(socket);
  });
  server.on("tlsClientError", (error) => seen.handshakeErrors.push(String(error)));
  return listen(server, seen, port, ip);
}

/** Raw TCP; `behave` gets each accepted socket. */
export async function serveRaw(behave: (socket: net.Socket) => void, port = 0, ip = LOOPBACK): Promise<Served> {
  return listen(net.createServer({ allowHalfOpen: true }, behave), nothingSeen(), port, ip);
}

/** A fatal alert to every hello, as HAProxy's ssl-hello-chk takes for health. */
export function alertOnly(socket: net.Socket): void {
  socket.once("data", () => socket.end(Uint8Array.of(21, 3, 3, 0, 2, 2, 80)));
}

async function listen(server: net.Server, seen: Seen, port: number, ip: string): Promise<Served> {
  const open = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    seen.connections += 1;
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ip, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    at: { ip, port: address.port },
    seen,
    refuseNew: () => void server.close(),
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        if ("closeAllConnections" in server && typeof server.closeAllConnections === "function") {
          server.closeAllConnections();
        }
        server.close(() => resolve());
      }),
  };
}

/** Wait until it holds, looking every few milliseconds; fails loudly. */
export async function until(holds: () => boolean, withinMs = 5_000): Promise<void> {
  const giveUp = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > giveUp) throw new Error(`Cannot wait longer than ${withinMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
