/** Who may open one more connection. Every accepted connection enters once and leaves once. */
import { clientsOf, countOf, openOf } from "../seam/board.ts";
import type { Service } from "../seam/services.ts";
import type { Plane } from "./plane.ts";

/** In place of a client's slot: the PROXY header that says who it is has still to come. */
export const UNNAMED = -1;

/**
 * @param client `clientSlot` of its address, or `UNNAMED`.
 * @returns null, or the limit that this connection exceeds, in words; either way it counts as open until `leave`.
 */
export function enter(plane: Plane, service: Service, client: number): string | null {
  const { writer, live } = plane;
  writer.addCount("accepted", 1);
  enterAgain(plane, service, client);
  const full = limitReached(plane, service.index, live.snapshot.maxConnections);
  if (full !== null) return full;
  return client === UNNAMED ? null : clientLimitReached(plane, client);
}

/** Who an unnamed one is has become known. */
export function enterNamed(plane: Plane, client: number): string | null {
  plane.writer.addClient(client, 1);
  return clientLimitReached(plane, client);
}

function clientLimitReached({ board, live }: Plane, client: number): string | null {
  const { maxConnectionsPerClient } = live.snapshot;
  const isFull = maxConnectionsPerClient > 0 && clientsOf(board, client) > maxConnectionsPerClient;
  return isFull ? "max-connections-per-client" : null;
}

/** A connection that another worker or process had let in: no limit asks about it. */
export function enterAgain({ writer }: Plane, { index }: Service, client: number): void {
  writer.addCount("open", 1);
  writer.addOpen(index, 1);
  if (client !== UNNAMED) writer.addClient(client, 1);
}

export function leave({ writer }: Plane, { index }: Service, client: number): void {
  writer.addCount("open", -1);
  writer.addOpen(index, -1);
  if (client !== UNNAMED) writer.addClient(client, -1);
}

/**
 * A quarter of max-connections is kept for the services that listen, an equal share for each and one connection at least, so that none starves
 * another and a busy one has most of all. A connection within its service's share is let in whatever the others do.
 */
function limitReached({ board, listening }: Plane, service: number, most: number): string | null {
  const open = countOf(board, "open");
  if (open <= most / 2) return null;
  const share = shareOf(most, listening.length);
  if (openOf(board, service) <= share) return null;
  let kept = 0;
  for (const other of listening) if (other !== service) kept += Math.max(0, share - openOf(board, other));
  if (open + kept <= most) return null;
  return open > most ? "max-connections" : "max-connections: the rest is kept for other services";
}

/** All shares together are half of `most` at the very most. */
function shareOf(most: number, services: number): number {
  const quarter = Math.floor(most / 4 / services);
  return quarter === 0 && most >= 2 * services ? 1 : quarter;
}
