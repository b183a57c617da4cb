/** Accepted sockets on their way to a session; a paused listener holds some back. */
import { formatEndpoint } from "../../core/address.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { Conn, ConnEvents, Listener } from "../port.ts";
import { clientsWait, openQueues } from "./accept-queue.ts";
import { AcceptWatch, type Resting } from "./accept-watch.ts";
import { PortableConn } from "./conn.ts";
import { ACCEPT_SHARE, descriptorLimit, isShortage, lowestFreeDescriptor } from "../descriptors.ts";
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
  /** Hears of everybody who came through. */
  watch: AcceptWatch | null = null;

  constructor(host: Host, onAccept: (conn: Conn) => ConnEvents) {
    this.host = host;
    this.onAccept = onAccept;
  }

  /**
   * @param wire A runtime whose accepting spins when descriptors run out shows their numbers.
   * @returns the connection that the wire's events belong to, or null when the wire was reset
   */
  accept(wire: Wire & { readonly fd?: number }): PortableConn | null {
    this.watch?.accepted();
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

/** A socket that listens. */
export interface OpenSocket {
  readonly port: number;
  /** Its number, negative where the engine does not show it; null: it cannot rest, since it could not be opened again. */
  readonly fd: (() => number) | null;
  close(): void;
}

/** A place to listen at. */
export interface Opening {
  /** Opens it, the first time and again after it was closed. @throws EdgeError */
  open(at: Address): OpenSocket;
  /** It is not opened again. */
  end(): void;
}

/** The words say it all. */
class AcceptError extends Error {
  override readonly name = "AcceptError";
  override readonly stack = this.message;
}

export class PortableListener implements Listener, Resting {
  readonly at: Address;
  private readonly host: Pick<Host, "fault">;
  private readonly accepting: Accepting;
  private readonly opening: Opening;
  private readonly watch: AcceptWatch | null;
  private socket: OpenSocket | null;

  /** @throws EdgeError */
  constructor(host: Host, at: Address, accepting: Accepting, opening: Opening) {
    this.host = host;
    this.accepting = accepting;
    this.opening = opening;
    this.socket = opening.open(at);
    this.at = { ip: at.ip, port: this.socket.port };
    this.watch = this.socket.fd === null ? null : new AcceptWatch(host, this);
    if (this.watch !== null) openQueues();
    accepting.watch = this.watch;
  }

  clientsWait(): boolean {
    return clientsWait(this.socket?.fd?.() ?? -1, this.at.port);
  }

  rest(restMs: number): void {
    const short = isShort();
    this.socket?.close();
    this.socket = null;
    if (short) return; // told elsewhere
    const where = formatEndpoint(this.at.ip, this.at.port);
    const words = `clients wait and the system hands none out; trying again in ${restMs / 1_000} s`;
    this.host.fault(new AcceptError(`Cannot accept at ${where}: ${words}`));
  }

  wake(): boolean {
    try {
      this.socket = this.opening.open(this.at);
    } catch (error) {
      if (!isShort()) this.host.fault(error);
    }
    return this.socket !== null;
  }

  pause(): void {
    this.accepting.pause();
  }

  resume(): void {
    this.accepting.resume();
  }

  close(): void {
    this.watch?.stop();
    this.accepting.close();
    this.socket?.close();
    this.opening.end();
  }
}

/** No descriptor is free. */
function isShort(): boolean {
  try {
    lowestFreeDescriptor();
    return false;
  } catch (error) {
    return isShortage(error);
  }
}
