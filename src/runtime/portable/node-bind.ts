/** Binding a `net.Server` before `listen` returns, so that a taken port is an error of the call and not of later. */
import net from "node:net";
import { networkInterfaces } from "node:os";
import { getSystemErrorName } from "node:util";
import type { ListenSpec } from "../../seam/mail.ts";
import type { Address } from "../../seam/snapshot.ts";
import { listenError } from "../listen-error.ts";

/** Node's own listen(2) backlog default. */
const BACKLOG = 511;

/** Node and Deno make a bound socket at once by this undocumented call; `server.listen` would look the address up first. */
type MakeHandle = (ip: string, port: number, family: 4 | 6, fd: undefined, flags: number) => object | number;

/**
 * Starts listening. A failure that shows only later is given to `late`.
 * @returns the port
 * @throws EdgeError
 */
export function bindServer(
  server: net.Server,
  { at, fd, reusePort }: ListenSpec,
  late: (error: Error) => void,
): number {
  const ip = at.ip === "" ? "::" : at.ip;
  let bound = false;
  server.on("error", (error) => bound && late(error));
  const makeHandle = (net as unknown as { _createServerHandle?: MakeHandle })._createServerHandle;
  if (fd >= 0) {
    server.listen({ fd });
  } else if (reusePort || makeHandle === undefined) {
    // Options of newer Node and Deno are not in the types. The workers' addresses were tried by control before.
    const options: net.ListenOptions & { reusePort: boolean } = { host: ip, port: at.port, reusePort };
    server.listen(options);
  } else {
    const handle = makeHandle(ip, at.port, ip.includes(":") ? 6 : 4, undefined, 0);
    if (typeof handle === "number") throw listenError(at, codeOfErrno(handle, at), handle);
    server.listen(handle, BACKLOG);
  }
  const address = server.address();
  bound = true;
  if (address !== null && typeof address === "object") return address.port;
  if (reusePort || fd >= 0) return at.port;
  throw listenError(at, likelyCode(at), null);
}

function codeOfErrno(errno: number, at: Address): string {
  const code = getSystemErrorName(errno);
  return code === "EINVAL" ? likelyCode(at) : code; // Deno says EINVAL for several
}

/** The cause where the host tells it too late or not at all. */
function likelyCode({ ip }: Address): string {
  const wildcard = ip === "" || ip === "::" || ip === "0.0.0.0";
  const known = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === ip));
  return wildcard || known || ip.startsWith("127.") ? "EADDRINUSE" : "EADDRNOTAVAIL";
}
