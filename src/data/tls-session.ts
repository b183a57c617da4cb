/** A connection to a service that is routed by SNI: read the ClientHello, route by its name, reach a node, join. */
import { isAllowed } from "../core/access.ts";
import type { ProxyHeaderReader } from "../core/proxy-header.ts";
import { hasUsable, mayBeAsleep } from "../core/health/asleep.ts";
import { withProxyHeader, type Ends } from "../core/proxy-protocol.ts";
import { route } from "../core/route/lookup.ts";
import { nearestName } from "../core/route/nearest.ts";
import { tlsAlert, type TlsAlert } from "../core/tls/alert.ts";
import { readClientHello, type HelloResult } from "../core/tls/client-hello.ts";
import type { Cancel, CloseCause, Conn, ConnEvents } from "../runtime/port.ts";
import type { Count } from "../seam/board.ts";
import type { DialError } from "../seam/mail.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import type { Service } from "../seam/services.ts";
import type { EndReason } from "../seam/tallies.ts";
import { joinNotes } from "./access-log.ts";
import { enter, leave, UNNAMED } from "./admission.ts";
import { CUT_OFF, headerOf, takeHeader, type HeaderOwner, type TakenHeader } from "./client-header.ts";
import { HELD, noNodes, BY_CLIENT } from "./route-words.ts";
import { SPEAK_TLS } from "./speak-tls.ts";
import type { HeldClient } from "./held-clients.ts";
import { dialPool, type Reached } from "./pool-dial.ts";
import { JOINED, TlsDial, type TlsDialler } from "./tls-dial.ts";
import type { Waiting } from "./hello-clock.ts";
import type { Live, Plane } from "./plane.ts";
import { type TlsClient, TlsTunnel } from "./tls-tunnel.ts";

/** From a dial that failed to the next one, of a client that is held. */
const REDIAL_MS = 500;

const NOTHING = new Uint8Array(0);

export function acceptTls(plane: Plane, service: Service, conn: Conn): ConnEvents {
  const session = new TlsSession(plane, service, conn);
  const limit = enter(plane, service, session.clientSlot);
  if (limit === null) session.start();
  else session.alert("limit reached", "refused", "internal_error", limit);
  return session;
}

class TlsSession implements ConnEvents, Waiting, HeldClient, TlsClient, TlsDialler, HeaderOwner {
  readonly plane: Plane;
  readonly service: Service;
  readonly conn: Conn;
  ends: Ends;
  clientKey: number;
  clientSlot: number;
  readonly startMs: number;
  name: string | null = null;
  cluster: string | null = null;
  helloBytes = 0;
  routeNote: string | null = null;
  dueMs = 0;
  previous: Waiting | null = null;
  next: Waiting | null = null;
  /** What has to come before the hello; null: nothing more. */
  private header: ProxyHeaderReader | null;
  private phase: "hello" | "held" | "dialing" | "over" = "hello";
  /** It asked for this name of the cluster, and did not come there in another way: it may wake it. */
  private named = false;
  /** The cluster that it may wake. */
  private wakes: ClusterPlan | null = null;
  heldUntilMs = 0;
  /** After a dial that failed: not sooner. */
  private lookAfterMs = 0;
  /** A hello that came in parts, so far: chunks are valid during their call only. */
  private head: Uint8Array = NOTHING;
  /** Parsing the hello again says something new from this many bytes on. */
  private wanted = 1;
  private dial: Cancel | null = null;
  private live: Live | null = null;

  constructor(plane: Plane, service: Service, conn: Conn) {
    this.plane = plane;
    this.service = service;
    this.conn = conn;
    this.ends = conn;
    this.header = headerOf(plane, conn);
    const { key, slot } = plane.clients.of(conn.remote.ip);
    this.clientKey = key;
    this.clientSlot = this.header === null ? slot : UNNAMED;
    this.startMs = plane.runtime.nowMs();
  }

  start(): void {
    this.plane.hellos.start(this, this.plane.live.snapshot.timeouts.hello);
  }

  onData(chunk: Uint8Array): void {
    if (this.phase !== "hello") return;
    if (this.header === null) this.takeHello(chunk);
    else this.takeHeader(takeHeader(this, this.header, chunk));
  }

  private takeHeader(taken: TakenHeader): void {
    if (taken.kind === "need-more") return undefined;
    if (taken.kind === "bad") return this.refuseHeader(taken.fault);
    this.header = null;
    if (taken.kind === "limit") return this.alert("limit reached", "refused", "internal_error", taken.limit);
    return taken.rest.length > 0 ? this.takeHello(taken.rest) : undefined;
  }

