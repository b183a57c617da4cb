/** An HTTP connection whose protocol was changed (WebSocket, SPDY): bytes are moved without being read, and it is logged at its end. */
import type { ExchangeEnd } from "../core/http/effects.ts";
import type { Conn, JoinSpec, Tunnel, TunnelEnd } from "../runtime/port.ts";
import type { CutReason } from "../seam/mail.ts";
import type { Service } from "../seam/services.ts";
import { tunnelEndReason, type AccessRecord } from "./access-log.ts";
import { leave } from "./admission.ts";
import { closeCells, countBytes } from "./pool-dial.ts";
import type { Plane } from "./plane.ts";
import type { Cuttable, Cells } from "./tunnels.ts";

export interface HttpTunnelInput {
  readonly plane: Plane;
  readonly client: Conn;
  readonly service: Service;
  /** `clientSlot` of its address. */
  readonly clientSlot: number;
  readonly cells: Cells;
  readonly startMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly toNode: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
  /** What was counted for the request that asked for the other protocol. */
  readonly soFar: ExchangeEnd;
  /** The access record, without what is known only at the end. */
  readonly record: Omit<AccessRecord, "up" | "down" | "totalMs" | "end">;
}

export class HttpTunnel implements JoinSpec, Cuttable {
  readonly cells: Cells;
  readonly clientIp: string;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly toNode: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
  private readonly input: HttpTunnelInput;
  private tunnel: Tunnel | null = null;
  previous: Cuttable | null = null;
  next: Cuttable | null = null;

  constructor(input: HttpTunnelInput) {
    this.input = input;
    this.cells = input.cells;
    this.clientIp = input.client.remote.ip;
    this.idleMs = input.idleMs;
    this.halfClosedMs = input.halfClosedMs;
    this.toNode = input.toNode;
    this.toClient = input.toClient;
  }

  start(node: Conn): void {
    const { plane, client, soFar } = this.input;
    plane.tunnels.add(this);
    countBytes(plane, this.cells, soFar.up, soFar.down);
    // what the other protocol says is no HTTP: the answer was 101
    for (const cell of [this.cells.pool, this.cells.endpoint]) plane.writer.addTotal(cell, "1xx", 1);
    this.tunnel = plane.runtime.join(client, node, this);
  }

  cut(reason: CutReason): void {
    this.tunnel?.cut(reason);
  }

  onBytes(up: number, down: number): void {
    countBytes(this.input.plane, this.cells, up, down);
  }

  onEnd(end: TunnelEnd): void {
    const { plane, service, clientSlot, startMs, soFar, record } = this.input;
    plane.tunnels.delete(this);
    closeCells(plane, this.cells);
    leave(plane, service, clientSlot);
    const totalMs = plane.runtime.nowMs() - startMs;
    const reason = tunnelEndReason(end);
    plane.writer.tally(service.index, reason, record.dialMs, totalMs);
    plane.log.write({
      ...record,
      up: soFar.up + end.up,
      down: soFar.down + end.down,
      totalMs,
      end: reason,
    });
  }
}
