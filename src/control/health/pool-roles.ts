/** Role sensing applied: which nodes given without a role serve which pool, kept up to date and told once. */
import { senseRoles, type Role } from "../../core/health/roles.ts";
import { LISTENER_KINDS, type ListenerKind } from "../../seam/snapshot.ts";
import type { TrackedCluster, TrackedEndpoint } from "./health-model.ts";

export interface RoleChange {
  readonly watch: TrackedEndpoint;
  readonly from: Role;
  readonly to: Role;
}

/** Give every endpoint of a cluster its role. @returns Those whose role changed. */
export function updateRoles(cluster: TrackedCluster, nowMs: number): readonly RoleChange[] {
  return LISTENER_KINDS.flatMap((kind) => updatePool(cluster, kind, nowMs));
}

function updatePool(cluster: TrackedCluster, kind: ListenerKind, nowMs: number): RoleChange[] {
  const watches = cluster.endpoints.filter((watch) => watch.kind === kind);
  const roles = senseRoles(
    watches.map(({ role, state, served }) => ({
      given: role === "given",
      verdict: state.verdict,
      served,
      forMs: nowMs - state.sinceMs,
    })),
  );
  const changes: RoleChange[] = [];
  for (const [index, watch] of watches.entries()) {
    const role = roles[index] ?? watch.role;
    if (role === watch.role) continue;
    changes.push({ watch, from: watch.role, to: role });
    watch.role = role;
  }
  return changes;
}
