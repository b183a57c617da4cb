/** An attempt to reach a node, whichever socket API makes it. */
import type { Address } from "../../seam/snapshot.ts";
import type { DialError } from "../../seam/mail.ts";
import { PortableConn } from "./conn.ts";
import type { Cancel, DialSpec } from "../port.ts";
import { copyOf, type Host, type Wire } from "./wire.ts";

export class Dialing implements Cancel {
  readonly to: Address;
  private readonly host: Host;
  private spec: DialSpec | null;
  private readonly first: Uint8Array | null;
  private readonly timer: Cancel;
  /** Closes the attempt itself, where the socket API can; called once, only while it is under way. */
  abandon: () => void = () => {};

  constructor(spec: DialSpec, host: Host) {
    this.host = host;
    this.spec = spec;
    this.to = spec.to;
    this.first = spec.first === null ? null : copyOf(spec.first);
    this.timer = host.timer(spec.timeoutMs, () => this.timedOut());
  }

  /** @returns the connection, or null when nobody waits for it any more: then the wire is reset */
  opened(wire: Wire): PortableConn | null {
    const spec = this.take();
    if (spec === null) {
      wire.terminate();
      return null;
    }
    const conn = new PortableConn(wire, this.host, this.to);
    if (this.first !== null) conn.write(this.first);
    try {
      conn.serve(spec.onOpen(conn));
    } catch (error) {
      conn.fault(error);
    }
    return conn;
  }

  failed(error: DialError): void {
    const spec = this.take();
    if (spec === null) return;
    try {
      spec.onFail(error, this.first);
    } catch (fault) {
      this.host.fault(fault);
    }
  }

  cancel(): void {
    if (this.take() !== null) this.abandon();
  }

  private timedOut(): void {
    if (this.spec === null) return;
    this.abandon();
    this.failed("timeout");
  }

  private take(): DialSpec | null {
    const { spec } = this;
    this.spec = null;
    if (spec !== null) this.timer.cancel();
    return spec;
  }
}

/** What a failed connect(2) says about the node; the codes are errno names. */
export function dialError(code: string | undefined): DialError {
  switch (code) {
    case "ECONNREFUSED":
    case "ECONNRESET":
      return "refused";
    case "ETIMEDOUT":
      return "timeout";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
      return "unreachable";
    // no free port, descriptor or buffer: a shortage here, which says nothing about the node
    case "EADDRNOTAVAIL":
      return "no-ports";
    case "EMFILE":
    case "ENFILE":
    case "ENOBUFS":
    case "ENOMEM":
      return "no-descriptors";
    default:
      return "other";
  }
}
