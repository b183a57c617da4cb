/** Two joined connections: bytes both ways, half-closes, idle time, and one end for both. */
import type { JoinSpec, Tunnel, TunnelEnd, TunnelWhy } from "../port.ts";
import type { CutReason } from "../../seam/mail.ts";
import type { TunnelState } from "../../seam/tunnel-state.ts";
import { LinuxConn } from "./conn.ts";
import { ERRNO } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { Pump, type PumpOwner, type PumpState } from "./pump.ts";
import { TimerNode } from "./timers.ts";
import type { Reporter, Task } from "./watcher.ts";

/** A node's socket that carried no more than this has its buffers as they were, and may serve again. */
const SHORT_BYTES = 65_536;

/** A connection that closed before its session knew ends the tunnel as reset. @throws Error when one is joined already. */
export function join(loop: Loop, client: LinuxConn, node: LinuxConn, spec: JoinSpec): Tunnel {
  if (client.isJoined || node.isJoined) {
    throw new Error("Cannot join a connection twice: the runtime owns it");
  }
  return new LinuxTunnel(loop, client, node, spec);
}

/** Go on with a tunnel that another owner gave away. What came meanwhile is told when the descriptors are watched. */
export function take(loop: Loop, state: TunnelState, spec: JoinSpec): Tunnel {
  const [client, node] = [state.client, state.node].map((end) => {
    const conn = new LinuxConn(loop, end.fd, end.remote, null, null);
    conn.restore(end);
    return conn;
  }) as [LinuxConn, LinuxConn];
  client.startWatching();
  node.startWatching();
  return new LinuxTunnel(loop, client, node, spec, state);
}

class LinuxTunnel extends TimerNode implements Tunnel, PumpOwner, Reporter, Task {
  queued = false;
  reporting = false;
  private readonly loop: Loop;
  private readonly spec: JoinSpec;
  private readonly client: LinuxConn;
  private readonly node: LinuxConn;
  private readonly up: Pump;
  private readonly down: Pump;
  private totalUp = 0;
  private totalDown = 0;
  private lastMs: number;
  private first: TunnelEnd["first"] | null = null;
  /** One side takes nothing more; what it sent before is still brought over. */
  private broken = false;
  private outcome: TunnelEnd | null = null;
  /** It has another owner. */
  private given = false;

  /** @param before Null: it begins. */
  constructor(loop: Loop, client: LinuxConn, node: LinuxConn, spec: JoinSpec, before: TunnelState | null = null) {
    super();
    this.loop = loop;
    this.spec = spec;
    this.client = client;
    this.node = node;
    this.lastMs = loop.now;
    client.joinBy(this);
    node.joinBy(this);
    this.up = new Pump(loop, client, node, Infinity, this);
    this.down = new Pump(loop, node, client, Infinity, this);
    if (before !== null) this.restore(before);
    else {
      for (const chunk of spec.toNode) this.up.bring(chunk);
      for (const chunk of spec.toClient) this.down.bring(chunk);
    }
    if (this.endUnlessOpen()) return;
    loop.reportLater(this);
    this.arm();
    if (needsVisit(client, node)) loop.soon(client);
    if (needsVisit(node, client)) loop.soon(node);
  }

  private restore({ client, node, up, down, first, quietMs }: TunnelState): void {
    this.totalUp = up;
    this.totalDown = down;
    this.first = first;
    this.lastMs -= quietMs;
    if (node.finished) this.up.detach();
    if (client.finished) this.down.detach();
    // should one fail, its pump finds the receiver broken
    this.node.send(node.unsent);
    this.client.send(client.unsent);
  }

  /** One of the two, or both, were closed before the join. */
  private endUnlessOpen(): boolean {
    if (this.client.state === "joined" && this.node.state === "joined") return false;
    this.first = this.client.state === "joined" ? "node" : "client";
    this.close("reset", true, true);
    this.loop.soon(this);
    return true;
  }

  onPump(pump: Pump, state: PumpState): void {
    this.lastMs = this.loop.now;
    if (pump.unreported > 0) this.loop.reportLater(this);
    if (state === "ended") this.finish(pump);
    else if (state === "read-failed") this.readFailed(pump);
    else if (state === "write-failed") this.writeFailed(pump);
    else if (state === "idle" && this.broken) this.end("reset", true, true);
  }

  onAbandon(): void {
    this.loop.ledger.assert(this.outcome !== null, "a joined connection is closed by its tunnel only");
  }

