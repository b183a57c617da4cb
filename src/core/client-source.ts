/** Whose address a node sees. */
import type { ClusterPlan, Endpoint } from "../seam/snapshot.ts";
import { inAny } from "./access.ts";

const LOOPBACK = { family: 4, bytes: Uint8Array.of(127, 0, 0, 0), bits: 8 } as const;

/**
 * The client's address where it can be dialled from: answers to it come back this way. A client in the node's own network would be answered past
 * edge-lb, loopback leads nowhere, and one connection has one family.
 * @returns null: this machine's own
 */
export function sourceOf(
  { source }: Pick<ClusterPlan, "source">,
  client: string,
  { at, near = [] }: Endpoint,
): string | null {
  if (source !== "client" || client.includes(":") !== at.ip.includes(":")) return null;
  return client === "::1" || inAny([LOOPBACK], client) || inAny(near, client) ? null : client;
}
