/** Role sensing applied: which nodes given without a role serve which pool, kept up to date and told once. */
import { senseRoles, type Role } from "../../core/health/roles.ts";
import { SERVICE_NAMES, type ServiceName } from "../../seam/services.ts";
import type { TrackedCluster, TrackedEndpoint } from "./health-model.ts";

export interface RoleChange {
  readonly watch: TrackedEndpoint;
  readonly from: Role;
  readonly to: Role;
}

/** Give every endpoint of a cluster its role. @returns Those whose role changed. */
export function updateRoles(cluster: TrackedCluster, nowMs: number): readonly RoleChange[] {
  return SERVICE_NAMES.flatMap((kind) => updatePool(cluster, kind, nowMs));
}

function updatePool(cluster: TrackedCluster, kind: ServiceName, nowMs: number): RoleChange[] {
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
