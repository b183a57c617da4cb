/** A connection to the http listener: gives the sans-IO session its sockets, its clock, routes and counters. */
import type { ExchangeEnd, SessionEffects, Started, Forward } from "../core/http/effects.ts";
import { unavailable } from "../core/http/replies.ts";
import type { EndWord, Reply } from "../core/http/reply.ts";
import type { Request, RequestHead } from "../core/message/request.ts";
import { HttpSession } from "../core/http/session.ts";
import type { ProxyHeaderReader } from "../core/proxy-header.ts";
import { withProxyHeader, type Ends } from "../core/proxy-protocol.ts";
import type { Cancel, CloseCause, Conn, ConnEvents } from "../runtime/port.ts";
import type { Count } from "../seam/board.ts";
import type { DialError } from "../seam/mail.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import type { Service } from "../seam/services.ts";
import { tunnelRecord } from "./access-log.ts";
import { enter, leave, UNNAMED } from "./admission.ts";
import { CUT_OFF, headerOf, takeHeader, type HeaderOwner, type TakenHeader } from "./client-header.ts";
import { countBytes, dialPool, type DialRequest, type Reached } from "./pool-dial.ts";
import { Exchange } from "./http-exchange.ts";
import { nothingUsable, type ExchangeOwner } from "./http-route.ts";
import { wakingAfter } from "./http-waking.ts";
import { Upstream, type UpstreamOwner } from "./http-upstream.ts";
import type { Live, Plane } from "./plane.ts";
import { RecordedTunnel } from "./recorded-tunnel.ts";

const COUNTED: Readonly<Partial<Record<EndWord, Count>>> = {
  "unknown name": "unknownName",
  "no name": "unknownName",
  "not allowed": "refused",
  "limit reached": "refused",
  "node down": "refused",
  "bad request": "malformed",
  "bad PROXY header": "malformed",
  "head timeout": "timedOut",
  "body timeout": "timedOut",
  idle: "timedOut",
  "client closed": "clientGone",
  "client reset": "clientGone",
};

export function acceptHttp(plane: Plane, service: Service, conn: Conn): ConnEvents {
  const client = new HttpClient(plane, service, conn);
  const limit = enter(plane, service, client.clientSlot);
  plane.drainable.add(client);
  if (plane.stopping) client.drain();
  if (limit !== null) client.turnAway(limit);
  client.after();
  return client;
}

/** One connection: the session's effects, and the node connection that serves its requests. */
class HttpClient implements ConnEvents, SessionEffects, UpstreamOwner, ExchangeOwner, HeaderOwner {
  readonly plane: Plane;
  readonly session: HttpSession;
  readonly service: Service;
  readonly conn: Conn;
  ends: Ends;
  clientKey: number;
  clientSlot: number;
  upstream: Upstream | null = null;
  /** What has to come before the first request; null: nothing more. */
  private header: ProxyHeaderReader | null;
  private dial: Cancel | null = null;
  private timer: Cancel | null = null;
  /** When `timer` fires. Deadlines move later with every event; the timer is not moved and checks again when it fires. */
  private armedFor = Infinity;
  readonly exchange: Exchange;

  constructor(plane: Plane, service: Service, conn: Conn) {
    this.plane = plane;
    this.service = service;
    this.conn = conn;
    this.ends = conn;
    this.header = headerOf(plane, conn);
    const { key, slot } = plane.clients.of(conn.remote.ip);
    this.clientKey = key;
    this.clientSlot = this.header === null ? slot : UNNAMED;
    this.exchange = new Exchange(this);
    this.session = new HttpSession(this, plane.live.snapshot);
  }

  // ── ConnEvents: the client's connection ──

  onData(chunk: Uint8Array): void {
    if (this.header === null) this.session.clientData(chunk);
    else this.takeHeader(takeHeader(this, this.header, chunk));
    this.after();
  }

  private takeHeader(taken: TakenHeader): void {
    if (taken.kind === "need-more") return undefined;
    if (taken.kind === "bad") return this.endUnnamed("bad PROXY header", taken.fault);
    this.header = null;
    if (taken.kind === "limit") return this.turnAway(taken.limit);
    return taken.rest.length > 0 ? this.session.clientData(taken.rest) : undefined;
  }

  /** Nothing was asked for, so nothing is answered. */
  private endUnnamed(end: "bad PROXY header" | "head timeout", note: string | null): void {
    this.header = null;
    this.ended(null, { status: 0, up: 0, down: 0, end, note });
    this.session.drain();
  }

  /** @param limit What this connection exceeds, in words. */
  turnAway(limit: string): void {
    this.header = null;
    const lines = ["edge-lb has no room for another connection."];
    this.session.reply(unavailable(lines, "limit reached", limit));
  }

  onDrain(): void {
    this.session.clientDrain();
    this.after();
  }

  onEnd(): void {
    if (this.header?.begun === true) this.endUnnamed("bad PROXY header", CUT_OFF);
    else this.session.clientEnd();
    this.after();
  }

  onClose(cause: CloseCause): void {
    this.plane.drainable.delete(this);
    leave(this.plane, this.service, this.clientSlot);
    this.session.clientLeft(CLIENT_ENDS[cause]);
    this.timer?.cancel();
    this.timer = null;
  }

  /** After each event: make sure that a timer fires by the session's deadline. An earlier one stays and checks again. */
  after(): void {
    const { deadline } = this.session;
    if (deadline >= this.armedFor) return;
    this.timer?.cancel();
    this.armedFor = deadline;
    this.timer = this.plane.runtime.timer(Math.max(deadline - this.nowMs(), 1), this.wake);
  }

