/** The control socket where the service manager listens: it made the path and keeps it. */
import { statSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { EdgeError } from "../../errors.ts";
import { createControlServer, type ControlSocket } from "./control-socket.ts";
import type { Handler } from "./http-server.ts";

/** @throws EdgeError CONTROL_FAILED */
export async function openPassedControl(path: string, fds: readonly number[]): Promise<ControlSocket> {
  let handler: Handler | null = null;
  const http = createControlServer(() => handler);
  const open = new Set<Socket>();
  const enter = (socket: Socket): void => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    http.emit("connection", socket);
  };
  await Promise.all(fds.map((fd) => listen(fd, enter, path)));
  return {
    path,
    serve(next) {
      handler = next;
    },
    // it stays the service manager's, so nobody takes this process's place
    moveTo() {},
    sendAway() {},
    retake: () => Promise.resolve(),
    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** http's own listen does not know descriptors in Bun. */
function listen(fd: number, enter: (socket: Socket) => void, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const door = createServer(enter);
    door.once("error", ({ message }) =>
      reject(new EdgeError("CONTROL_FAILED", `Cannot use control socket ${path}: descriptor ${fd}: ${message}`)),
    );
    door.listen({ fd }, resolve);
  });
}

/** Who speaks to this socket may change everything. @returns what to tell the operator, or null */
export function othersMayUse(path: string): string | null {
  try {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) === 0) return null;
    return `${path} is open to others (mode ${mode.toString(8).padStart(4, "0")}): set SocketMode=0600 in its socket unit`;
  } catch {
    return null; // an abstract one
  }
}
