/** Requests for a name of a cluster that sleeps: control is told to wake it, and the client to ask again. */
import { hasUsable, mayBeAsleep } from "../core/health/asleep.ts";
import { waking } from "../core/http/replies.ts";
import type { Reply } from "../core/http/reply.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import type { Plane } from "./plane.ts";

/** @param asked The name. @returns null: its nodes can be tried */
export function wakingFirst(plane: Plane, plan: ClusterPlan, pool: Pool | null, asked: string): Reply | null {
  const { health, board } = plane;
  const usable = (each: Pool | null): boolean => each !== null && hasUsable(each, health, plan.allDown);
  if (!plan.wakes || usable(pool)) return null;
  // where it has no nodes for this service, those of others say whether it sleeps
  if (!plan.pools.some(usable)) return wakingAfter(plane, plan, asked);
  const awaited = board.waking[plan.cell] === 1 && pool !== null && pool.endpoints.length > 0;
  return awaited ? waking(plan.name) : null;
}

/** The same after a dial that failed. @returns null: there is nothing to be woken */
export function wakingAfter(plane: Plane, plan: ClusterPlan, asked: string): Reply | null {
  if (!plan.wakes || !mayBeAsleep(plan, plane.health)) return null;
  plane.reports.wake(plan.cell, asked);
  return waking(plan.name);
}
