/** The admin listener: node:http in front of the application, and a door before it that nobody can block. */
import { createServer } from "node:net";
import type { ListenAddress } from "../config/addresses.ts";
import { createHttpServer } from "../control/api/http-server.ts";
import { bindError } from "../control/serve/listening.ts";
import type { AdminAccess } from "../control/admin-door.ts";
import { createAdmin } from "./app.ts";
import { Callers } from "./callers.ts";

export interface AdminServer {
  /** With the real port, where 0 was asked for. */
  readonly at: ListenAddress;
  close(): void;
}

/** @throws EdgeError naming the address and who holds it */
export async function openAdmin(at: ListenAddress, input: AdminAccess): Promise<AdminServer> {
  const app = createAdmin(input);
  const callers = new Callers();
  const http = createHttpServer((request, sent) => app.fetch(request, sent));
  http.on("request", (request, response) => callers.asked(request, response));
  // http's own listener would not show connections that send nothing
  const door = createServer((socket) => {
    callers.enter(socket);
    http.emit("connection", socket);
  });
  await new Promise<void>((resolve, reject) => {
    door.once("error", (error) => reject(bindError(error, at, "--admin")));
    door.listen({ port: at.port, ...(at.ip === "" ? {} : { host: at.ip }) }, resolve);
  });
  const address = door.address();
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return {
    at: { ip: at.ip, port },
    close() {
      door.close();
      callers.end();
    },
  };
}
