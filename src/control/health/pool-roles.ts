/** Who belongs to a pool: nodes given without a role are members of the pools they serve. */
import { NOT_CHECKED, type Reason } from "../../core/health/reasons.ts";
import { senseRoles, type Role } from "../../core/health/roles.ts";
import type { Service } from "../../seam/services.ts";
import type { TrackedCluster, TrackedEndpoint } from "./tracked.ts";

export interface RoleChange {
  readonly endpoint: TrackedEndpoint;
  readonly from: Role;
  readonly to: Role;
}

/** Give every endpoint of a cluster its role. @returns those whose role changed */
export function updateRoles(cluster: TrackedCluster, nowMs: number): readonly RoleChange[] {
  return [...new Set(cluster.endpoints.map(({ service }) => service))].flatMap((service) =>
    updatePool(cluster, service, nowMs),
  );
}

function updatePool(cluster: TrackedCluster, service: Service, nowMs: number): RoleChange[] {
  const endpoints = cluster.pool(service);
  const roles = senseRoles(
    endpoints.map(({ role, state, served }) => ({
      given: role === "given",
      verdict: state.verdict,
      served,
      forMs: nowMs - state.sinceMs,
    })),
  );
  const changes: RoleChange[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    const role = roles[index] ?? endpoint.role;
    if (role === endpoint.role) continue;
    changes.push({ endpoint, from: endpoint.role, to: role });
    endpoint.role = role;
  }
  return changes;
}

/** Endpoints that serve their pool, or may; all of them where none does. */
export function membersOf(endpoints: readonly TrackedEndpoint[]): readonly TrackedEndpoint[] {
  const members = endpoints.filter(({ role }) => role !== "absent");
  return members.length > 0 ? members : endpoints;
}

/** The reason that most of them have. */
export function poolReason(endpoints: readonly TrackedEndpoint[]): Reason {
  const counts = new Map<Reason, number>();
  for (const { shownReason } of endpoints) counts.set(shownReason, (counts.get(shownReason) ?? 0) + 1);
  let best: Reason = NOT_CHECKED;
  for (const [each, count] of counts) if (count > (counts.get(best) ?? 0)) best = each;
  return best;
}
