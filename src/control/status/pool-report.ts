/** The pools of a cluster and their endpoints, as `/v1/status` shows them. */
import { reasonText } from "../../core/health/reasons.ts";
import { activeOf, ANSWERS, HEALTH_WORDS, type Answer, type Board, type HealthWord } from "../../seam/board.ts";
import type { DialError } from "../../seam/mail.ts";
import type { Policy, Service, ServiceName } from "../../seam/services.ts";
import type { ClusterPlan, Endpoint } from "../../seam/snapshot.ts";
import type { Checks, Outages } from "../health/check-tally.ts";
import type { EndpointHealth } from "../health/view.ts";
import type { Facts } from "../serve/facts.ts";

export interface PoolStatus extends Health, Traffic {
  readonly kind: ServiceName;
  readonly policy: Policy;
  /** What its nodes are held to; null: none passed yet. */
  readonly rung: string | null;
  readonly endpoints: readonly EndpointStatus[];
  /** HTTP requests by the answer's status; where HTTP is spoken. */
  readonly answers?: Answers;
  /** When it had no usable node. */
  readonly outages?: Outages;
}

export type Answers = Readonly<Record<Answer, number>>;

export interface EndpointStatus extends Health, Traffic {
  /** As the operator named it. */
  readonly node: string;
  readonly ip: string;
  readonly port: number;
  readonly role: EndpointHealth["role"];
  readonly identity: EndpointHealth["identity"];
  /** Dials of clients that failed. */
  readonly failures: number;
  readonly checks?: Checks;
  readonly answers?: Answers;
  /** Null: none, or it is up and that was long ago. */
  readonly lastFailure: { readonly error: DialError; readonly time: string } | null;
}

export interface Health {
  readonly state: HealthWord;
  /** In words: `/readyz 200`. */
  readonly reason: string;
  readonly sinceSeconds: number;
}

export interface Traffic {
  /** Connections to nodes that are open. */
  readonly active: number;
  readonly total: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export type Endpoints = ReadonlyMap<number, EndpointHealth>;

export function byCell(views: readonly EndpointHealth[]): Endpoints {
  return new Map(views.map((view) => [view.cell, view]));
}

/** One pool alone; null when the cluster has none for this service. */
export function poolStatusOf(plan: ClusterPlan, service: Service, facts: Facts, nowMs: number): PoolStatus | null {
  return poolStatus(plan, service, facts, byCell(facts.health?.endpoints() ?? []), nowMs);
}

export function poolStatus(
  { pools }: ClusterPlan,
  service: Service,
  facts: Facts,
  endpoints: Endpoints,
  nowMs: number,
): PoolStatus | null {
  const pool = pools[service.index] ?? null;
  if (pool === null) return null;
  const rung = pool.endpoints.map(({ cell }) => endpoints.get(cell)?.rung ?? null).find((each) => each !== null);
  return {
    kind: service.name,
    policy: pool.policy,
    rung: rung ?? null,
    ...healthOf(facts.board, pool.cell, nowMs),
    ...trafficOf(facts, pool.cell),
    ...answersOf(facts, service, pool.cell),
    endpoints: pool.endpoints.map((endpoint) => ({
      ...endpointStatus(endpoint, facts, endpoints.get(endpoint.cell), nowMs),
      ...answersOf(facts, service, endpoint.cell),
    })),
  };
}

/** A failed dial says nothing more of an endpoint that is up after so many ms. */
const OLD_FAILURE_MS = 60_000;

function endpointStatus(
  { cell, at, node }: Endpoint,
  facts: Facts,
  view: EndpointHealth | undefined,
  nowMs: number,
): EndpointStatus {
  const last = facts.lastFailures.get(cell);
  const isOld = last !== undefined && view?.state === "up" && nowMs - last.atMs >= OLD_FAILURE_MS;
  const failure = isOld ? undefined : last;
  return {
    node,
    ip: at.ip,
    port: at.port,
    state: view?.state ?? "unknown",
    reason: view?.reason ?? reasonText(0),
    sinceSeconds: secondsSince(view?.sinceMs ?? nowMs, nowMs),
    role: view?.role ?? "candidate",
    identity: view?.identity ?? "unproven",
    ...trafficOf(facts, cell),
    failures: facts.totals.of(cell, "failures"),
    ...(view === undefined ? {} : { checks: view.checks }),
    lastFailure: failure === undefined ? null : { error: failure.error, time: new Date(failure.atMs).toISOString() },
  };
}

export function healthOf(board: Board, cell: number, nowMs: number): Health {
  return {
    state: HEALTH_WORDS[board.health[cell] ?? 0] ?? "unknown",
    reason: reasonText(board.reason[cell] ?? 0),
    sinceSeconds: secondsSince(board.since[cell] || nowMs, nowMs),
  };
}

function answersOf({ totals }: Facts, { routedBy }: Service, cell: number): { readonly answers?: Answers } {
  if (routedBy !== "host") return {};
  return { answers: Object.fromEntries(ANSWERS.map((answer) => [answer, totals.of(cell, answer)])) as Answers };
}

export function trafficOf({ board, totals }: Facts, cell: number): Traffic {
  return {
    active: activeOf(board, cell),
    total: totals.of(cell, "connections"),
    bytesUp: totals.of(cell, "bytesUp"),
    bytesDown: totals.of(cell, "bytesDown"),
  };
}

export function secondsSince(fromMs: number, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - fromMs) / 1_000));
}
