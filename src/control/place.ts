/** What only one process can have: the status page's port, that of DNS, the control socket's path, the service manager's ear. */
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

export class Place {
  admin: AdminListener | null = null;
  private readonly input: PlaceInput;
  private isGiven = false;

  constructor(input: PlaceInput) {
    this.input = input;
  }

  get control(): ControlSocket | null {
    return this.input.control;
  }

  /** @param isOurs The control socket answers for this process already. @throws EdgeError */
  async take(isOurs: boolean): Promise<void> {
    if (this.input.dns.dns === null) await this.input.dns.openDns();
    this.admin = await this.input.openAdmin();
    if (!isOurs) await this.input.control?.listen();
  }

  /** Another process is about to take it. The control socket answers until that one does. */
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
  async takeBack(): Promise<void> {
    if (!this.isGiven) return;
    this.isGiven = false;
    this.input.notifier.mainProcess(process.pid);
    await this.input.dns.openDns();
    this.admin = await this.input.openAdmin();
  }

  close(): void {
    this.admin?.close();
  }
}
