/** Accepted sockets on their way to a session; a paused listener holds some back. */
import { ACCEPT_SHARE, descriptorLimit } from "./descriptors.ts";
import { Link } from "./conn.ts";
import type { Conn, ConnEvents } from "../port.ts";
import type { Host, Wire } from "./wire.ts";

/**
 * No socket API but the kernel's can stop accepting without closing the listener, so what arrives meanwhile waits here.
 * As many as fit in a short burst; further clients are reset, which frees their descriptors at once.
 */
const MOST_WAITING = 256;

export class Accepting {
  private readonly host: Host;
  private readonly onAccept: (conn: Conn) => ConnEvents;
  private readonly waiting = new Set<Link>();
  /** A descriptor from this number on says that few are left: the kernel gives the lowest one that is free. */
  private readonly ceiling = descriptorLimit() * ACCEPT_SHARE;
  private paused = false;

  constructor(host: Host, onAccept: (conn: Conn) => ConnEvents) {
    this.host = host;
    this.onAccept = onAccept;
  }

  /**
   * @param wire A runtime whose accepting spins when descriptors run out (Bun) shows their numbers; Node's closes by itself.
   * @returns the link that the wire's events belong to, or null when the wire was reset
   */
  accept(wire: Wire & { readonly fd?: number }): Link | null {
    if ((this.paused && this.waiting.size >= MOST_WAITING) || (wire.fd ?? 0) >= this.ceiling) {
      wire.terminate();
      return null;
    }
    const link = new Link(wire, this.host, null);
    if (this.paused) {
      link.pause();
      this.waiting.add(link);
    } else {
      this.begin(link);
    }
    return link;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    // one after another: a session may pause again
    for (const link of this.waiting) {
      if (this.paused) return;
      this.waiting.delete(link);
      if (link.over) continue;
      link.resume();
      this.begin(link);
    }
  }

  /** Clients that still wait are reset. */
  close(): void {
    for (const link of this.waiting) link.shut("destroyed");
    this.waiting.clear();
  }

  private begin(link: Link): void {
    try {
      link.serve(this.onAccept(link));
    } catch (error) {
      link.fault(error);
    }
  }
}
