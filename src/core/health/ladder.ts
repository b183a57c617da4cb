/**
 * The probe ladder: which questions to ask a node, and what the answers say of one endpoint.
 * Rungs are tried from the best down until one passes. A pool is held to the best rung that any of its nodes ever passed:
 * failing that rung is failing, so a node that only still completes handshakes does not count as ready.
 */
import type { Readiness, Service } from "../../seam/services.ts";
import { reason, type Reason } from "./reasons.ts";
import type { Outcome } from "./verdict.ts";

/** From weak to strong. `readyz`: HTTPS /readyz; `ready1936`: HTTP :1936/healthz/ready; `healthz`: HTTPS /healthz of the machine-config server. */
export type Rung = "tcp" | "tls" | "readyz" | "ready1936" | "healthz";
export type CheckMode = "auto" | "readyz" | "tls" | "tcp" | "off";

/** Why a probe did not get further. `silent`: out of time; `alert`: a TLS alert or no TLS at all; `garbage`: not HTTP. */
export type Fault = "refused" | "reset" | "unreachable" | "silent" | "alert" | "closed" | "garbage";

/** How far one connection got: nothing, TCP, a completed TLS handshake, or an HTTP status. */
export type Evidence =
  | { readonly got: "nothing" | "tcp" | "tls"; readonly fault: Fault | null; readonly timeoutMs: number }
  | { readonly got: "http"; readonly status: number };

/** What a ladder depends on: the readiness question at its top, and whether the endpoint's own port speaks TLS. */
export type Probed = Pick<Service, "group" | "routedBy">;

/** The rungs that a check mode allows, best first. */
export function rungsOf({ group, routedBy }: Probed, mode: CheckMode): readonly Rung[] {
  // the port for plain HTTP has no handshake to test
  const handshakes: readonly Rung[] = routedBy === "host" ? ["tcp"] : ["tls", "tcp"];
  const strongest = handshakes.slice(0, 1);
  const top = group.readiness === null ? [] : [group.readiness.rung];
  if (mode === "auto") return [...top, ...handshakes];
  if (mode === "readyz") return group.readiness === null ? strongest : top;
  if (mode === "tls") return strongest;
  return mode === "tcp" ? ["tcp"] : [];
}

/**
 * Whether to ask the readiness question: always while the pool may be held to it, and now and then when it is held to a lower
 * rung, because routers get configured later.
 * @param round Number of the node's probe round.
 */
export function asksReadiness(probed: Probed, mode: CheckMode, poolRung: Rung | null, round: number): boolean {
  const [top] = rungsOf(probed, mode);
  if (top === undefined || top !== probed.group.readiness?.rung) return false;
  return poolRung === null || poolRung === top || round % ASK_AGAIN === 0;
}
/** A minute at the usual 5 s. */
const ASK_AGAIN = 12;

/** The better of two rungs: what the pool is held to from now on. */
export function higherRung(a: Rung | null, b: Rung | null): Rung | null {
  return height(a) >= height(b) ? a : b;
}
function height(rung: Rung | null): number {
  if (rung === null) return 0;
  return rung === "tcp" ? 1 : rung === "tls" ? 2 : 3;
}

export interface Judgement {
  readonly outcome: Outcome;
  /** The rung that passed, or null. */
  readonly rung: Rung | null;
}

/**
 * What one probe of a node says of one endpoint.
 * @param poolRung The rung the pool is held to; null: none passed yet.
 * @param ready How far the readiness question got; null: not asked.
 * @param own How far a connection to the endpoint's own port got; null: not tried. Where readiness is asked there it is the same connection.
 */
export function judge(
  probed: Probed,
  mode: CheckMode,
  poolRung: Rung | null,
  ready: Evidence | null,
  own: Evidence | null,
): Judgement {
  const rungs = rungsOf(probed, mode);
  for (const rung of rungs) {
    const result = tryRung(probed, rung, ready, own);
    const last = rung === poolRung || rung === rungs.at(-1);
    if (result === null) continue; // this rung was not tested
    if (result.outcome.verdict === "up" || result.final || last) {
      return { outcome: result.outcome, rung: result.outcome.verdict === "up" ? rung : null };
    }
  }
  return { outcome: failure(own ?? ready), rung: null };
}

