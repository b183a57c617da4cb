/** Two joined connections: bytes both ways, half-closes, idle time, and one end for both. */
import type { CloseCause, JoinSpec, Tunnel, TunnelEnd, TunnelWhy } from "../port.ts";
import type { CutReason } from "../../seam/mail.ts";
import type { PortableConn } from "./conn.ts";
import type { Expiring } from "./deadlines.ts";
import { Pump, type PumpOwner } from "./pump.ts";
import type { Host } from "./wire.ts";

export function join(host: Host, client: PortableConn, node: PortableConn, spec: JoinSpec): Tunnel {
  const tunnel = new PortableTunnel(host, client, node, spec);
  tunnel.start();
  return tunnel;
}

export class PortableTunnel implements Tunnel, PumpOwner, Expiring {
  dirty = false;
  private readonly host: Host;
  private readonly client: PortableConn;
  private readonly node: PortableConn;
  private readonly spec: JoinSpec;
  private readonly up: Pump;
  private readonly down: Pump;
  private totalUp = 0;
  private totalDown = 0;
  private first: TunnelEnd["first"] | null = null;
  private why: TunnelWhy | null = null;
  /** Last traffic, or the first FIN; known as precisely as the pulse beats. */
  private lastMs: number;
  private ended = false;

  constructor(host: Host, client: PortableConn, node: PortableConn, spec: JoinSpec) {
    this.host = host;
    this.client = client;
    this.node = node;
    this.spec = spec;
    this.lastMs = host.nowMs();
    client.leaveSession();
    node.leaveSession();
    this.up = new Pump(host, client, node, Infinity, this);
    this.down = new Pump(host, node, client, Infinity, this);
  }

  start(): void {
    const { client, node, spec } = this;
    if (client.isClosed || node.isClosed) return this.endUnopened();
    for (const chunk of spec.toNode) this.up.bring(chunk);
    for (const chunk of spec.toClient) this.down.bring(chunk);
    this.host.deadlines.add(this);
    client.deliver();
    node.deliver();
  }

  cut(reason: CutReason): void {
    this.close(reason);
  }

  flush(): void {
    this.dirty = false;
    this.lastMs = this.host.nowMs();
    if (!this.ended) this.report();
  }

  onEnd(pump: Pump): void {
    this.first ??= this.sideOf(pump.from);
    this.lastMs = this.host.nowMs();
    pump.to.finish();
    if (!this.ended) this.host.deadlines.add(this);
  }

  /** Never asked: a tunnel has no last byte but the FIN. */
  onDone(): void {}

  onSenderClosed({ from, to }: Pump, cause: CloseCause): void {
    if (cause !== "closed" || !from.hasFinished) {
      this.first ??= this.sideOf(from);
      this.why ??= "reset";
      // after its FIN we have all it had to say, and an RST would take that from the other
      if (from.hasEnded) to.discardInput();
      else to.reset("reset");
    }
    if (from.isClosed && to.isClosed) this.end();
  }

  /** It is the sender of the other direction, which tells the same. */
  onReceiverClosed(): void {}

  /** The descriptors belong to the JavaScript runtime. */
  give(): null {
    return null;
  }

  deadlineMs(): number {
    const { idleMs, halfClosedMs } = this.spec;
    const limit = this.first !== null ? halfClosedMs : idleMs > 0 ? idleMs : Infinity;
    return (this.dirty ? this.host.nowMs() : this.lastMs) + limit;
  }

  expire(): void {
    this.close(this.first === null ? "idle" : "half-closed");
  }

  private close(why: TunnelWhy): void {
    if (this.ended) return;
    this.first ??= "edge-lb";
    this.why ??= why;
    this.client.close("destroyed");
    this.node.close("destroyed");
  }

  /** One of them was gone before the join. */
  private endUnopened(): void {
    this.first = this.client.isClosed ? "client" : "node";
    this.why = "reset";
    this.client.reset("reset");
    this.node.reset("reset");
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.host.deadlines.delete(this);
    this.host.defer(() => this.tellEnd());
  }

  private tellEnd(): void {
    this.report();
    const { totalUp, totalDown } = this;
    try {
      this.spec.onEnd({ up: totalUp, down: totalDown, first: this.first ?? "edge-lb", why: this.why ?? "closed" });
    } catch (error) {
      this.host.fault(error);
    }
  }

  private report(): void {
    const up = this.up.report();
    const down = this.down.report();
    if (up === 0 && down === 0) return;
    this.totalUp += up;
    this.totalDown += down;
    try {
      this.spec.onBytes(up, down);
    } catch (error) {
      this.host.fault(error);
      this.close("reset");
    }
  }

  private sideOf(conn: PortableConn): "client" | "node" {
    return conn === this.client ? "client" : "node";
  }
}
