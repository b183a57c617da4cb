/** Frontends that the same file connects to: over a unix socket, or at an address of this machine. */
import type { Source } from "./configuration.ts";
import type { Bind, Server } from "./endpoints.ts";
import { isOut, type Proxy } from "./proxies.ts";

/** A frontend behind a backend, and the address it is reached at. */
export interface InnerFrontend {
  readonly proxy: Proxy;
  readonly bind: Bind;
}

/**
 * Where a backend leads to a frontend of its own file.
 * @param cameTo The port that a server without one is reached at.
 */
export function innerFrontend(source: Source, backend: Proxy, cameTo: number): InnerFrontend | null {
  const server = backend.servers.find((one) => !isOut(one));
  if (server === undefined) return null;
  for (const proxy of source.proxies) {
    const bind = proxy.binds.find((one) => proxy !== backend && meets(server, one, cameTo));
    if (bind !== undefined) return { proxy, bind };
  }
  return null;
}

function meets(server: Server, bind: Bind, cameTo: number): boolean {
  if (server.socket !== null || bind.socket !== null) return server.socket === bind.socket;
  if ((server.port ?? cameTo) !== bind.port) return false;
  return bind.ip === "" ? isLoopback(server.host) : bind.ip === server.host;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Whether only this file itself connects to an address. */
export function isInner(source: Source, bind: Bind): boolean {
  if (bind.socket !== null) return true;
  if (!isLoopback(bind.ip)) return false;
  return source.proxies.some(({ servers }) => servers.some((server) => meets(server, bind, 0)));
}
