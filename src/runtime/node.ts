/**
 * The runtime on `node:net`, for Node and Deno. A `net.Socket` queues writes without bound, so its wire stops taking bytes as
 * long as one write is under way: what waits, waits in the link, which pauses the other side.
 */
import net from "node:net";
import type { ListenSpec } from "../seam/mail.ts";
import { Accepting } from "./portable/accept.ts";
import { Dialing, dialError } from "./portable/dial.ts";
import { codeOf } from "../errors.ts";
import { createEventLoop, type EventLoop, type MailPort } from "./portable/event-loop.ts";
import { KEEP_ALIVE_MS, type Link } from "./portable/conn.ts";
import { listenError } from "./listen-error.ts";
import { bindServer } from "./portable/node-bind.ts";
import type { Cancel, CloseCause, Conn, ConnEvents, DialSpec, Listener, Runtime } from "./port.ts";
import type { Wire } from "./portable/wire.ts";

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };

export function createNodeRuntime(mail: MailPort | null): Runtime {
  const loop = createEventLoop(mail, { borrows: true });
  return {
    engine: "node",
    ...loop.common,
    listen: (spec, onAccept) => listen(loop, spec, onAccept),
    dial: (spec) => dial(loop, spec),
  };
}

/** A `net.Socket` that takes bytes only as fast as the system does. */
class NodeWire implements Wire {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  private readonly socket: net.Socket;
  private full = false;
  private error: Error | null = null;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.socket.localPort;
  }

  /** From now on `link` hears of the socket. */
  report(link: Link): void {
    const { socket } = this;
    socket.on("data", (chunk: Uint8Array) => link.received(chunk));
    socket.on("end", () => link.ended());
    socket.on("drain", () => {
      this.full = false;
      link.writable();
    });
    socket.on("close", () => link.closed(closeCause(this.error)));
  }

  /** Without a listener an error would end the process. */
  watchErrors(): void {
    this.socket.on("error", (error) => (this.error ??= error));
  }

  write(chunk: Uint8Array): number {
    const { socket } = this;
    if (socket.destroyed) return -1;
    let taken = 0;
    while (!this.full && taken < chunk.length) {
      const piece = chunk.subarray(taken, taken + PIECE_BYTES);
      taken += piece.length;
      this.full = !socket.write(piece) && socket.writableLength > 0;
    }
    return taken;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  shutdown(): void {
    this.socket.end();
  }

  end(): void {
    this.socket.destroySoon();
  }

  terminate(): void {
    this.socket.resetAndDestroy();
  }
}

/** Most that a socket queues before it says "full": one read of the other side. */
const PIECE_BYTES = 65_536;

function listen(loop: EventLoop, spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
  const accepting = new Accepting(loop.host, onAccept);
  const server = net.createServer(SOCKET_OPTIONS, (socket) => {
    const wire = new NodeWire(socket);
    wire.watchErrors();
    const link = accepting.accept(wire);
    if (link !== null) wire.report(link);
  });
  const port = bindServer(server, spec, (error) => loop.host.fault(listenError(spec.at, codeOf(error), error)));
  const listener: Listener = {
    at: { ip: spec.at.ip, port },
    pause: () => accepting.pause(),
    resume: () => accepting.resume(),
    close() {
      loop.listeners.delete(listener);
      accepting.close();
      server.close();
    },
  };
  loop.listeners.add(listener);
  return listener;
}

function dial({ host }: EventLoop, spec: DialSpec): Cancel {
  const dialing = new Dialing(spec, host);
  const { ip, port } = spec.to;
  const socket = net.connect({ host: ip, port, ...SOCKET_OPTIONS });
  const failed = (error: Error): void => dialing.failed(dialError(codeOf(error)));
  dialing.abandon = () => void socket.destroy();
  socket.on("error", failed);
  socket.once("connect", () => {
    socket.off("error", failed);
    const wire = new NodeWire(socket);
    wire.watchErrors();
    const link = dialing.opened(wire);
    if (link !== null) wire.report(link);
  });
  return dialing;
}

function closeCause(error: Error | null): CloseCause {
  if (error === null) return "closed";
  return codeOf(error) === "ETIMEDOUT" ? "timeout" : "reset";
}
