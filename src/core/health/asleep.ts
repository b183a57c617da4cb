/** Clusters that have a program to wake them: whether there is anything to wake. */
import type { Health, HealthView } from "../../seam/board.ts";
import type { ClusterPlan, Pool } from "../../seam/snapshot.ts";
import { rankOfHealth } from "../balance/pick.ts";

type States = Pick<HealthView, "state">;

/** By health: unknown, up, not-ready, dead, drained, foreign. */
const MAY_SLEEP: Readonly<Record<Health, boolean>> = [true, false, false, true, false, false];

/** Some endpoint of the pool may be tried. */
export function hasUsable(pool: Pool, health: States, allDown: ClusterPlan["allDown"]): boolean {
  return pool.endpoints.some(({ cell }) => rankOfHealth(health.state(cell), allDown) > 0);
}

/**
 * No node of the cluster is known to take clients, on any port, and some may be asleep. One that was never heard of may be;
 * a drained one is out because somebody wants it so, and a foreign one is another cluster's.
 */
export function mayBeAsleep({ pools, allDown }: ClusterPlan, health: States): boolean {
  const states = pools.flatMap((pool) => (pool?.endpoints ?? []).map(({ cell }) => health.state(cell)));
  return (
    states.some((state) => MAY_SLEEP[state]) &&
    !states.some((state) => !MAY_SLEEP[state] && rankOfHealth(state, allDown) > 0)
  );
}
