/** A connection to the http listener: gives the sans-IO session its sockets, its clock, routes and counters. */
import { inAny } from "../core/access.ts";
import { clientKey, hostKey } from "../core/balance/hash.ts";
import { latin1 } from "../core/http/bytes.ts";
import type { ExchangeEnd, SessionEffects, Started, Target } from "../core/http/effects.ts";
import { unavailable } from "../core/http/replies.ts";
import type { EndWord, Reply } from "../core/http/reply.ts";
import type { Request, RequestHead } from "../core/http/request.ts";
import { HttpSession } from "../core/http/session.ts";
import { withProxyHeader } from "../core/proxy-protocol.ts";
import type { Cancel, CloseCause, Conn, ConnEvents } from "../runtime/port.ts";
import type { Count } from "../seam/board.ts";
import type { ListenerKind, Pool } from "../seam/snapshot.ts";
import type { AccessRecord } from "./access-log.ts";
import { enter, leave } from "./admission.ts";
import { countBytes, dialPool, type DialRequest, type Reached } from "./dial.ts";
import { clusterOf, nothingUsable, routeHttp, type HttpRoute } from "./http-route.ts";
import { HttpTunnel } from "./http-tunnel.ts";
import { Upstream, type UpstreamOwner } from "./http-upstream.ts";
import type { Live, Plane } from "./plane.ts";

const COUNTED: Readonly<Partial<Record<EndWord, Count>>> = {
  "unknown name": "unknownName",
  "no name": "unknownName",
  "not allowed": "refused",
  "limit reached": "refused",
  "node down": "refused",
  "bad request": "malformed",
  "head timeout": "timedOut",
  idle: "timedOut",
  "client closed": "clientGone",
  "client reset": "clientGone",
};

export function acceptHttp(plane: Plane, kind: ListenerKind, conn: Conn): ConnEvents {
  const client = new HttpClient(plane, kind, conn);
  const limit = enter(plane, client.clientKey);
  plane.lingering.add(client);
  if (plane.stopping) client.drain();
  if (limit !== null) {
    const lines = ["edge-lb has no room for another connection."];
    client.session.reply(unavailable(lines, "limit reached", limit));
  }
  client.after();
  return client;
}

class HttpClient implements ConnEvents, SessionEffects, UpstreamOwner {
  readonly plane: Plane;
  readonly session: HttpSession;
  readonly clientIp: string;
  readonly clientKey: number;
  upstream: Upstream | null = null;
  private readonly kind: ListenerKind;
  private readonly conn: Conn;
  private dial: Cancel | null = null;
  private timer: Cancel | null = null;
  /** When `timer` fires: often early, as deadlines move with every event and the timer need not. */
  private armedFor = Infinity;

  // of the request under way
  private live: Live | null = null;
  private routed: HttpRoute | null = null;
  private key = 0;
  private target = "-";
  private startMs = 0;
  /** From the request to the first byte of its answer. */
  private answerMs: number | null = null;
  /** The last host that was looked up, in which snapshot, and what was found. */
  private lookedUp: Live | null = null;
  private lookedFor: string | null = null;
  private index = -1;
  private hostKey = 0;
  private aim: Target | null = null;
  /** The snapshot `aim` was made of. */
  private aimed: Live | null = null;

  constructor(plane: Plane, kind: ListenerKind, conn: Conn) {
    this.plane = plane;
    this.kind = kind;
    this.conn = conn;
    this.clientIp = conn.remote.ip;
    this.clientKey = clientKey(conn.remote.ip);
    this.session = new HttpSession(this, plane.live.snapshot);
  }

  // ── ConnEvents: the client's connection ──

  onData(chunk: Uint8Array): void {
    this.session.clientData(chunk);
    this.after();
  }

  onDrain(): void {
    this.session.clientDrain();
    this.after();
  }

  onEnd(): void {
    this.session.clientEnd();
    this.after();
  }

