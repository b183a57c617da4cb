/** What only one process can have: the status page's port, that of DNS, the control socket's path, the service manager's ear. */
import { unlinkSync } from "node:fs";
import type { AdminListener } from "./admin-door.ts";
import type { ControlSocket } from "./api/control-socket.ts";
import type { Notifier } from "./machine/notify.ts";

export interface PlaceInput {
  readonly notifier: Notifier;
  readonly control: ControlSocket | null;
  /** Null: there is none. @throws EdgeError */
  openAdmin(): Promise<AdminListener | null>;
  readonly dns: DnsDoor;
}

/** Where names are answered for. */
interface DnsDoor {
  readonly dns: { close(): void } | null;
  openDns(): Promise<void>;
}

/** A socket at its way to its path: whoever replaces another one listens beside it first. */
export function pathBeside(path: string, pid: number): string {
  return `${path}.${pid}`;
}

export class Place {
  admin: AdminListener | null = null;
  private readonly input: PlaceInput;
  private isGiven = false;

  constructor(input: PlaceInput) {
    this.input = input;
  }

  /** @param controlPath Where the control socket belongs, when it listens beside it. @throws EdgeError */
  async take(controlPath: string | null): Promise<void> {
    if (this.input.dns.dns === null) await this.input.dns.openDns();
    this.admin = await this.input.openAdmin();
    if (controlPath !== null) this.input.control?.moveTo(controlPath);
  }

  /** Another process is about to take it. The control socket answers until it is replaced. */
  letGo(pid: number): void {
    this.isGiven = true;
    this.admin?.close();
    this.admin = null;
    this.input.dns.dns?.close();
    this.input.notifier.mainProcess(pid);
  }

  /** It has. */
  given(): void {
    this.input.control?.sendAway();
  }

  /** It did not, and is gone. */
  async takeBack(pid: number): Promise<void> {
    const { control, notifier } = this.input;
    if (control !== null) removeIfThere(pathBeside(control.path, pid));
    if (!this.isGiven) return;
    this.isGiven = false;
    notifier.mainProcess(process.pid);
    await this.input.dns.openDns();
    this.admin = await this.input.openAdmin();
    await control?.retake();
  }

  close(): void {
    this.admin?.close();
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was never made, or has its name already
  }
}
