/** Slow start: an API server is ready some 20 s before its node's network is, and a crowd of reconnects must not land on it. */
import { FULL_WEIGHT } from "../balance/full-weight.ts";

/** How long an endpoint that came in takes to reach its full share. */
export const RAMP_MS = 60_000;

/**
 * Share of new connections for leastconn and roundrobin.
 * @param upForMs Time since the endpoint came in, ms.
 * @returns 1 to 256, growing evenly.
 */
export function rampWeight(upForMs: number, rampMs: number = RAMP_MS): number {
  if (rampMs <= 0 || upForMs >= rampMs) return FULL_WEIGHT;
  return Math.max(1, Math.floor((FULL_WEIGHT * Math.max(upForMs, 0)) / rampMs));
}
