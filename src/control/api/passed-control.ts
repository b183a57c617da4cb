/** The control socket of somebody else: of the service manager, which made the path and keeps it, or of the edge-lb before. */
import { statSync } from "node:fs";
import { EdgeError } from "../../errors.ts";
import { ControlDoor } from "./control-door.ts";
import { inodeOf, unlink, type ControlSocket } from "./control-socket.ts";
import type { Handler } from "./http-server.ts";

export class PassedControl implements ControlSocket {
  readonly path: string;
  readonly fds: readonly number[];
  private readonly door: ControlDoor;
  private readonly inode: number;
  /** The path goes with this process. */
  private isOwn: boolean;
  private handler: Handler | null = null;

  /** @param isOwn Nobody else keeps the path. */
  constructor(path: string, fds: readonly number[], isOwn: boolean) {
    this.path = path;
    this.fds = fds;
    this.isOwn = isOwn;
    this.inode = inodeOf(path);
    this.door = new ControlDoor(
      fds.map((fd) => ({ fd })),
      () => this.handler,
    );
  }

  async listen(): Promise<void> {
    try {
      await this.door.listen();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new EdgeError("CONTROL_FAILED", `Cannot use control socket ${this.path}: ${why}`);
    }
  }

  serve(handler: Handler): void {
    this.handler = handler;
  }

  sendAway(): void {
    this.isOwn = false;
    this.door.sendAway();
  }

  close(): void {
    this.door.close(false);
    if (this.isOwn && inodeOf(this.path) === this.inode) unlink(this.path);
  }
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
