/** Making listening sockets: control makes one per address and lends the descriptor to every worker. */
import type { Address } from "../../seam/snapshot.ts";
import { AF, ERRNO, IPV6_V6ONLY, SO, SOL, TCP } from "./libc.ts";
import { keepAlive, noDelay } from "./socket-options.ts";
import { decodeAddress, encodeAddress, familyOf } from "./sockaddr.ts";
import { bind, close, duplicate as dup, listen, openSocket, readLocalAddress, setOption, unblock } from "./syscalls.ts";

/** The kernel cuts it to net.core.somaxconn; the reconnect storm of a cluster's clients should fit. */
const BACKLOG = 4096;
/** A silent client is accepted this much later, so the hello timeout stretches by no more. */
const DEFER_SECONDS = 1;

/** Why a socket cannot listen: `code` as Node and Bun name it ("EADDRINUSE"), for callers that word it themselves. */
export class SocketError extends Error {
  override readonly name = "SocketError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const REASONS: ReadonlyMap<number, readonly [code: string, message: string]> = new Map([
  [ERRNO.EADDRINUSE, ["EADDRINUSE", "address in use"]],
  [ERRNO.EACCES, ["EACCES", "permission denied"]],
  [ERRNO.EADDRNOTAVAIL, ["EADDRNOTAVAIL", "this machine does not have that address"]],
  [ERRNO.EAFNOSUPPORT, ["EAFNOSUPPORT", "the kernel has no support for this address family"]],
  [ERRNO.EINVAL, ["EINVAL", "not an IP address"]],
  [ERRNO.EMFILE, ["EMFILE", "too many open files"]],
]);

export interface ListenOptions {
  /** Share the port with other sockets of this user; false. */
  readonly reusePort?: boolean;
  /** Wake for a client when its first bytes are there: clients speak first on every listener; true. */
  readonly deferAccept?: boolean;
}

/**
 * Bind and listen. `ip` "" or "::" takes both families; a kernel without IPv6 gets 0.0.0.0.
 * @returns The descriptor and the port, the real one when 0 was asked for.
 * @throws SocketError
 */
export function listenSocket(at: Address, options: ListenOptions = {}): { readonly fd: number; readonly port: number } {
  const ip = at.ip === "" ? "::" : at.ip;
  let fd = tryListen({ ip, port: at.port }, options);
  if (fd === -ERRNO.EAFNOSUPPORT && ip === "::") fd = tryListen({ ip: "0.0.0.0", port: at.port }, options);
  if (fd < 0) throw socketError(-fd);
  readLocalAddress(fd);
  return { fd, port: decodeAddress().port };
}

/** @returns A descriptor, or the errno negated. */
function tryListen(at: Address, { reusePort = false, deferAccept = true }: ListenOptions): number {
  const family = familyOf(at.ip);
  const fd = openSocket(family);
  if (fd < 0) return fd;
  setOption(fd, SOL.SOCKET, SO.REUSEADDR, 1);
  if (reusePort) setOption(fd, SOL.SOCKET, SO.REUSEPORT, 1);
  if (family === AF.INET6) setOption(fd, SOL.IPV6, IPV6_V6ONLY, at.ip === "::" ? 0 : 1);
  // what is accepted inherits these, which costs nothing per connection
  noDelay(fd);
  keepAlive(fd);
  if (deferAccept) setOption(fd, SOL.TCP, TCP.DEFER_ACCEPT, DEFER_SECONDS);
  const bytes = encodeAddress(at.ip, at.port);
  let code = bytes === 0 ? -ERRNO.EINVAL : bind(fd, bytes);
  if (code >= 0) code = listen(fd, BACKLOG);
  if (code >= 0) return fd;
  close(fd);
  return code;
}

/** Make a socket that somebody else listens on like one of ours. The options are the socket's, whoever has it too. */
export function adoptListening(fd: number): void {
  unblock(fd);
  noDelay(fd);
  keepAlive(fd);
  setOption(fd, SOL.TCP, TCP.DEFER_ACCEPT, DEFER_SECONDS);
}

function socketError(errno: number): SocketError {
  const [code, message] = REASONS.get(errno) ?? [`errno ${errno}`, `errno ${errno}`];
  return new SocketError(code, message);
}

/** A second descriptor of the same socket, for an owner that closes what it is given. @throws SocketError */
export function duplicate(fd: number): number {
  const copy = dup(fd);
  if (copy < 0) throw socketError(-copy);
  return copy;
}

export function closeSocket(fd: number): void {
  close(fd);
}
