/** One listening port of a toy node; how it treats connections can change while it runs. */
import type { Server as HttpServer } from "node:http";
import net from "node:net";
import tls from "node:tls";

/**
 * What happens to a connection: `serve` HTTP (over TLS where the port has a certificate), answer a TLS `alert` to whatever
 * comes, `hang` after accept, `reset` at accept, or nobody listens (`closed`: refused).
 */
export type PortMode = "serve" | "alert" | "hang" | "reset" | "closed";

/** Counted since the port was opened. */
export interface PortCounters {
  connections: number;
  /** Completed TLS handshakes. */
  handshakes: number;
  /** Connections to a TLS port that ended before their handshake was complete. */
  handshakeErrors: number;
  requests: number;
}

export interface ToyPort {
  readonly counters: PortCounters;
  /** Connections open now. */
  open(): number;
  /** Changes the manners; connections open so far are reset, so that clients meet the new ones. */
  set(mode: PortMode): Promise<void>;
  /** Shows another certificate from the next connection on. */
  present(certificate: tls.SecureContextOptions): void;
  close(): Promise<void>;
}

export interface ToyPortSpec {
  readonly ip: string;
  readonly port: number;
  /** Null: plain HTTP. */
  readonly certificate: tls.SecureContextOptions | null;
  /** Serves the connections; never listens itself. */
  readonly http: HttpServer;
}

/** A fatal handshake_failure, as a server sends that knows TLS and nothing more. */
const ALERT = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40);

/** Opens a port in mode `serve`. */
export async function openToyPort(spec: ToyPortSpec): Promise<ToyPort> {
  const counters: PortCounters = { connections: 0, handshakes: 0, handshakeErrors: 0, requests: 0 };
  const sockets = new Set<net.Socket>();
  let context = spec.certificate === null ? null : tls.createSecureContext(spec.certificate);
  let mode: PortMode = "serve";

  const server = net.createServer((socket) => {
    counters.connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    if (mode === "reset") socket.resetAndDestroy();
    if (mode === "alert") socket.once("data", () => socket.end(ALERT));
    if (mode === "serve") serve(socket);
  });

  function serve(socket: net.Socket): void {
    if (context === null) spec.http.emit("connection", socket);
    else handshake(socket, context, counters, (secure) => spec.http.emit("connection", secure));
  }

  async function set(next: PortMode): Promise<void> {
    if (mode === "closed" && next !== "closed") await listen(server, spec);
    if (mode !== "closed" && next === "closed") await stopListening(server, sockets);
    mode = next;
    for (const socket of sockets) socket.resetAndDestroy();
  }

  spec.http.on("request", () => (counters.requests += 1));
  await listen(server, spec);
  return {
    counters,
    open: () => sockets.size,
    set,
    present: (certificate) => {
      context = tls.createSecureContext(certificate);
    },
    close: () => set("closed"),
  };
}

function handshake(
  socket: net.Socket,
  secureContext: tls.SecureContext,
  counters: PortCounters,
  done: (secure: tls.TLSSocket) => void,
): void {
  const secure = new tls.TLSSocket(socket, { isServer: true, secureContext });
  let complete = false;
  secure.on("error", () => secure.destroy());
  secure.once("close", () => {
    if (!complete) counters.handshakeErrors += 1;
  });
  secure.once("secure", () => {
    complete = true;
    counters.handshakes += 1;
    done(secure);
  });
}

function listen(server: net.Server, { ip, port }: ToyPortSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: ip, port, backlog: 511 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function stopListening(server: net.Server, sockets: ReadonlySet<net.Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.resetAndDestroy();
  });
}
