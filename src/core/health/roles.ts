/**
 * Role sensing: a node given without a role is asked for every pool and belongs to those it serves.
 * Membership only decides what is shown and logged; `pick` never uses a dead endpoint, member or not.
 */
import type { Verdict } from "./verdict.ts";

/** `given`: the operator listed it for this pool; `sensed`: it serves it; `candidate`: not known yet; `absent`: others serve it, this one does not. */
export type Role = "given" | "sensed" | "candidate" | "absent";

export interface RoleInput {
  /** The pool has a list of its own, or nothing is checked. */
  readonly given: boolean;
  readonly verdict: Verdict;
  /** It was up at some time since the start. */
  readonly served: boolean;
  /** How long the verdict has stood, ms. */
  readonly forMs: number;
}

/** A bootstrap node that stopped answering has left for good after this long; a reboot takes less. */
export const LEFT_AFTER_MS = 15 * 60_000;

/** The roles of a pool's endpoints, in the same order. */
export function senseRoles(endpoints: readonly RoleInput[]): readonly Role[] {
  const anyUp = endpoints.some((endpoint) => endpoint.verdict === "up");
  const anyServed = endpoints.some((endpoint) => endpoint.served);
  return endpoints.map((endpoint) => roleOf(endpoint, anyUp, anyServed));
}

function roleOf(endpoint: RoleInput, anyUp: boolean, anyServed: boolean): Role {
  if (endpoint.given) return "given";
  if (endpoint.served) {
    const left = anyUp && endpoint.verdict === "dead" && endpoint.forMs >= LEFT_AFTER_MS;
    return left ? "absent" : "sensed";
  }
  // a node that answers, even with "not ready", may serve later; in a pool that nobody has served yet, such as that of a
  // cluster that is switched off, every node is still a candidate
  return endpoint.verdict === "dead" && anyServed ? "absent" : "candidate";
}