  /** One side sent FIN and the other took all before it. */
  private finish(pump: Pump): void {
    this.first ??= this.sideOf(pump.from);
    pump.detach();
    const other = pump === this.up ? this.down : this.up;
    // after a failed send the end that was read is no FIN
    if (this.broken || pump.from.broken) this.end("reset", false, false);
    else if (other.done) this.end("closed", false, false);
    else {
      pump.to.sendFin();
      this.arm();
    }
  }

  private readFailed(pump: Pump): void {
    this.first ??= this.sideOf(pump.from);
    this.end(pump.errno === ERRNO.ETIMEDOUT ? "idle" : "reset", true, true);
  }

  /** The receiver reset; an answer it sent before that must not be lost. */
  private writeFailed(pump: Pump): void {
    this.first ??= this.sideOf(pump.to);
    pump.detach();
    this.broken = true;
    const other = pump === this.up ? this.down : this.up;
    if (other.done) {
      this.end("reset", true, true);
      return;
    }
    other.from.markReadable(true);
    other.run();
  }

  private sideOf(conn: LinuxConn): "client" | "node" {
    return conn === this.client ? "client" : "node";
  }

  // ── time ──

  private limitMs(): number {
    const half = this.up.done || this.down.done;
    const { idleMs, halfClosedMs } = this.spec;
    if (!half || halfClosedMs === 0) return idleMs;
    return idleMs === 0 ? halfClosedMs : Math.min(idleMs, halfClosedMs);
  }

  private arm(): void {
    const limit = this.limitMs();
    if (limit > 0) this.loop.timers.add(this, this.lastMs + limit);
    else this.loop.timers.remove(this);
  }

  /** Traffic does not touch the timer; it only moves `lastMs`. */
  fire(): void {
    const due = this.lastMs + this.limitMs();
    if (due > this.loop.now) {
      this.arm();
      return;
    }
    this.first ??= "edge-lb";
    const half = this.up.done || this.down.done;
    this.end(half && this.spec.halfClosedMs > 0 ? "half-closed" : "idle", true, true);
  }

  // ── the end ──

  give(): TunnelState | null {
    const { client, node } = this;
    if (this.outcome !== null || this.given || this.broken) return null;
    if (!client.quiesce() || !node.quiesce()) return null;
    this.given = true;
    this.loop.timers.remove(this);
    const toNode = this.up.withdraw(client.takeArrived());
    const toClient = this.down.withdraw(node.takeArrived());
    this.report();
    return {
      client: client.giveAway(toClient),
      node: node.giveAway(toNode),
      up: this.totalUp,
      down: this.totalDown,
      first: this.first,
      quietMs: this.loop.now - this.lastMs,
    };
  }

  cut(reason: CutReason): void {
    if (this.outcome !== null || this.given) return;
    this.first ??= "edge-lb";
    this.close(reason, true, true);
    this.loop.soon(this);
  }

  private end(why: TunnelWhy, resetClient: boolean, resetNode: boolean): void {
    if (this.outcome !== null) return;
    this.close(why, resetClient, resetNode);
    this.run();
  }

  /** Close both; the node is reset unless both ended well, so that no port of ours waits in TIME_WAIT for it. */
  private close(why: TunnelWhy, resetClient: boolean, resetNode: boolean): void {
    this.loop.timers.remove(this);
    this.up.detach();
    this.down.detach();
    const up = this.totalUp + this.up.unreported;
    const down = this.totalDown + this.down.unreported;
    this.outcome = { up, down, first: this.first ?? "edge-lb", why };
    this.client.close(resetClient);
    this.node.close(resetNode, why === "closed" && up + down <= SHORT_BYTES);
  }

  /** As a task, or at once: tell of the end. */
  run(): void {
    if (this.outcome === null) return;
    this.report();
    try {
      this.spec.onEnd(this.outcome);
    } catch (error) {
      this.loop.fault(error);
    }
  }

  report(): void {
    this.reporting = false;
    const up = this.up.unreported;
    const down = this.down.unreported;
    if (up === 0 && down === 0) return;
    this.up.unreported = 0;
    this.down.unreported = 0;
    this.totalUp += up;
    this.totalDown += down;
    try {
      this.spec.onBytes(up, down);
    } catch (error) {
      this.loop.fault(error);
    }
  }
}

/** Nothing to do is the common case: the hello was read, and what follows makes an event. */
function needsVisit(from: LinuxConn, to: LinuxConn): boolean {
  return from.readable || from.ended || to.broken || to.hasUnsent;
}
