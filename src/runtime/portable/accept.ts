/** Accepted sockets on their way to a session; a paused listener holds some back. */
import type { Address } from "../../seam/snapshot.ts";
import type { Conn, ConnEvents, Listener } from "../port.ts";
import { PortableConn } from "./conn.ts";
import { ACCEPT_SHARE, descriptorLimit } from "../descriptors.ts";
import type { Host, Wire } from "./wire.ts";

/**
 * No socket API but the kernel's can stop accepting without closing the listener, so what arrives meanwhile waits here.
 * As many as fit in a short burst; further clients are reset, which frees their descriptors at once.
 */
const MOST_WAITING = 256;

export class Accepting {
  private readonly host: Host;
  private readonly onAccept: (conn: Conn) => ConnEvents;
  private readonly waiting = new Set<PortableConn>();
  /** A descriptor from this number on says that few are left: the kernel hands out the lowest one that is free. */
  private readonly ceiling = descriptorLimit() * ACCEPT_SHARE;
  private paused = false;

  constructor(host: Host, onAccept: (conn: Conn) => ConnEvents) {
    this.host = host;
    this.onAccept = onAccept;
  }

  /**
   * @param wire A runtime whose accepting spins when descriptors run out shows their numbers.
   * @returns the connection that the wire's events belong to, or null when the wire was reset
   */
  accept(wire: Wire & { readonly fd?: number }): PortableConn | null {
    if ((this.paused && this.waiting.size >= MOST_WAITING) || (wire.fd ?? 0) >= this.ceiling) {
      wire.terminate();
      return null;
    }
    const conn = new PortableConn(wire, this.host, null);
    if (this.paused) {
      conn.pause();
      this.waiting.add(conn);
    } else {
      this.begin(conn);
    }
    return conn;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    // one after another: a session may pause again
    for (const conn of this.waiting) {
      if (this.paused) return;
      this.waiting.delete(conn);
      if (conn.isClosed) continue;
      conn.resume();
      this.begin(conn);
    }
  }

  /** Clients that still wait are reset. */
  close(): void {
    for (const conn of this.waiting) conn.reset("destroyed");
    this.waiting.clear();
  }

  private begin(conn: PortableConn): void {
    try {
      conn.serve(this.onAccept(conn));
    } catch (error) {
      conn.fault(error);
    }
  }
}

export class PortableListener implements Listener {
  readonly at: Address;
  private readonly accepting: Accepting;
  private readonly unbind: () => void;

  /** @param unbind Closes the listening socket. */
  constructor(at: Address, accepting: Accepting, unbind: () => void) {
    this.at = at;
    this.accepting = accepting;
    this.unbind = unbind;
  }

  pause(): void {
    this.accepting.pause();
  }

  resume(): void {
    this.accepting.resume();
  }

  close(): void {
    this.accepting.close();
    this.unbind();
  }
}
