/** Where one HTTP request goes: to a pool, or nowhere, with the words that say why. */
import { isAllowed } from "../core/access.ts";
import type { Ends } from "../core/proxy-protocol.ts";
import { latin1 } from "../core/message/bytes.ts";
import { forbidden, namelessHost, redirect, unavailable, unknownHost } from "../core/http/replies.ts";
import type { Reply } from "../core/http/reply.ts";
import type { Request, RequestHead } from "../core/message/request.ts";
import { reasonText } from "../core/health/reasons.ts";
import { nearestName } from "../core/route/nearest.ts";
import { HEALTH_WORDS } from "../seam/board.ts";
import type { DialError } from "../seam/mail.ts";
import type { Service } from "../seam/services.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import { isoTime } from "./log-lines.ts";
import type { Live, Plane } from "./plane.ts";
import { wakingFirst } from "./http-waking.ts";
import { noNodes } from "./route-words.ts";

/** The connection that a request came on. */
export interface ExchangeOwner {
  readonly plane: Plane;
  readonly service: Service;
  /** Where the client is and what it connected to. */
  readonly ends: Ends;
  /** `clientKey` of its address. */
  readonly clientKey: number;
}

export interface HttpRoute {
  readonly kind: "route";
  readonly plan: ClusterPlan;
  readonly pool: Pool;
}

/** ACME challenges must be answered over plain HTTP, so they are never redirected; RFC 8555 §8.3. */
const ACME = "/.well-known/acme-challenge/";

/** Where a request's host leads. */
export interface HostTarget {
  /** Of its cluster in the snapshot, or -1. */
  readonly index: number;
  /** The host, where it is a name of that cluster and did not lead there in another way. */
  readonly asked: string | null;
}

/** @param within Cell of the cluster whose connection count already includes this client, or -1. */
export function routeHttp(
  { plane, service, ends }: ExchangeOwner,
  live: Live,
  { index, asked }: HostTarget,
  request: Request,
  head: RequestHead,
  within: number,
): HttpRoute | Reply {
  const { snapshot } = live;
  const { host } = request;
  const client = ends.remote.ip;
  const plan = snapshot.clusters[index];
  if (!isAllowed(snapshot.allow, client) || (plan !== undefined && !isAllowed(plan.allow, client))) {
    return forbidden(host, plan?.name ?? null);
  }
  if (plan === undefined) return unknown(plane, live, service, client, request);
  const pool = plan.pools[service.index] ?? null;
  // before a redirect: a browser shows nothing while a TLS connection waits, and little when it fails
  const waking = asked === null ? null : wakingFirst(plane, plan, pool, asked);
  if (waking !== null) return waking;
  const secure = plan.redirectHttps ? redirectOf(request, head, live.snapshot.httpsPort) : null;
  if (secure !== null) return secure;
  if (pool === null || pool.endpoints.length === 0) {
    return unavailable([`Cluster ${plan.name} has no node for plain HTTP.`], "node down", noNodes(plan, service));
  }
  const full = plan.maxConnections > 0 && plan.cell !== within;
  if (full && plane.health.active(plan.cell) >= plan.maxConnections) {
    return unavailable(
      [`Cluster ${plan.name} serves as many connections as it may (max-connections).`],
      "limit reached",
      `max-connections of ${plan.name}`,
    );
  }
  return { kind: "route", plan, pool };
}

function unknown(plane: Plane, live: Live, service: Service, client: string, { host }: Request): Reply {
  if (host === null) return namelessHost();
  const told = plane.reports.unknownName(service.name, host, client);
  const nearest = told ? nearestName(live.routes, service.index, host) : null;
  return unknownHost(host, nearest === null ? null : `nearest known: ${nearest}`);
}

/** Null: this request is served as it is. 308 for methods other than GET and HEAD, which must not become a GET. */
function redirectOf(request: Request, head: RequestHead, port: number): Reply | null {
  if (request.host === null || request.form === "asterisk" || request.upgrade) return null;
  const path = latin1(head.bytes, request.pathFrom, request.pathTo);
  if (path.startsWith(ACME)) return null;
  const status = request.method === "GET" || request.method === "HEAD" ? 301 : 308;
  const authority = port === 443 ? request.host : `${request.host}:${port}`;
  return redirect(status, `https://${authority}${path.startsWith("/") ? "" : "/"}${path}`);
}

/** The 503 page of a known name: which cluster, since when, why; what was tried goes to the log alone. */
export function nothingUsable(
  plane: Plane,
  plan: ClusterPlan,
  pool: Pool,
  last: DialError | null,
  attempts: number,
): Reply {
  const note = last === null ? "no usable node" : `${attempts} tried, last: ${last}`;
  const shortage = last === null ? undefined : SHORTAGES[last];
  if (shortage !== undefined) return unavailable([shortage], "limit reached", note);
  return unavailable([stateLine(plane, plan, pool, last), whatToDo(plan)], "node down", note);
}

/** What is wrong here and not with a node. */
const SHORTAGES: Readonly<Partial<Record<DialError, string>>> = {
  "no-descriptors": "edge-lb has no file descriptor left to reach a node; raise the limit (LimitNOFILE, ulimit -n).",
  "no-ports": "edge-lb has no local port left to reach a node; widen the range (sysctl net.ipv4.ip_local_port_range).",
};

const DIAL_WORDS: Readonly<Record<DialError, string>> = {
  refused: "connection refused",
  timeout: "no answer in time",
  unreachable: "unreachable",
  "no-descriptors": "no descriptors",
  "no-ports": "no local ports",
  other: "connecting failed",
};

function stateLine({ board }: Plane, plan: ClusterPlan, pool: Pool, last: DialError | null): string {
  // nodes that only serve other pools of their cluster do not count as missing
  const members = board.members[pool.cell] || pool.endpoints.length;
  const count = members === 1 ? "its one node" : `all ${members} nodes`;
  const state = HEALTH_WORDS[board.health[pool.cell] ?? 0] ?? "unknown";
  const sinceMs = board.since[pool.cell] ?? 0;
  if (state === "up" || state === "unknown" || sinceMs === 0) {
    return `Cluster ${plan.name} could not be reached just now: ${last === null ? "no node can be used" : DIAL_WORDS[last]}.`;
  }
  const since = isoTime(sinceMs).replace("T", " ").slice(0, 16);
  return `Cluster ${plan.name} is down for HTTP since ${since} UTC: ${count} ${state}, ${reasonText(board.reason[pool.cell] ?? 0)}.`;
}

function whatToDo({ name }: ClusterPlan): string {
  return `Try again in a moment; if it lasts, look at the routers of ${name}, and at edge-lb status on the load balancer.`;
}
