/** Words of the access log about where a connection goes. */
import type { Service } from "../seam/services.ts";
import type { ClusterPlan } from "../seam/snapshot.ts";

/** The name said nothing, and the client is a node of the cluster, or in its `clients`. */
export const BY_CLIENT = "by client address";

/** No node could take the client, and it was held until one could. */
export const HELD = "held while its cluster wakes";

export function noNodes({ name }: ClusterPlan, service: Service): string {
  return `cluster ${name} has no nodes for ${service.name}`;
}
