/**
 * The runtime on `node:net`, for Node and Deno. A `net.Socket` queues writes without bound, so its wire stops taking bytes as
 * long as one write is under way: what waits, waits in the connection, which pauses the other side.
 */
import net from "node:net";
import type { ListenSpec } from "../seam/mail.ts";
import { Accepting } from "./portable/accept.ts";
import { Dialing, dialError } from "./portable/dial.ts";
import { codeOf } from "../errors.ts";
import { KEEP_ALIVE_MS, type PortableConn } from "./portable/conn.ts";
import { listenError } from "./listen-error.ts";
import { Place, type SocketCopies } from "./portable/place.ts";
import { bindServer } from "./portable/node-bind.ts";
import { eventLoopTraits, type MailPort, PortableRuntime } from "./portable/runtime.ts";
import type { Cancel, CloseCause, Conn, ConnEvents, DialSpec, Listener, Runtime } from "./port.ts";
import type { Wire } from "./portable/wire.ts";

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };

/** @param copies Without it, a listener that was given a descriptor cannot rest. */
export function createNodeRuntime(mail: MailPort | null, copies: SocketCopies | null = null): Runtime {
  return new NodeRuntime(mail, copies);
}

/** A `net.Socket` that takes bytes only as fast as the system does. */
class NodeWire implements Wire {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** Its number, where the engine shows it: the last ones are not for clients. */
  readonly fd: number;
  private readonly socket: net.Socket;
  private full = false;
  private error: Error | null = null;

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.fd = fdOf(socket);
    // without a listener an error would end the process
    socket.on("error", (error) => (this.error ??= error));
  }

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.socket.localPort;
  }

  /** From now on `conn` hears of the socket. */
  report(conn: PortableConn): void {
    const { socket } = this;
    socket.on("data", (chunk: Uint8Array) => conn.received(chunk));
    socket.on("end", () => conn.ended());
    socket.on("drain", () => {
      this.full = false;
      conn.writable();
    });
    socket.on("close", () => conn.closed(closeCause(this.error)));
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

/** -1 where the engine does not show it. */
function fdOf(socket: object): number {
  return (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
}

/** Most that a socket queues before it says "full": one read of the other side. */
const PIECE_BYTES = 65_536;

class NodeRuntime extends PortableRuntime {
  readonly engine = "node";
  private readonly copies: SocketCopies | null;

  constructor(mail: MailPort | null, copies: SocketCopies | null) {
    super(mail, { ...eventLoopTraits(), borrows: true });
    this.copies = copies;
  }

  listen(spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
    const accepting = new Accepting(this.host, onAccept);
    const enter = (socket: net.Socket): void => {
      const wire = new NodeWire(socket);
      const conn = accepting.accept(wire);
      if (conn !== null) wire.report(conn);
    };
    const place = new Place(spec.fd, this.copies);
    const { host } = this;
    return this.listening(spec.at, accepting, {
      open(at) {
        const server = net.createServer(SOCKET_OPTIONS, enter);
        const late = (error: Error): void => host.fault(listenError(at, codeOf(error), error));
        const port = bindServer(server, { ...spec, at, fd: place.next() }, late);
        return { port, fd: place.again ? () => fdOf(server) : null, close: () => void server.close() };
      },
      end: () => place.end(),
    });
  }

  dial(spec: DialSpec): Cancel {
    const dialing = new Dialing(spec, this.host);
    const { ip, port } = spec.to;
    const socket = net.connect({ host: ip, port, ...SOCKET_OPTIONS });
    const failed = (error: Error): void => dialing.failed(dialError(codeOf(error)));
    dialing.abandon = () => void socket.destroy();
    socket.on("error", failed);
    socket.once("connect", () => {
      socket.off("error", failed);
      const wire = new NodeWire(socket);
      const conn = dialing.opened(wire);
      if (conn !== null) wire.report(conn);
    });
    return dialing;
  }
}

function closeCause(error: Error | null): CloseCause {
  if (error === null) return "closed";
  return codeOf(error) === "ETIMEDOUT" ? "timeout" : "reset";
}