  private refuseHeader(fault: string): void {
    this.refuse("bad PROXY header", "malformed", NOTHING, fault);
  }

  private takeHello(chunk: Uint8Array): void {
    const before = this.helloBytes;
    this.helloBytes += chunk.length;
    // in one chunk, as nearly always, it need not be copied
    if (before === 0) this.parse(chunk, chunk);
    else {
      this.keep(chunk, before);
      if (this.helloBytes >= this.wanted) this.parse(this.head.subarray(0, this.helloBytes), null);
    }
  }

  /** @param unkept The hello so far, if it is not in `head`. */
  private parse(hello: Uint8Array, unkept: Uint8Array | null): void {
    const result = readClientHello(hello, this.plane.live.snapshot.limits.helloBytes);
    if (result.kind === "need-more") {
      this.wanted = result.bytes;
      if (unkept !== null) this.keep(unkept, 0);
      return;
    }
    this.plane.hellos.stop(this);
    this.read(result, hello);
  }

  onDrain(): void {}

  /** A client that finished half a hello will never finish it; one that finished after the hello may still read. */
  onEnd(): void {
    if (this.phase !== "hello") return;
    if (this.header?.begun === true) this.refuseHeader(CUT_OFF);
    else this.conn.destroy();
  }

  onClose(cause: CloseCause): void {
    leave(this.plane, this.service, this.clientSlot);
    const phase = this.phase;
    this.end();
    if (phase === "over") return;
    this.plane.writer.addCount("clientGone", 1);
    if (phase === "hello" && this.helloBytes === 0) return; // port scans and others' probes are counted, not logged
    this.log(cause === "fault" ? "internal error" : "client gone", null);
  }

  private read(result: Exclude<HelloResult, { kind: "need-more" }>, hello: Uint8Array): void {
    switch (result.kind) {
      case "sni":
        this.name = result.host;
        return this.route(hello, null);
      case "none":
        return this.route(hello, result.because === "ip-literal" ? "the name was an IP address" : null);
      case "not-tls":
        return this.refuse("not TLS", "malformed", result.http ? SPEAK_TLS : NOTHING, null);
      case "invalid":
        return this.refuse("malformed", "malformed", tlsAlert("decode_error"), result.reason);
    }
  }

  private route(hello: Uint8Array, note: string | null): void {
    const live = this.plane.acquire();
    this.live = live;
    const { snapshot } = live;
    const plan = snapshot.clusters[this.clusterOf(live)];
    const client = this.ends.remote.ip;
    if (!isAllowed(snapshot.allow, client) || (plan !== undefined && !isAllowed(plan.allow, client))) {
      return this.alert("not allowed", "refused", "access_denied", note);
    }
    if (plan === undefined) return this.unknown(live, note);
    this.cluster = plan.name;
    const pool = plan.pools[this.service.index];
    if (pool === undefined || pool === null || pool.endpoints.length === 0)
      return this.alert("node down", "refused", "internal_error", noNodes(plan, this.service));
    if (plan.maxConnections > 0 && this.plane.health.active(plan.cell) >= plan.maxConnections) {
      return this.alert("limit reached", "refused", "internal_error", `max-connections of ${plan.name}`);
    }
    return this.reach(live, plan, pool, hello);
  }

  /** @returns an index into the snapshot's clusters, or -1 */
  private clusterOf({ snapshot, routes }: Live): number {
    const { index, nameless } = this.service;
    const match = route(routes, index, this.name, this.ends.remote.ip);
    if (match?.rule === "client") {
      this.routeNote = BY_CLIENT;
      this.plane.writer.addCount("byClientAddress", 1);
    }
    this.named = this.name !== null && match !== null && match.rule !== "client" && match.rule !== "default";
    if (nameless !== "bridge" || (match !== null && match.rule !== "default")) return match?.cluster ?? -1;
    return snapshot.bridges.find(({ ip }) => ip === this.conn.local.ip)?.cluster ?? match?.cluster ?? -1;
  }

  private unknown(live: Live, note: string | null): void {
    if (this.name === null) return this.alert("no name", "unknownName", "unrecognized_name", note);
    const told = this.plane.reports.unknownName(this.service.name, this.name, this.ends.remote.ip);
    const nearest = told ? nearestName(live.routes, this.service.index, this.name) : null;
    return this.alert(
      "unknown name",
      "unknownName",
      "unrecognized_name",
      nearest === null ? null : `nearest known: ${nearest}`,
    );
  }

