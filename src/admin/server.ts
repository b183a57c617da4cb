/** The admin listener: node:http in front of the application. */
import type { ListenAddress } from "../config/addresses.ts";
import { createHttpServer } from "../control/api/http-server.ts";
import { bindError } from "../control/serve/listening.ts";
import type { AdminAccess } from "../control/admin-door.ts";
import { createAdmin } from "./app.ts";

export interface AdminServer {
  /** With the real port, where 0 was asked for. */
  readonly at: ListenAddress;
  close(): void;
}

/** Slow or idle callers must not hold descriptors that clients need. */
const MOST_CONNECTIONS = 100;
const REQUEST_MS = 10_000;

/** @throws EdgeError naming the address and who holds it */
export async function openAdmin(at: ListenAddress, input: AdminAccess): Promise<AdminServer> {
  const app = createAdmin(input);
  const server = createHttpServer((request) => app.fetch(request));
  server.maxConnections = MOST_CONNECTIONS;
  server.headersTimeout = REQUEST_MS;
  server.requestTimeout = REQUEST_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(bindError(error, at)));
    server.listen({ port: at.port, ...(at.ip === "" ? {} : { host: at.ip }) }, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return {
    at: { ip: at.ip, port },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
