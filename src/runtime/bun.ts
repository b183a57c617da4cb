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
import { Dialing, dialError } from "./portable/dial.ts";
import { codeOf } from "../errors.ts";
import { createEventLoop, type EventLoop, type MailPort } from "./portable/event-loop.ts";
import { keepAliveRounds } from "./portable/keep-alive.ts";
import type { Link } from "./portable/conn.ts";
import { listenError } from "./listen-error.ts";
import type { Cancel, CloseCause, Conn, ConnEvents, DialSpec, Listener, Runtime } from "./port.ts";
import { lowestFreeDescriptor } from "./portable/descriptors.ts";

/** What a socket's events are for: its link, once it has one. */
interface Data {
  link: Link | null;
  readonly dialing: Dialing | null;
}
type BunSocket = Socket<Data>;

export function createBunRuntime(mail: MailPort | null): Runtime {
  const loop = createEventLoop(mail, { borrows: false, spent: freeChunk });
  const tend = keepAliveRounds(loop.host);
  const dialEvents = dialHandlers(tend);
  return {
    engine: "bun",
    ...loop.common,
    listen: (spec, onAccept) => listen(loop, spec, onAccept, tend),
    dial: (spec) => dial(loop, spec, dialEvents),
  };
}

const EVENTS = {
  data: (socket: BunSocket, chunk: Uint8Array): void => socket.data.link?.received(chunk),
  drain: (socket: BunSocket): void => socket.data.link?.writable(),
  end: (socket: BunSocket): void => socket.data.link?.ended(),
  close: (socket: BunSocket, error?: Error): void => socket.data.link?.closed(closeCause(error)),
  error: (socket: BunSocket, error: Error): void => socket.data.link?.fault(error),
} satisfies SocketHandler<Data>;

/** @throws EdgeError; a descriptor that cannot be listened on is Bun's own error */
function listen(loop: EventLoop, spec: ListenSpec, onAccept: (conn: Conn) => ConnEvents, tend: () => void): Listener {
  const accepting = new Accepting(loop.host, onAccept);
  const socket: SocketHandler<Data> = {
    ...EVENTS,
    open(opened) {
      const data: Data = { link: null, dialing: null };
      opened.data = data;
      data.link = accepting.accept(opened);
      tend();
    },
  };
  const server = bind(spec, socket);
  const listener: Listener = {
    at: { ip: spec.at.ip, port: server.port ?? spec.at.port },
    pause: () => accepting.pause(),
    resume: () => accepting.resume(),
    close() {
      loop.listeners.delete(listener);
      accepting.close();
      server.stop();
    },
  };
  loop.listeners.add(listener);
  return listener;
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

const dialHandlers = (tend: () => void): SocketHandler<Data> => ({
  ...EVENTS,
  open(socket) {
    const { data } = socket;
    if (data.dialing !== null) data.link = data.dialing.opened(socket);
    tend();
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

function dial({ host }: EventLoop, spec: DialSpec, socket: SocketHandler<Data>): Cancel {
  const dialing = new Dialing(spec, host);
  const data: Data = { link: null, dialing };
  const { ip, port } = spec.to;
  connecting = true;
  try {
    Bun.connect({ hostname: ip, port, socket, data, allowHalfOpen: true }).catch(ignore);
  } catch (error) {
    host.defer(() => dialing.failed(dialError(codeOf(error))));
  } finally {
    connecting = false;
  }
  return dialing;
}

/** `connectError` has told it already. */
function ignore(): void {}

function closeCause(error: Error | undefined): CloseCause {
  if (error === undefined) return "closed";
  return codeOf(error) === "ETIMEDOUT" ? "timeout" : "reset";
}
