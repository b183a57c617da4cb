/** Who may open one more connection. Every accepted connection enters once and leaves once. */
import { clientsOf, countOf } from "../seam/board.ts";
import type { Plane } from "./plane.ts";

/**
 * @param client `clientKey` of its address.
 * @returns null, or the name of the limit that this connection exceeds; either way it counts as open until `leave`.
 */
export function enter(plane: Plane, client: number): string | null {
  const { maxConnections, maxConnectionsPerClient } = plane.live.snapshot;
  plane.writer.addCount("accepted", 1);
  plane.writer.addCount("open", 1);
  plane.writer.addClient(client, 1);
  if (countOf(plane.board, "open") > maxConnections) return "max-connections";
  if (maxConnectionsPerClient > 0 && clientsOf(plane.board, client) > maxConnectionsPerClient) {
    return "max-connections-per-client";
  }
  return null;
}

export function leave(plane: Plane, client: number): void {
  plane.writer.addCount("open", -1);
  plane.writer.addClient(client, -1);
}
