/** The connection to a node that serves one client connection, one request after the other. */
import { formatEndpoint } from "../core/address.ts";
import { pick } from "../core/balance/pick.ts";
import type { Ends } from "../core/proxy-protocol.ts";
import type { HttpSession } from "../core/http/session.ts";
import type { CloseCause, Conn, ConnEvents, PassSpec } from "../runtime/port.ts";
import { HEALTH } from "../seam/board.ts";
import type { CutReason } from "../seam/mail.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import { closeCells, type Reached } from "./pool-dial.ts";
import type { Plane } from "./plane.ts";
import type { Cells } from "../seam/tunnel-state.ts";
import type { Cuttable } from "./tunnels.ts";

const NONE_TRIED: ReadonlySet<number> = new Set<number>();

/** The client connection that it serves. */
export interface UpstreamOwner {
  readonly plane: Plane;
  readonly session: HttpSession;
  readonly conn: Conn;
  /** Where the client is and what it connected to. */
  readonly ends: Ends;
  /** Null once it is closed: later events of that connection are ignored. */
  readonly upstream: Upstream | null;
  /** To be called after each event. */
  after(): void;
}

export class Upstream implements ConnEvents, Cuttable {
  readonly conn: Conn;
  readonly cells: Cells;
  readonly clientIp: string;
  /** The endpoint as ip:port. */
  readonly node: string;
  /** How long the dial took; null once it was logged: later requests on this connection need no dial. */
  dialMs: number | null;
  readonly attempts: number;
  /** More for the log. */
  readonly note: string | null;
  private readonly owner: UpstreamOwner;
  private readonly reached: Reached;
  private pool: Pool;
  private key: number;
  private heard = false;
  /** The node's FIN came. */
  private finished = false;
  previous: Cuttable | null = null;
  next: Cuttable | null = null;

  constructor(owner: UpstreamOwner, conn: Conn, reached: Reached, pool: Pool, key: number) {
    this.owner = owner;
    this.conn = conn;
    this.reached = reached;
    this.cells = reached.cells;
    this.clientIp = owner.ends.remote.ip;
    this.node = formatEndpoint(reached.endpoint.at.ip, reached.endpoint.at.port);
    this.dialMs = reached.dialMs;
    this.attempts = reached.attempts;
    this.note = reached.note;
    this.pool = pool;
    this.key = key;
    owner.plane.tunnels.add(this);
  }

  /** May this connection take a request for that pool? Only where a new dial would not go elsewhere. */
  serves(plan: ClusterPlan, pool: Pool, key: number): boolean {
    const { plane } = this.owner;
    const { endpoint } = this.reached;
    if (pool.cell !== this.cells.pool) return false;
    const state = plane.health.state(endpoint.cell);
    const well = state === HEALTH.up || state === HEALTH.unknown;
    const moved = pool.policy === "host" && key !== this.key;
    if (well && pool === this.pool && !moved) return true;
    const known = pool.endpoints.some(({ cell }) => cell === endpoint.cell);
    if (!known || (!well && state !== HEALTH["not-ready"])) return false;
    // pick again only when the node is not well or another host is asked for: that may lead elsewhere
    if (!well || moved) {
      const best = pick(pool, plane.health, key, NONE_TRIED, plane.random, plan.allDown);
      if (best?.cell !== endpoint.cell) return false;
    }
    this.pool = pool;
    this.key = key;
    return true;
  }

  /** Let the runtime move the next bytes of the client's body; the session hears how many went. */
  passUp(bytes: number): void {
    this.owner.plane.runtime.pass(this.owner.conn, this.conn, new BodyPass(this, bytes, "up"));
  }

  /** The same with the answer's body. */
  passDown(bytes: number): void {
    this.owner.plane.runtime.pass(this.conn, this.owner.conn, new BodyPass(this, bytes, "down"));
  }

  /** @param bytes Moved since the last call; null: all that were left. */
  passed(way: "up" | "down", bytes: number | null): void {
    if (!this.isCurrent()) return;
    if (way === "up") this.owner.session.passedUp(bytes);
    else this.owner.session.passedDown(bytes);
    this.owner.after();
  }

  onData(chunk: Uint8Array): void {
    if (!this.isCurrent()) return;
    this.heard = true;
    this.owner.session.nodeData(chunk);
    this.owner.after();
  }

  onDrain(): void {
    if (!this.isCurrent()) return;
    this.owner.session.nodeDrain();
    this.owner.after();
  }

  onEnd(): void {
    this.finished = true;
    if (!this.isCurrent()) return;
    this.left("node closed");
  }

  onClose(cause: CloseCause): void {
    if (!this.isCurrent()) return;
    this.left(cause === "closed" ? "node closed" : "node reset");
  }

  /** Its client may ask for more: it ends here. */
  give(): null {
    return null;
  }

  cut(reason: CutReason): void {
    if (!this.isCurrent()) return;
    this.owner.session.cut(`cut: ${reason}`);
    if (reason === "shutdown") this.owner.session.drain();
    this.owner.after();
  }

  /** Stop counting it for this session; the caller closes the socket or joins it. */
  release(): void {
    const { plane } = this.owner;
    plane.tunnels.delete(this);
    closeCells(plane, this.cells);
  }

  /**
   * A FIN of ours before the node's would leave a port of this machine in TIME_WAIT, and where nothing is under way a RST loses nothing.
   * @param clean Nothing is.
   */
  close(clean: boolean, lingerMs: number): void {
    this.release();
    if (clean && this.finished) this.conn.closeAfter(lingerMs);
    else this.conn.destroy();
  }

  private left(end: "node closed" | "node reset"): void {
    if (!this.heard) this.owner.plane.reports.nodeSilent(this.cells.endpoint);
    this.owner.session.nodeLeft(end);
    this.owner.after();
  }

  private isCurrent(): boolean {
    return this.owner.upstream === this;
  }
}

/** A body of known length that the runtime moves without showing it. */
class BodyPass implements PassSpec {
  readonly bytes: number;
  private readonly upstream: Upstream;
  private readonly way: "up" | "down";

  constructor(upstream: Upstream, bytes: number, way: "up" | "down") {
    this.upstream = upstream;
    this.bytes = bytes;
    this.way = way;
  }

  onProgress(bytes: number): void {
    this.upstream.passed(this.way, bytes);
  }

  onDone(): void {
    this.upstream.passed(this.way, null);
  }
}
