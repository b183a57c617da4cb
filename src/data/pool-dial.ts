/** Reaching one endpoint of a pool: the client goes to the next one as long as nothing was sent yet. */
import { sourceOf } from "../core/client-source.ts";
import { pick } from "../core/balance/pick.ts";
import type { Cancel, Conn, ConnEvents, DialSpec } from "../runtime/port.ts";
import type { DialError } from "../seam/mail.ts";
import type { Address, ClusterPlan, Endpoint, Pool } from "../seam/snapshot.ts";
import type { Live, Plane } from "./plane.ts";
import type { Cells } from "../seam/tunnel-state.ts";
import { cellsOf } from "./tunnels.ts";

/** Three endpoints cover a control plane; more would only lengthen the wait when none of them can be reached. */
const MOST_ATTEMPTS = 3;

const NOWHERE: Address = { ip: "", port: 0 };
const NONE_TRIED: ReadonlySet<number> = new Set<number>();

export interface DialRequest {
  readonly live: Live;
  readonly plan: ClusterPlan;
  readonly pool: Pool;
  /** What a hashed policy hashes: `clientKey` or `hostKey`. */
  readonly key: number;
  /** The client's address. */
  readonly clientIp: string;
  /** Not before `dialPool` returned. From here on the caller owns the connection and calls `closeCells` once it is over. */
  onOpen(conn: Conn, reached: Reached): ConnEvents;
  /** `null`: no endpoint could be tried at all. */
  onFail(last: DialError | null, attempts: number): void;
}

export interface Reached {
  readonly endpoint: Endpoint;
  readonly cells: Cells;
  /** From the first attempt to the open connection. */
  readonly dialMs: number;
  readonly attempts: number;
  /** More for the log. */
  readonly note: string | null;
}

/** The client's could not be dialled from. */
const OWN_ADDRESS = "own address";

/**
 * Dial the pool's endpoints, best first: at most 3 attempts and `dialTotal` in all.
 * @param first Sent on opening; valid during the call only.
 */
export function dialPool(plane: Plane, request: DialRequest, first: Uint8Array | null): Cancel {
  return new PoolDial(plane, request, first);
}

/** One attempt after the other; also the specification of each, so that an attempt costs no object. */
class PoolDial implements Cancel, DialSpec {
  to: Address = NOWHERE;
  from: string | null = null;
  timeoutMs = 0;
  first: Uint8Array | null;
  private readonly plane: Plane;
  private readonly request: DialRequest;
  private readonly startMs: number;
  private readonly key: number;
  private tried: Set<number> | null = null;
  private attempts = 0;
  private endpoint: Endpoint | null = null;
  /** The cluster's cell counts this dial, from its start: a burst must not exceed max-connections. */
  private counted = true;
  private current: Cancel | null = null;

  constructor(plane: Plane, request: DialRequest, first: Uint8Array | null) {
    this.plane = plane;
    this.request = request;
    this.first = first;
    this.startMs = plane.runtime.nowMs();
    this.key = request.pool.policy === "roundrobin" ? plane.turn++ : request.key;
    plane.writer.addActive(request.plan.cell, 1);
    const endpoint = this.choose();
    // the caller is never called back before dialPool() returned, so without an endpoint it hears so one turn later
    if (endpoint === null) this.current = plane.runtime.timer(0, () => this.giveUp(null));
    else this.attempt(endpoint);
  }

  cancel(): void {
    this.current?.cancel();
    this.current = null;
    this.leave();
    this.uncount();
  }

  private choose(): Endpoint | null {
    const { plane, request } = this;
    return pick(request.pool, plane.health, this.key, this.tried ?? NONE_TRIED, plane.random, request.plan.allDown);
  }