  private readonly wake = (): void => {
    this.timer = null;
    this.armedFor = Infinity;
    if (this.nowMs() >= this.session.deadline) {
      if (this.header?.begun === true) this.endUnnamed("head timeout", null);
      else this.session.expired();
    }
    this.after();
  };

  /** The exchange under way ends with `Connection: close`; a connection between two requests is closed. */
  drain(): void {
    this.session.drain();
    this.after();
  }

  // ── SessionEffects ──

  nowMs(): number {
    return this.plane.runtime.nowMs();
  }

  wallMs(): number {
    return this.plane.runtime.wallMs();
  }

  route(request: Request, head: RequestHead): Forward | Reply {
    return this.exchange.route(request, head, this.upstream);
  }

  start(first: Uint8Array): Started {
    const { upstream } = this;
    const { routed, key } = this.exchange;
    if (upstream !== null && routed !== null) {
      if (upstream.serves(routed.plan, routed.pool, key)) return upstream.conn.write(first) ? "open" : "full";
      this.closeNode(true);
    }
    this.restart(first);
    return "dialing";
  }

  restart(first: Uint8Array): void {
    const { live, routed, key } = this.exchange;
    if (live === null || routed === null) return;
    const { plan, pool } = routed;
    const request = new HttpDial(this, live, plan, pool, key);
    this.dial = dialPool(this.plane, request, withProxyHeader(pool.sendProxy, this.ends, first));
  }

  /** A node took the connection that `restart` asked for. */
  reached(upstream: Upstream): ConnEvents {
    this.dial = null;
    this.upstream = upstream;
    this.session.nodeOpen();
    this.after();
    return upstream;
  }

  /** No node did. */
  unreachable(reply: Reply): void {
    this.dial = null;
    this.session.nodeFailed(reply);
    this.after();
  }

  toNode(bytes: Uint8Array): boolean {
    return this.upstream?.conn.write(bytes) ?? true;
  }

  toClient(bytes: Uint8Array): boolean {
    this.exchange.answered();
    return this.conn.write(bytes);
  }

  readNode(on: boolean): void {
    if (on) this.upstream?.conn.resume();
    else this.upstream?.conn.pause();
  }

  readClient(on: boolean): void {
    if (on) this.conn.resume();
    else this.conn.pause();
  }

  passUp(bytes: number): void {
    this.upstream?.passUp(bytes);
  }

  nodeIsFull(): boolean {
    return this.upstream?.conn.full ?? false;
  }

  passDown(bytes: number): void {
    this.upstream?.passDown(bytes);
  }

  join(
    request: Request | null,
    toNode: readonly Uint8Array[],
    toClient: readonly Uint8Array[],
    soFar: ExchangeEnd,
  ): void {
    const { plane, conn, upstream, exchange } = this;
    const { live, startMs, idleMs } = exchange;
    this.timer?.cancel();
    this.timer = null;
    if (upstream === null || live === null) return;
    plane.tunnels.delete(upstream);
    plane.drainable.delete(this);
    const { halfClosed } = live.snapshot.timeouts;
    const record = exchange.record(request, upstream, soFar);
    new RecordedTunnel({
      plane,
      service: this.service,
      clientSlot: this.clientSlot,
      cells: upstream.cells,
      startMs,
      idleMs,
      halfClosedMs: halfClosed,
      toNode,
      toClient,
      soFar,
      record: tunnelRecord(record),
    }).start(conn, upstream.conn);
    this.upstream = null;
    exchange.end();
  }

  closeNode(clean: boolean): void {
    this.dial?.cancel();
    this.dial = null;
    const { upstream } = this;
    if (upstream === null) return;
    this.upstream = null;
    upstream.close(clean, this.lingerMs());
  }

  closeClient(): void {
    this.conn.closeAfter(this.lingerMs());
  }

  destroyClient(): void {
    this.conn.destroy();
  }

  ended(request: Request | null, end: ExchangeEnd): void {
    const { plane, exchange } = this;
    const upstream = exchange.served(this.upstream);
    const counted = end.end === "done" ? undefined : COUNTED[end.end];
    if (counted !== undefined) plane.writer.addCount(counted, 1);
    if (upstream !== null) countBytes(plane, upstream.cells, end.up, end.down);
    exchange.countAnswer(end.status, upstream);
    plane.writer.tally(this.service.index, end.end, upstream?.dialMs ?? null, exchange.tookMs);
    if (plane.log.on) plane.log.write(exchange.record(request, upstream, end));
    if (upstream !== null) upstream.dialMs = null;
    exchange.end();
  }

  private lingerMs(): number {
    return this.plane.live.snapshot.timeouts.linger;
  }
}

/** The dial for one exchange. */
class HttpDial implements DialRequest {
  readonly live: Live;
  readonly plan: ClusterPlan;
  readonly pool: Pool;
  readonly key: number;
  readonly clientIp: string;
  private readonly client: HttpClient;

  constructor(client: HttpClient, live: Live, plan: ClusterPlan, pool: Pool, key: number) {
    this.client = client;
    this.clientIp = client.ends.remote.ip;
    this.live = live;
    this.plan = plan;
    this.pool = pool;
    this.key = key;
  }

  onOpen(node: Conn, reached: Reached): ConnEvents {
    return this.client.reached(new Upstream(this.client, node, reached, this.pool, this.key));
  }

  onFail(last: DialError | null, attempts: number): void {
    const { plane, exchange } = this.client;
    const waking = exchange.asked === null ? null : wakingAfter(plane, this.plan, exchange.asked);
    this.client.unreachable(waking ?? nothingUsable(plane, this.plan, this.pool, last, attempts));
  }
}

const CLIENT_ENDS = {
  closed: "client closed",
  reset: "client reset",
  timeout: "client reset",
  destroyed: "client reset",
  fault: "internal error",
} as const satisfies Record<CloseCause, EndWord>;
