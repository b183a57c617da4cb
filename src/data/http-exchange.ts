/** The request under way on a connection to the http listener: where it goes, by which snapshot, and when what happened. */
import { inAny } from "../core/access.ts";
import { hostKey } from "../core/balance/hash.ts";
import { latin1 } from "../core/message/bytes.ts";
import type { ExchangeEnd, Forward } from "../core/http/effects.ts";
import type { Reply } from "../core/http/reply.ts";
import type { Request, RequestHead } from "../core/message/request.ts";
import { routeHost } from "../core/route/lookup.ts";
import { ANSWERS } from "../seam/board.ts";
import type { Pool } from "../seam/snapshot.ts";
import { joinNotes, type AccessRecord } from "./access-log.ts";
import { routeHttp, type ExchangeOwner, type HostTarget, type HttpRoute } from "./http-route.ts";
import type { Upstream } from "./http-upstream.ts";
import type { Live } from "./plane.ts";
import { BY_CLIENT } from "./route-words.ts";

/** One per connection, used for one request after the other: `route` begins it and `end` ends it. */
export class Exchange implements HostTarget {
  /** The snapshot it was routed by; null: no request has been routed. */
  live: Live | null = null;
  routed: HttpRoute | null = null;
  /** What a hashed policy hashes. */
  key = 0;
  startMs = 0;
  private readonly owner: ExchangeOwner;
  /** The request target, for the access log. */
  private target = "-";
  /** From the request to the first byte of its answer. */
  private answerMs: number | null = null;

  // What the request before left: the next one nearly always asks for the same host, by the same snapshot.
  private lookedUpIn: Live | null = null;
  private host: string | null = null;
  index = -1;
  asked: string | null = null;
  private routeNote: string | null = null;
  private hostKey = 0;
  private forward: Forward | null = null;
  /** The snapshot that `forward` was made by. */
  private forwardOf: Live | null = null;

  constructor(owner: ExchangeOwner) {
    this.owner = owner;
  }

  /** @param upstream The connection to a node that the request before left open. */
  route(request: Request, head: RequestHead, upstream: Upstream | null): Forward | Reply {
    const { plane, clientKey } = this.owner;
    const { bytes, start } = head;
    const live = plane.acquire();
    this.live = live;
    this.lookUp(live, request.host);
    this.startMs = plane.runtime.nowMs();
    this.answerMs = null;
    if (plane.log.on) this.target = latin1(bytes, start.targetFrom, start.targetTo);
    const route = routeHttp(this.owner, live, this, request, head, upstream?.cells.cluster ?? -1);
    if (route.kind === "reply") return route;
    this.routed = route;
    const { pool } = route;
    this.key = pool.policy === "host" ? this.hostKey : clientKey;
    return this.forwardTo(live, pool);
  }

  private lookUp(live: Live, host: string | null): void {
    if (this.lookedUpIn === live && this.host === host) return;
    this.lookedUpIn = live;
    this.host = host;
    const { plane, service, ends } = this.owner;
    const match = routeHost(live.routes, service.index, host, ends.remote.ip);
    this.index = match?.cluster ?? -1;
    this.asked = match === null || match.rule === "client" || match.rule === "default" ? null : host;
    this.routeNote = match?.rule === "client" ? BY_CLIENT : null;
    if (this.routeNote !== null) plane.writer.addCount("byClientAddress", 1);
    this.hostKey = hostKey(host ?? "");
  }

  private forwardTo(live: Live, { idleMs }: Pool): Forward {
    if (this.forward !== null && this.forwardOf === live && this.forward.idleMs === idleMs) return this.forward;
    const { remote, local } = this.owner.ends;
    const { trustedProxies, forwarded } = live.snapshot;
    const trusted = inAny(trustedProxies, remote.ip);
    const client = { ip: remote.ip, localIp: local.ip, port: local.port, trusted, forwarded };
    this.forward = { kind: "forward", idleMs, client };
    this.forwardOf = live;
    return this.forward;
  }

  /** Without a byte either way for this long, the request ends; 0: it is going nowhere. */
  get idleMs(): number {
    return this.forward?.idleMs ?? 0;
  }

  /** Bytes of an answer leave for the client. */
  answered(): void {
    this.answerMs ??= this.owner.plane.runtime.nowMs() - this.startMs;
  }

  /** How long it has taken; a request that was refused before it was routed took no time. */
  get tookMs(): number {
    return this.live === null ? 0 : this.owner.plane.runtime.nowMs() - this.startMs;
  }

  /** The connection to a node, if it serves this request and not only the one before. */
  served(upstream: Upstream | null): Upstream | null {
    const { routed } = this;
    return upstream !== null && routed !== null && upstream.cells.pool === routed.pool.cell ? upstream : null;
  }

  /** @param status 0: none was sent */
  countAnswer(status: number, upstream: Upstream | null): void {
    const answer = ANSWERS[Math.floor(status / 100) - 1];
    if (answer === undefined || this.routed === null) return;
    const { writer } = this.owner.plane;
    writer.addTotal(this.routed.pool.cell, answer, 1);
    if (upstream !== null) writer.addTotal(upstream.cells.endpoint, answer, 1);
  }

  record(request: Request | null, upstream: Upstream | null, soFar: ExchangeEnd): AccessRecord {
    const { routed, live, owner } = this;
    const { up, down, end, note, status } = soFar;
    const node = this.served(upstream);
    const tries = node !== null && node.attempts > 1 ? `${node.attempts} nodes tried` : null;
    const more = node === null ? null : joinNotes(node.note, tries);
    return {
      listener: owner.service.name,
      client: owner.ends.remote,
      name: request?.host ?? null,
      cluster: routed?.plan.name ?? null,
      node: node?.node ?? null,
      up,
      down,
      dialMs: node === null ? null : (node.dialMs ?? 0),
      totalMs: this.tookMs,
      end,
      note: joinNotes(live === null ? null : this.routeNote, note ?? more),
      http: {
        method: request?.method ?? "-",
        target: live === null ? "-" : this.target,
        status,
        answerMs: live === null || this.answerMs === null ? null : Math.max(0, this.answerMs - (node?.dialMs ?? 0)),
      },
      cells: node?.cells ?? null,
      attempts: node?.attempts ?? 0,
    };
  }

  /** The request is over: its snapshot may go. */
  end(): void {
    if (this.live !== null) this.owner.plane.release(this.live);
    this.live = null;
    this.routed = null;
  }
}