  private reach(live: Live, plan: ClusterPlan, pool: Pool, hello: Uint8Array): void {
    this.conn.pause();
    if (plan.wakes && this.named) {
      this.wakes = plan;
      if (this.head.length === 0) this.keep(hello, 0);
      if (this.heldUntilMs === 0) this.heldUntilMs = this.plane.runtime.nowMs() + live.snapshot.timeouts.wake;
      if (!hasUsable(pool, this.plane.health, plan.allDown) && this.isWaking(plan) && this.hold(plan)) return;
    }
    this.phase = "dialing";
    this.dial = dialPool(
      this.plane,
      new TlsDial(this, live, plan, pool),
      withProxyHeader(pool.sendProxy, this.ends, hello),
    );
  }

  unreachable(last: DialError | null, attempts: number): void {
    this.dial = null;
    const note = last === null ? "no usable node" : `${attempts} tried, last: ${last}`;
    const isShort = last === "no-descriptors" || last === "no-ports";
    // health may not have noticed yet that the cluster sleeps
    if (this.wakes !== null && last !== null && !isShort && this.hold(this.wakes)) {
      this.lookAfterMs = this.plane.runtime.nowMs() + REDIAL_MS;
      return;
    }
    this.alert(isShort ? "limit reached" : "node down", "refused", "internal_error", note);
  }

  private isWaking(plan: ClusterPlan): boolean {
    const { board, health, reports } = this.plane;
    const asleep = mayBeAsleep(plan, health);
    if (asleep) reports.wake(plan.cell, this.name ?? "");
    return asleep || board.waking[plan.cell] === 1;
  }

  /** @returns false: it has waited long enough, or too many do */
  private hold(plan: ClusterPlan): boolean {
    if (this.plane.runtime.nowMs() >= this.heldUntilMs || !this.plane.held.hold(this, plan.cell)) return false;
    this.phase = "held";
    this.routeNote = HELD;
    return true;
  }

  /** Configuration and health may be others by now: it is routed anew. */
  lookAgain(nowMs: number): void {
    if (this.phase !== "held" || nowMs < this.lookAfterMs) return;
    if (this.live !== null) this.plane.release(this.live);
    this.live = null;
    this.route(this.head.subarray(0, this.helloBytes), null);
  }

  tooLate(): void {
    this.alert("node down", "refused", "internal_error", "no usable node in time");
  }

  join(node: Conn, reached: Reached, pool: Pool, live: Live): ConnEvents {
    this.dial = null;
    new TlsTunnel(this, reached, pool.idleMs, live.snapshot.timeouts.halfClosed).start(node);
    this.end();
    return JOINED;
  }

  alert(end: EndReason, count: Count, alert: TlsAlert, note: string | null): void {
    this.refuse(end, count, tlsAlert(alert), note);
  }

  private refuse(end: EndReason, count: Count, answer: Uint8Array, note: string | null): void {
    this.plane.writer.addCount(count, 1);
    this.log(end, note);
    const lingerMs = this.plane.live.snapshot.timeouts.linger;
    if (this.phase !== "hello") this.conn.resume();
    this.end();
    if (answer.length > 0) this.conn.write(answer);
    this.conn.closeAfter(lingerMs);
  }

  expired(): void {
    this.plane.writer.addCount("timedOut", 1);
    if (this.helloBytes > 0 || this.header?.begun === true) this.log("hello timeout", null);
    this.end();
    this.conn.closeAfter(0);
  }

  /** Release what this session holds: its place in the clock, its dial, its snapshot, its bytes. */
  private end(): void {
    this.phase = "over";
    this.plane.hellos.stop(this);
    this.plane.held.release(this);
    this.dial?.cancel();
    this.dial = null;
    if (this.live !== null) this.plane.release(this.live);
    this.live = null;
    this.head = NOTHING;
  }

  /** Copy a part of the hello to where it belongs. */
  private keep(chunk: Uint8Array, at: number): void {
    const length = at + chunk.length;
    if (length > this.head.length) {
      const grown = new Uint8Array(Math.max(length, this.head.length * 2));
      grown.set(this.head.subarray(0, at));
      this.head = grown;
    }
    this.head.set(chunk, at);
  }

  private log(end: EndReason, note: string | null): void {
    const totalMs = this.plane.runtime.nowMs() - this.startMs;
    this.plane.writer.tally(this.service.index, end, null, totalMs);
    if (!this.plane.log.on) return;
    this.plane.log.write({
      listener: this.service.name,
      client: this.ends.remote,
      name: this.name,
      cluster: this.cluster,
      node: null,
      up: 0,
      down: 0,
      dialMs: null,
      totalMs,
      end,
      note: joinNotes(this.routeNote, note),
      http: null,
      cells: null,
      attempts: 0,
    });
  }
}
