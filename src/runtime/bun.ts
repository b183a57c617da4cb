/**
 * The runtime on `Bun.listen` and `Bun.connect`. A Bun socket is a `Wire` as it stands, so a chunk takes one callback in and
 * one `write` out. What had to be learned by trying (Bun 1.4.5):
 * - FIN is `shutdown()`; `end()` closes the descriptor, reading included.
 * - After our own FIN the peer's is told by `close` alone; a reset is a `close` with an error.
 * - `terminate()` and `end()` call `close` before they return, `connectError` may come before `connect` returned.
 * - TCP_NODELAY is set by Bun itself, on accepted and on dialled sockets.
 * - A connect under way cannot be taken back: after a timeout or `cancel()` its descriptor lives until the kernel gives up,
 *   about two minutes later; should it still open, it is reset.
 */
import type { Socket, SocketHandler, TCPSocketListener } from "bun";
import type { DialError, ListenSpec } from "../seam/mail.ts";
import { Accepting } from "./portable/accept.ts";
import { Place, type SocketCopies } from "./portable/place.ts";
import { Dialing, dialError } from "./portable/dial.ts";
import { codeOf } from "../errors.ts";
import { keepAliveRounds } from "./portable/keep-alive.ts";
import type { PortableConn } from "./portable/conn.ts";
import { listenError } from "./listen-error.ts";
import { eventLoopTraits, type MailPort, PortableRuntime } from "./portable/runtime.ts";
import type { Cancel, CloseCause, Conn, ConnEvents, DialSpec, Listener, Runtime } from "./port.ts";
import { lowestFreeDescriptor } from "./descriptors.ts";

/** What a socket's events are for: its connection, once it has one. */
interface Data {
  conn: PortableConn | null;
  readonly dialing: Dialing | null;
}
type BunSocket = Socket<Data>;

/** @param copies Without it, a listener that was given a descriptor cannot rest. */
export function createBunRuntime(mail: MailPort | null, copies: SocketCopies | null = null): Runtime {
  return new BunRuntime(mail, copies);
}

const EVENTS = {
  data: (socket: BunSocket, chunk: Uint8Array): void => socket.data.conn?.received(chunk),
  drain: (socket: BunSocket): void => socket.data.conn?.writable(),
  end: (socket: BunSocket): void => socket.data.conn?.ended(),
  close: (socket: BunSocket, error?: Error): void => socket.data.conn?.closed(closeCause(error)),
  error: (socket: BunSocket, error: Error): void => socket.data.conn?.fault(error),
} satisfies SocketHandler<Data>;

class BunRuntime extends PortableRuntime {
  readonly engine = "bun";
  private readonly copies: SocketCopies | null;
  private readonly keepAliveLater: () => void;
  private readonly dialEvents: SocketHandler<Data>;

  constructor(mail: MailPort | null, copies: SocketCopies | null) {
    super(mail, { ...eventLoopTraits(), borrows: false, spent: freeChunk });
    this.copies = copies;
    this.keepAliveLater = keepAliveRounds(this.host);
    this.dialEvents = dialEvents(this.keepAliveLater);
  }

  /** @throws EdgeError; a descriptor that cannot be listened on is Bun's own error */
  listen(spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents): Listener {
    const accepting = new Accepting(this.host, onAccept);
    const { keepAliveLater } = this;
    const events: SocketHandler<Data> = {
      ...EVENTS,
      open(opened) {
        const data: Data = { conn: null, dialing: null };
        opened.data = data;
        data.conn = accepting.accept(opened);
        keepAliveLater();
      },
    };
    const place = new Place(spec.fd, this.copies);
    return this.listening(spec.at, accepting, {
      open(at) {
        const fd = place.next();
        const server = bind({ ...spec, at, fd }, events);
        return {
          port: server.port ?? at.port,
          fd: place.again ? () => (server as { readonly fd?: number }).fd ?? -1 : null,
          close: () => server.stop(),
        };
      },
      end: () => place.end(),
    });
  }

  dial(spec: DialSpec): Cancel {
    const dialing = new Dialing(spec, this.host);
    const { ip, port } = spec.to;
    const data: Data = { conn: null, dialing };
    connecting = true;
    try {
      Bun.connect({ hostname: ip, port, socket: this.dialEvents, data, allowHalfOpen: true }).catch(ignore);
    } catch (error) {
      this.host.defer(() => dialing.failed(dialError(codeOf(error))));
    } finally {
      connecting = false;
    }
    return dialing;
  }
}

/** Bun's types know neither `fd` nor `reusePort`. */
type ListenAnywhere = (options: object) => TCPSocketListener<Data>;

function bind({ at, fd, reusePort }: ListenSpec, socket: SocketHandler<Data>): TCPSocketListener<Data> {
  try {
    // a descriptor is adopted, and closed with the listener
    const where: object = fd >= 0 ? { fd } : { hostname: at.ip === "" ? "::" : at.ip, port: at.port, reusePort };
    return (Bun.listen as ListenAnywhere)({ socket, allowHalfOpen: true, ...where });
  } catch (error) {
    throw listenError(at, codeOf(error), error);
  }
}

/** Smaller chunks are left to the garbage collector, which is cheaper then. */
const FREE_BYTES = 32_768;

/**
 * Gives the memory of a chunk back at once: Bun allocates one for every read, up to 512 KB, and memory that is still in the
 * cache is a fifth of the cost of a bulk stream. Only for a chunk whose buffer ends with it: what lay before was sent before.
 */
function freeChunk(chunk: Uint8Array): void {
  if (chunk.length < FREE_BYTES && chunk.byteOffset === 0) return;
  const { buffer, byteOffset, byteLength } = chunk;
  if (buffer.byteLength < FREE_BYTES || byteOffset + byteLength !== buffer.byteLength) return;
  (buffer as ArrayBuffer & { transfer(bytes: number): ArrayBuffer }).transfer(0);
}

const dialEvents = (keepAliveLater: () => void): SocketHandler<Data> => ({
  ...EVENTS,
  open(socket) {
    const { data } = socket;
    if (data.dialing !== null) data.conn = data.dialing.opened(socket);
    keepAliveLater();
  },
  connectError(socket, error) {
    const { dialing } = socket.data;
    const verdict = connecting ? earlyError(codeOf(error)) : dialError(codeOf(error));
    if (dialing !== null) queueMicrotask(() => dialing.failed(verdict));
  },
});

/** `Bun.connect` has been called and has not returned. */
let connecting = false;

/**
 * Bun calls every failure ECONNREFUSED (oven-sh/bun#37093). One that comes before `connect` returned is none: nobody was
 * asked yet, so either no route leads there or no descriptor is free.
 */
function earlyError(code: string | undefined): DialError {
  if (code !== "ECONNREFUSED") return dialError(code);
  try {
    lowestFreeDescriptor();
    return "unreachable";
  } catch {
    return "no-descriptors";
  }
}

/** `connectError` has told it already. */
function ignore(): void {}

function closeCause(error: Error | undefined): CloseCause {
  if (error === undefined) return "closed";
  return codeOf(error) === "ETIMEDOUT" ? "timeout" : "reset";
}
