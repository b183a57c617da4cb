/** Who may open one more connection. Every accepted connection enters once and leaves once. */
import { clientsOf, countOf, openOf } from "../seam/board.ts";
import type { Service } from "../seam/services.ts";
import type { Plane } from "./plane.ts";

/**
 * @param client `clientSlot` of its address.
 * @returns null, or the limit that this connection exceeds, in words; either way it counts as open until `leave`.
 */
export function enter(plane: Plane, service: Service, client: number): string | null {
  const { board, writer, live } = plane;
  const { maxConnections, maxConnectionsPerClient } = live.snapshot;
  writer.addCount("accepted", 1);
  enterAgain(plane, service, client);
  const full = limitReached(plane, service.index, maxConnections);
  if (full !== null) return full;
  if (maxConnectionsPerClient > 0 && clientsOf(board, client) > maxConnectionsPerClient) {
    return "max-connections-per-client";
  }
  return null;
}

/** A connection that another worker or process had let in: no limit asks about it. */
export function enterAgain({ writer }: Plane, { index }: Service, client: number): void {
  writer.addCount("open", 1);
  writer.addOpen(index, 1);
  writer.addClient(client, 1);
}

export function leave({ writer }: Plane, { index }: Service, client: number): void {
  writer.addCount("open", -1);
  writer.addOpen(index, -1);
  writer.addClient(client, -1);
}

/**
 * Half of max-connections is kept for the services that listen, an equal share for each, so that none starves another; the other half is for
 * whoever comes. A connection within its service's share is let in whatever the others do.
 */
function limitReached({ board, listening }: Plane, service: number, most: number): string | null {
  const open = countOf(board, "open");
  if (open <= most / 2) return null;
  const share = Math.floor(most / 2 / listening.length);
  if (openOf(board, service) <= share) return null;
  let kept = 0;
  for (const other of listening) if (other !== service) kept += Math.max(0, share - openOf(board, other));
  if (open + kept <= most) return null;
  return open > most ? "max-connections" : "max-connections: the rest is kept for other services";
}
