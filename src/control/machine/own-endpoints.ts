/** Where edge-lb itself listens, while it runs: this machine's addresses come and go, and node names may lead here. */
import { OwnListeners, type OwnListener } from "../../config/clusters/own-listeners.ts";
import type { Address } from "../../seam/snapshot.ts";
import { localAddresses } from "./networks.ts";

export class OwnEndpoints {
  private readonly listeners: OwnListener[];
  private readonly addressesNow: () => readonly string[];
  private addresses = "";
  private own: OwnListeners;

  constructor(listeners: readonly OwnListener[], addressesNow: () => readonly string[] = localAddresses) {
    this.listeners = [...listeners];
    this.addressesNow = addressesNow;
    this.own = new OwnListeners(listeners, []);
    this.look();
  }

  /** As they are reached now. */
  now(): OwnListeners {
    return new OwnListeners(this.listeners, this.addressesNow());
  }

  /** One more address is listened on. */
  add(listener: OwnListener): void {
    this.listeners.push(listener);
    this.addresses = "";
  }

  /** Look at this machine's addresses again. @returns whether an endpoint may have become edge-lb itself, or ceased to be */
  look(): boolean {
    const now = this.addressesNow();
    const text = `${now.join(" ")}.`;
    if (text === this.addresses) return false;
    this.addresses = text;
    this.own = new OwnListeners(this.listeners, now);
    return true;
  }

  /** @returns null where somebody else listens, or nobody */
  reachedAt(at: Address): OwnListener | null {
    return this.own.reachedAt(at);
  }
}
