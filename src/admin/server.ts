/** The admin listener: node:http in front of the application, and a door before it that nobody can block. */
import { createServer, type Server, type Socket } from "node:net";
import type { ListenAddress } from "../config/values/addresses.ts";
import { ownDescriptor } from "../control/api/control-door.ts";
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
export async function openAdmin(
  at: ListenAddress,
  input: AdminAccess,
  fds: readonly number[] = [],
): Promise<AdminServer> {
  const app = createAdmin(input);
  const callers = new Callers();
  const http = createHttpServer((request, sent) => app.fetch(request, sent));
  http.on("request", (request, response) => callers.asked(request, response));
  // http's own listener would not show connections that send nothing
  const enter = (socket: Socket): void => {
    callers.enter(socket);
    http.emit("connection", socket);
  };
  const bound = { port: at.port, ...(at.ip === "" ? {} : { host: at.ip }) };
  const where =
    fds.length === 0 ? [bound] : await Promise.all(fds.map(async (fd) => ({ fd: await ownDescriptor(fd) })));
  const doors = await Promise.all(where.map((options) => openDoor(enter, options, at)));
  const address = doors[0]?.address() ?? null;
  const port = typeof address === "object" && address !== null ? address.port : at.port;
  return {
    at: { ip: at.ip, port },
    close() {
      for (const door of doors) door.close(); // what was passed stays open: clients of the next start wait there
      callers.end();
    },
  };
}

/** Node's types leave out the descriptor. */
type Door = { readonly port: number; readonly host?: string } | { readonly fd: number };

function openDoor(enter: (socket: Socket) => void, options: Door, at: ListenAddress): Promise<Server> {
  const door = createServer(enter);
  return new Promise((resolve, reject) => {
    door.once("error", (error) => reject(bindError(error, at, "--admin")));
    door.listen(options, () => resolve(door));
  });
}