interface RungResult {
  readonly outcome: Outcome;
  /** Lower rungs cannot change the outcome. */
  readonly final: boolean;
}

function tryRung(probed: Probed, rung: Rung, ready: Evidence | null, own: Evidence | null): RungResult | null {
  const { readiness } = probed.group;
  if (rung === "tls" || rung === "tcp") return own === null ? null : ownPortReaches(rung, own);
  if (ready === null || readiness === null) return null;
  if (ready.got !== "http") return { outcome: readinessUnanswered(probed, readiness, ready, own), final: false };
  const outcome = readinessAnswered(readiness, ready.status);
  if (outcome.verdict === "up" && own !== null) return { outcome: readyWithOwnPort(probed, outcome, own), final: true };
  return { outcome, final: outcome.verdict === "up" || refuses(ready.status) };
}

/** Does the endpoint's own port reach this rung? */
function ownPortReaches(rung: "tls" | "tcp", own: Evidence): RungResult {
  // an alert is a refusal and silence a server that hangs: that the port is open does not help
  const worse = own.got === "tcp" && (own.fault === "alert" || own.fault === "silent");
  if (rung === "tcp" && worse) return { outcome: failure(own), final: true };
  const passed = rung === "tcp" ? own.got !== "nothing" : own.got === "tls" || own.got === "http";
  if (!passed) return { outcome: failure(own), final: false };
  return {
    outcome: { verdict: "up", reason: reason(rung === "tls" ? "TLS handshake ok" : "TCP connect ok") },
    final: true,
  };
}

/** 5xx and 429 are the server's own "not ready"; any other failing status means that this server does not tell its readiness there. */
function refuses(status: number): boolean {
  return status >= 500 || status === 429;
}

function readinessAnswered({ path, anonymousRefused }: Readiness, status: number): Outcome {
  const shown = reason(`${path} #` as const, status);
  if (status >= 200 && status < 300) return { verdict: "up", reason: shown };
  if (anonymousRefused === "ready" && (status === 401 || status === 403)) {
    return { verdict: "up", reason: reason("/readyz #, anonymous requests are off", status) };
  }
  return { verdict: "not-ready", reason: shown };
}

/** The readiness question got no answer. Where it has a port of its own, the traffic port decides between not ready and dead. */
function readinessUnanswered(
  { routedBy }: Probed,
  { port }: Readiness,
  ready: Evidence,
  own: Evidence | null,
): Outcome {
  if (port === "own" || own === null) return failure(ready);
  const alive = routedBy === "host" ? own.got !== "nothing" : own.got === "tls";
  if (!alive) return failure(own);
  return { verdict: "not-ready", reason: reason("readiness port does not answer, traffic port does") };
}

/** The node says it is ready; its traffic port must be open as well. */
function readyWithOwnPort({ routedBy }: Probed, ready: Outcome, own: Evidence): Outcome {
  const open = routedBy === "host" ? own.got !== "nothing" : own.got === "tls" || own.got === "http";
  if (open) return ready;
  const { verdict } = failure(own);
  const silent = own.got !== "http" && own.fault === "silent";
  return {
    verdict,
    reason: reason(silent ? "ready, but the traffic port does not answer" : "ready, but the traffic port refuses"),
  };
}

/** A peer that answers in a wrong way is not ready; one that does not answer is dead. */
function failure(evidence: Evidence | null): Outcome {
  if (evidence === null || evidence.got === "http") return { verdict: "not-ready", reason: reason("fails") };
  const { fault, timeoutMs } = evidence;
  const wrongAnswer = fault === "alert" || fault === "garbage";
  return { verdict: wrongAnswer ? "not-ready" : "dead", reason: faultReason(fault, timeoutMs) };
}

/** The words for a fault. */
export function faultReason(fault: Fault | null, timeoutMs: number): Reason {
  switch (fault) {
    case "refused":
      return reason("connection refused");
    case "reset":
      return reason("connection reset");
    case "unreachable":
      return reason("unreachable");
    case "silent":
      return reason("no answer within #", timeoutMs);
    case "alert":
      return reason("TLS handshake refused");
    case "closed":
      return reason("closed without an answer");
    case "garbage":
      return reason("not an HTTP answer");
    case null:
      return reason("fails");
  }
}
