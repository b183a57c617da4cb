/** The built-in services by name, and what snapshots have for them. */
import { serviceNamed, SERVICES, type Service, type ServiceName } from "../../src/seam/services.ts";
import type { ClusterPlan, Pool } from "../../src/seam/snapshot.ts";

export function service(name: ServiceName): Service {
  const found = serviceNamed(SERVICES, name);
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
}

/** Its index. */
export function at(name: ServiceName): number {
  return service(name).index;
}

export function poolOf(plan: ClusterPlan | undefined, name: ServiceName): Pool | undefined {
  return plan?.pools[at(name)] ?? undefined;
}

/** The plan with another pool for one service. */
export function withPool(plan: ClusterPlan, name: ServiceName, pool: Pool): ClusterPlan {
  return { ...plan, pools: plan.pools.with(at(name), pool) };
}
