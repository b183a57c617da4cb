/** A tunnel: two links that pour into each other until both are closed. */
import type { Link, Owner } from "./conn.ts";
import type { CloseCause, JoinSpec, Tunnel, TunnelEnd, TunnelWhy } from "../port.ts";
import type { CutReason } from "../../seam/mail.ts";
import type { Expiring, Host } from "./wire.ts";

export function startRelay(client: Link, node: Link, spec: JoinSpec, host: Host): Relay {
  const relay = new Relay(client, node, spec, host);
  relay.start();
  return relay;
}

type Side = "client" | "node";

export class Relay implements Tunnel, Owner, Expiring {
  dirty = false;
  private readonly client: Link;
  private readonly node: Link;
  private readonly spec: JoinSpec;
  private readonly host: Host;
  private up = 0;
  private down = 0;
  private first: TunnelEnd["first"] | null = null;
  private why: TunnelWhy | null = null;
  /** Last traffic, or the first FIN; known as precisely as the pulse beats. */
  private movedAt: number;
  private ended = false;

  constructor(client: Link, node: Link, spec: JoinSpec, host: Host) {
    this.client = client;
    this.node = node;
    this.spec = spec;
    this.host = host;
    this.movedAt = host.nowMs();
  }

  start(): void {
    const { client, node, spec } = this;
    client.giveAway();
    node.giveAway();
    client.pour(node, Infinity, this);
    node.pour(client, Infinity, this);
    if (client.over || node.over) return this.endStillborn();
    for (const chunk of spec.toNode) client.forwardFirst(chunk);
    for (const chunk of spec.toClient) node.forwardFirst(chunk);
    this.host.deadlines.add(this);
    if (client.needsPump) client.pump();
    if (node.needsPump) node.pump();
  }

  cut(reason: CutReason): void {
    this.finishAs(reason, "edge-lb");
  }

  flush(): void {
    this.dirty = false;
    this.movedAt = this.host.nowMs();
    if (!this.ended) this.tellBytes();
  }

  sourceEnded(source: Link): void {
    this.first ??= this.sideOf(source);
    this.movedAt = this.host.nowMs();
    const sink = this.otherOf(source);
    sink.finish();
    if (!this.ended) this.host.deadlines.add(this);
  }

  /** Never asked: a tunnel pours without end. */
  sourceDone(): void {}

  linkClosed(link: Link, cause: CloseCause): void {
    const other = this.otherOf(link);
    if (cause !== "closed" || !link.finSent) {
      this.first ??= this.sideOf(link);
      this.why ??= "reset";
      // after its FIN we have all it had to say, and an RST would take that from the other
      if (link.endSeen) other.drop();
      else other.shut("reset");
    }
    if (link.over && other.over) this.end();
  }

  deadlineMs(): number {
    const { spec } = this;
    const limit = this.first !== null ? spec.halfClosedMs : spec.idleMs > 0 ? spec.idleMs : Infinity;
    return (this.dirty ? this.host.nowMs() : this.movedAt) + limit;
  }

  expire(): void {
    this.finishAs(this.first === null ? "idle" : "half-closed", "edge-lb");
  }

  private finishAs(why: TunnelWhy, first: TunnelEnd["first"]): void {
    if (this.ended) return;
    this.first ??= first;
    this.why ??= why;
    this.client.give("destroyed");
    this.node.give("destroyed");
  }

  /** One of them was gone before the join. */
  private endStillborn(): void {
    this.first = this.client.over ? "client" : "node";
    this.why = "reset";
    this.client.shut("reset");
    this.node.shut("reset");
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.host.deadlines.delete(this);
    this.host.defer(() => this.tellEnd());
  }

  private tellEnd(): void {
    this.tellBytes();
    const { up, down } = this;
    try {
      this.spec.onEnd({ up, down, first: this.first ?? "edge-lb", why: this.why ?? "closed" });
    } catch (error) {
      this.host.fault(error);
    }
  }

  private tellBytes(): void {
    const up = this.client.moved;
    const down = this.node.moved;
    if (up === 0 && down === 0) return;
    this.client.moved = 0;
    this.node.moved = 0;
    this.up += up;
    this.down += down;
    try {
      this.spec.onBytes(up, down);
    } catch (error) {
      this.host.fault(error);
      this.finishAs("reset", "edge-lb");
    }
  }

  private sideOf(link: Link): Side {
    return link === this.client ? "client" : "node";
  }

  private otherOf(link: Link): Link {
    return link === this.client ? this.node : this.client;
  }
}
