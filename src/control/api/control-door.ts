/** Who comes in at listening unix sockets: by their descriptors, or at a path where those are not known. */
import type { Server } from "node:http";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createHttpServer, type Handler } from "./http-server.ts";

/** A descriptor stays open when its door is closed. */
export type Entrance = { readonly fd: number } | { readonly path: string };

export class ControlDoor {
  private readonly entrances: readonly Entrance[];
  private readonly http: Server;
  private doors: NetServer[] = [];
  private readonly open = new Set<Socket>();
  /** Those that wait for an answer. */
  private readonly asking = new Set<Socket>();
  private isSentAway = false;

  /** @param handlerNow Null: edge-lb is starting. */
  constructor(entrances: readonly Entrance[], handlerNow: () => Handler | null) {
    this.entrances = entrances;
    this.http = createControlServer(handlerNow);
    this.http.on("request", ({ socket }, response) => {
      this.asking.add(socket);
      response.once("close", () => this.answered(socket));
    });
  }

  /** @throws Error */
  async listen(): Promise<void> {
    this.doors = await Promise.all(this.entrances.map((entrance) => this.openDoor(entrance)));
  }

  private async openDoor(entrance: Entrance): Promise<NetServer> {
    const where = "fd" in entrance ? { fd: await ownDescriptor(entrance.fd) } : entrance;
    const door = createServer((socket) => this.enter(socket));
    return new Promise((resolve, reject) => {
      door.once("error", reject);
      door.listen(where, () => resolve(door));
    });
  }

  private enter(socket: Socket): void {
    this.open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.open.delete(socket));
    // http's own listen does not know descriptors in Bun
    this.http.emit("connection", socket);
  }

  private answered(socket: Socket): void {
    this.asking.delete(socket);
    if (this.isSentAway) socket.end();
  }

  /** Nobody comes in any more; who waits for an answer gets it. */
  sendAway(): void {
    this.isSentAway = true;
    this.closeDoors();
    for (const socket of this.open) if (!this.asking.has(socket)) socket.destroy();
  }

  /** What is under way is cut. @param keepPath The path is somebody else's by now, and closing its door would take it away. */
  close(keepPath: boolean): void {
    if (!keepPath) this.closeDoors();
    for (const socket of this.open) socket.destroy();
  }

  private closeDoors(): void {
    for (const door of this.doors.splice(0)) door.close();
  }
}

/** A door closes what it listens on, and what was passed stays open. */
export async function ownDescriptor(fd: number): Promise<number> {
  if (process.platform !== "linux" || process.versions.bun === undefined) return fd;
  const { duplicate } = await import("../../runtime/kernel/listen-socket.ts");
  return duplicate(fd);
}

function createControlServer(handlerNow: () => Handler | null): Server {
  const server = createHttpServer(
    (request, sent) => handlerNow()?.(request, sent) ?? new Response("edge-lb is starting\n", { status: 503 }),
  );
  // a stalled command must not hold a reload for ever, an event stream may last
  server.requestTimeout = 30_000;
  return server;
}
