/** Tunnels between processes: cells by their keys, sockets beside the message. */
import type { CarriedTunnel } from "../../handover/messages.ts";
import type { GivenTunnel } from "../../seam/tunnel-state.ts";
import type { BoardCells } from "../serve/board-cells.ts";

export function carried({ cells, ...tunnel }: GivenTunnel, here: BoardCells): CarriedTunnel {
  const { cluster, pool, endpoint } = cells;
  return {
    ...tunnel,
    keys: { cluster: here.keyOf(cluster), pool: here.keyOf(pool), endpoint: here.keyOf(endpoint) },
  };
}

/** The client's first. */
export function socketsOf({ state }: GivenTunnel): readonly [number, number] {
  return [state.client.fd, state.node.fd];
}

/** With the sockets that came and the cells of this process. @throws EdgeError when the board is full */
export function arrived(
  tunnel: CarriedTunnel,
  [client, node]: readonly [number, number],
  cells: BoardCells,
): GivenTunnel {
  const { keys, state, ...rest } = tunnel;
  return {
    ...rest,
    state: { ...state, client: { ...state.client, fd: client }, node: { ...state.node, fd: node } },
    cells: { cluster: cells.of(keys.cluster), pool: cells.of(keys.pool), endpoint: cells.of(keys.endpoint) },
  };
}
