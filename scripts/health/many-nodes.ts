/**
 * A thousand nodes in one process, as a child of the bench: every cluster has ports of its own on every loopback address, so a node
 * is an address. Answers probes and counts them.
 */
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { createAuthority } from "../lab/toy/certificate.ts";

export interface ManyNodesSpec {
  /** By cluster; its domain is `NAME.lab`. */
  readonly clusters: readonly { readonly name: string; readonly ports: NodePorts }[];
}

export interface NodePorts {
  readonly api: number;
  readonly https: number;
  readonly http: number;
  readonly ready: number;
}

/** Of all nodes, since the start. */
export interface ManyNodesCount {
  readonly questions: number;
  readonly connections: number;
  readonly handshakes: number;
  readonly handshakeErrors: number;
}

const count = { questions: 0, connections: 0, handshakes: 0, handshakeErrors: 0 };
/** Longer than any run. */
const KEEP_ALIVE_MS = 3_600_000;

async function serve({ clusters }: ManyNodesSpec): Promise<void> {
  for (const { name, ports } of clusters) {
    const authority = await createAuthority(name);
    const api = await authority.issue({ names: [`api.${name}.lab`, `api-int.${name}.lab`] });
    const apps = await authority.issue({ names: [`*.apps.${name}.lab`] });
    const servers = [
      [https.createServer({ ...api, keepAliveTimeout: KEEP_ALIVE_MS }, answer), ports.api],
      [tls.createServer({ ...apps, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => socket.resume()), ports.https],
      [http.createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, answer), ports.ready],
      [net.createServer((socket) => socket.on("error", () => socket.destroy()).resume()), ports.http],
    ] as const;
    for (const [server, port] of servers) await listen(server, port);
  }
}

function answer(_request: http.IncomingMessage, response: http.ServerResponse): void {
  count.questions += 1;
  response.writeHead(200, { "content-length": 2 });
  response.end("ok");
}

function listen(server: net.Server, port: number): Promise<void> {
  server.on("connection", () => (count.connections += 1));
  server.on("secureConnection", (socket: tls.TLSSocket) => {
    count.handshakes += 1;
    socket.on("error", () => socket.destroy());
  });
  server.on("tlsClientError", () => (count.handshakeErrors += 1));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "0.0.0.0", resolve);
  });
}

process.on("message", (call: ManyNodesSpec | "count") => {
  if (call === "count") process.send?.(count);
  else void serve(call).then(() => process.send?.(count));
});
process.on("disconnect", () => process.exit(0));