  onClose(cause: CloseCause): void {
    this.plane.lingering.delete(this);
    leave(this.plane, this.clientKey);
    this.session.clientLeft(CLIENT_ENDS[cause]);
    this.timer?.cancel();
    this.timer = null;
  }

  /** Wake when the session's deadline comes; a timer that is due earlier looks again. */
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
    if (this.nowMs() >= this.session.deadline) this.session.expired();
    this.after();
  };

  /** What is under way is answered with `Connection: close`; a client that waits is let go. */
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

  route(request: Request, head: RequestHead): Target | Reply {
    const { plane, conn } = this;
    const { bytes, start } = head;
    const live = plane.acquire();
    this.live = live;
    this.lookUp(live, request.host);
    this.startMs = this.nowMs();
    this.answerMs = null;
    if (plane.log.on) this.target = latin1(bytes, start.targetFrom, start.targetTo);
    const within = this.upstream?.cells.cluster ?? -1;
    const route = routeHttp(plane, live, this.index, conn.remote.ip, request, head, within);
    if (route.kind === "reply") return route;
    this.routed = route;
    const { pool } = route;
    this.key = pool.policy === "host" ? this.hostKey : this.clientKey;
    return this.aimAt(live, pool);
  }

  /** Requests of one connection nearly always ask for the same host, and for the same snapshot. */
  private lookUp(live: Live, host: string | null): void {
    if (this.lookedUp === live && this.lookedFor === host) return;
    this.lookedUp = live;
    this.lookedFor = host;
    this.index = clusterOf(live, host);
    this.hostKey = hostKey(host ?? "");
  }

  private aimAt(live: Live, pool: Pool): Target {
    if (this.aim !== null && this.aimed === live && this.aim.idleMs === pool.idleMs) return this.aim;
    const { remote, local } = this.conn;
    const trusted = inAny(live.snapshot.trustedProxies, remote.ip);
    this.aim = { kind: "target", idleMs: pool.idleMs, forwarding: { clientIp: remote.ip, port: local.port, trusted } };
    this.aimed = live;
    return this.aim;
  }

  start(first: Uint8Array): Started {
    const { upstream, routed } = this;
    if (upstream !== null && routed !== null) {
      if (upstream.serves(routed.plan, routed.pool, this.key)) return upstream.conn.write(first) ? "open" : "full";
      this.dropNode(true);
    }
    this.restart(first);
    return "dialing";
  }

  restart(first: Uint8Array): void {
    const { plane, live, routed, key, conn } = this;
    if (live === null || routed === null) return;
    const { plan, pool } = routed;
    const request: DialRequest = {
      live,
      plan,
      pool,
      key,
      onOpen: (node, reached) => this.reached(node, reached, pool),
      onFail: (last, attempts) => {
        this.dial = null;
        this.session.nodeFailed(nothingUsable(plane, plan, pool, last, attempts));
        this.after();
      },
    };
    this.dial = dialPool(plane, request, withProxyHeader(pool.sendProxy, conn, first));
  }

  private reached(node: Conn, reached: Reached, pool: Pool): ConnEvents {
    this.dial = null;
    const upstream = new Upstream(this, node, reached, pool, this.key);
    this.upstream = upstream;
    this.session.nodeOpen();
    this.after();
    return upstream;
  }

  toNode(bytes: Uint8Array): boolean {
    return this.upstream?.conn.write(bytes) ?? true;
  }

  toClient(bytes: Uint8Array): boolean {
    this.answerMs ??= this.nowMs() - this.startMs;
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
    const { upstream, session } = this;
    if (upstream === null) return;
    const moved = (count: number | null): void => {
      if (this.upstream !== upstream) return;
      session.passedUp(count);
      this.after();
    };
    this.plane.runtime.pass(this.conn, upstream.conn, { bytes, onProgress: moved, onDone: () => moved(null) });
  }

  passDown(bytes: number): void {
    const { upstream, session } = this;
    if (upstream === null) return;
    const moved = (count: number | null): void => {
      if (this.upstream !== upstream) return;
      session.passedDown(count);
      this.after();
    };
    this.plane.runtime.pass(upstream.conn, this.conn, { bytes, onProgress: moved, onDone: () => moved(null) });
  }

  join(
    request: Request | null,
    toNode: readonly Uint8Array[],
    toClient: readonly Uint8Array[],
    soFar: ExchangeEnd,
  ): void {
    const { plane, conn, upstream, live, aim, startMs } = this;
    this.timer?.cancel();
    this.timer = null;
    if (upstream === null || live === null) return;
    plane.tunnels.delete(upstream);
    plane.lingering.delete(this);
    const { halfClosed } = live.snapshot.timeouts;
    const record = this.recordOf(request, soFar);
    new HttpTunnel({
      plane,
      client: conn,
      clientKey: this.clientKey,
      cells: upstream.cells,
      startMs,
      idleMs: aim?.idleMs ?? 0,
      halfClosedMs: halfClosed,
      toNode,
      toClient,
      soFar,
      record,
    }).start(upstream.conn);
    this.upstream = null;
    this.forget();
  }

  dropNode(clean: boolean): void {
    this.dial?.cancel();
    this.dial = null;
    const { upstream } = this;
    if (upstream === null) return;
    this.upstream = null;
    upstream.release();
    if (clean) upstream.conn.closeAfter(this.lingerMs());
    else upstream.conn.destroy();
  }

  closeClient(): void {
    this.conn.closeAfter(this.lingerMs());
  }

  destroyClient(): void {
    this.conn.destroy();
  }

  ended(request: Request | null, end: ExchangeEnd): void {
    const { plane } = this;
    const upstream = this.used();
    const counted = end.end === "done" ? undefined : COUNTED[end.end];
    if (counted !== undefined) plane.writer.addCount(counted, 1);
    if (upstream !== null) countBytes(plane, upstream.cells, end.up, end.down);
    plane.writer.tally(this.kind, end.end, upstream?.dialMs ?? null, this.tookMs());
    if (plane.log.on) plane.log.write(this.recordOf(request, end));
    if (upstream !== null) upstream.dialMs = null;
    this.forget();
  }

  // ── inside ──

  private recordOf(request: Request | null, { up, down, end, note, status }: ExchangeEnd): AccessRecord {
    const { routed, live } = this;
    const upstream = this.used();
    const tries = upstream !== null && upstream.attempts > 1 ? `${upstream.attempts} nodes tried` : null;
    return {
      listener: this.kind,
      client: this.conn.remote,
      name: request?.host ?? null,
      cluster: routed?.plan.name ?? null,
      node: upstream?.node ?? null,
      up,
      down,
      dialMs: upstream === null ? null : (upstream.dialMs ?? 0),
      totalMs: this.tookMs(),
      end,
      note: note ?? tries,
      http: {
        method: request?.method ?? "-",
        target: live === null ? "-" : this.target,
        status,
        answerMs: live === null || this.answerMs === null ? null : Math.max(0, this.answerMs - (upstream?.dialMs ?? 0)),
      },
      cells: upstream?.cells ?? null,
      attempts: upstream?.attempts ?? 0,
    };
  }

  /** What was refused before it was routed began and ended at once. */
  private tookMs(): number {
    return this.live === null ? 0 : this.nowMs() - this.startMs;
  }

  /** The connection to the node, if this request is for it. */
  private used(): Upstream | null {
    const { upstream, routed } = this;
    return upstream !== null && routed !== null && upstream.cells.pool === routed.pool.cell ? upstream : null;
  }

  /** The request is over: its snapshot may go. */
  private forget(): void {
    if (this.live !== null) this.plane.release(this.live);
    this.live = null;
    this.routed = null;
  }

  private lingerMs(): number {
    return this.plane.live.snapshot.timeouts.linger;
  }
}

const CLIENT_ENDS = {
  closed: "client closed",
  reset: "client reset",
  timeout: "client reset",
  destroyed: "client reset",
  fault: "internal error",
} as const satisfies Record<CloseCause, EndWord>;