  private attempt(endpoint: Endpoint): void {
    const { timeouts } = this.request.live.snapshot;
    const leftMs = timeouts.dialTotal - (this.plane.runtime.nowMs() - this.startMs);
    this.attempts += 1;
    this.endpoint = endpoint;
    // counted before it is open, so that a burst spreads over the pool
    this.plane.writer.addActive(endpoint.cell, 1);
    this.to = endpoint.at;
    const { plan, clientIp } = this.request;
    this.from = plan.source === "edge" ? null : sourceOf(plan, clientIp, endpoint);
    this.timeoutMs = Math.min(timeouts.connect, leftMs);
    this.current = this.plane.runtime.dial(this);
    this.first = null;
  }

  onOpen(conn: Conn): ConnEvents {
    const { plane, request, endpoint } = this;
    if (endpoint === null) throw new Error("Cannot open: no attempt is under way");
    const cells = cellsOf(request.plan, request.pool, endpoint);
    this.endpoint = null;
    this.counted = false; // the caller's `closeCells` takes it back
    plane.writer.addActive(cells.pool, 1);
    plane.writer.addTotal(cells.cluster, "connections", 1);
    plane.writer.addTotal(cells.pool, "connections", 1);
    plane.writer.addTotal(cells.endpoint, "connections", 1);
    return request.onOpen(conn, {
      endpoint,
      cells,
      dialMs: plane.runtime.nowMs() - this.startMs,
      attempts: this.attempts,
      note: request.plan.source === "client" && this.from === null ? OWN_ADDRESS : null,
    });
  }

  onFail(error: DialError, first: Uint8Array | null): void {
    const { endpoint } = this;
    if (endpoint === null) throw new Error("Cannot fail: no attempt is under way");
    this.leave();
    this.first = first;
    // our own shortage says nothing about the node, and no other node can help
    if (error === "no-descriptors") {
      this.plane.writer.addCount("shortages", 1);
      return this.giveUp(error);
    }
    // nor does a port, but towards another node some may be free
    if (error === "no-ports") this.plane.writer.addCount("shortages", 1);
    else this.plane.writer.addTotal(endpoint.cell, "failures", 1);
    this.plane.reports.dialFailed(endpoint.cell, error);
    const outOfTime = this.plane.runtime.nowMs() - this.startMs >= this.request.live.snapshot.timeouts.dialTotal;
    if (this.attempts >= MOST_ATTEMPTS || outOfTime) return this.giveUp(error);
    this.tried ??= new Set();
    this.tried.add(endpoint.cell);
    const next = this.choose();
    if (next === null) return this.giveUp(error);
    return this.attempt(next);
  }

  private giveUp(last: DialError | null): void {
    this.uncount();
    this.request.onFail(last, this.attempts);
  }

  private uncount(): void {
    if (this.counted) this.plane.writer.addActive(this.request.plan.cell, -1);
    this.counted = false;
  }

  private leave(): void {
    if (this.endpoint !== null) this.plane.writer.addActive(this.endpoint.cell, -1);
    this.endpoint = null;
  }
}

/** Count a connection that was opened elsewhere; `closeCells` takes it back. */
export function openCells(plane: Plane, cells: Cells): void {
  plane.writer.addActive(cells.cluster, 1);
  plane.writer.addActive(cells.pool, 1);
  plane.writer.addActive(cells.endpoint, 1);
}

/** The connection that `dialPool` opened is over. */
export function closeCells(plane: Plane, cells: Cells): void {
  plane.writer.addActive(cells.cluster, -1);
  plane.writer.addActive(cells.pool, -1);
  plane.writer.addActive(cells.endpoint, -1);
}

/** Bytes that moved on it. */
export function countBytes(plane: Plane, cells: Cells, up: number, down: number): void {
  const { writer } = plane;
  if (up > 0) {
    writer.addTotal(cells.cluster, "bytesUp", up);
    writer.addTotal(cells.pool, "bytesUp", up);
    writer.addTotal(cells.endpoint, "bytesUp", up);
  }
  if (down > 0) {
    writer.addTotal(cells.cluster, "bytesDown", down);
    writer.addTotal(cells.pool, "bytesDown", down);
    writer.addTotal(cells.endpoint, "bytesDown", down);
  }
}
