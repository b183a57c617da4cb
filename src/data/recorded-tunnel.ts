/**
 * A tunnel whose log line is known but for its end: an HTTP connection whose protocol was changed (WebSocket, SPDY), or
 * any tunnel that another worker or process had before.
 */
import type { Conn, JoinSpec, Tunnel, TunnelEnd } from "../runtime/port.ts";
import type { CutReason } from "../seam/mail.ts";
import { serviceNamed, type Service } from "../seam/services.ts";
import type { Cells, GivenTunnel, TunnelRecord, TunnelState } from "../seam/tunnel-state.ts";
import { tunnelEndReason } from "./access-log.ts";
import { enterAgain, leave } from "./admission.ts";
import { closeCells, countBytes, openCells } from "./pool-dial.ts";
import type { Plane } from "./plane.ts";
import type { Cuttable } from "./tunnels.ts";

export interface RecordedTunnelInput {
  readonly plane: Plane;
  readonly service: Service;
  /** `clientSlot` of its address. */
  readonly clientSlot: number;
  readonly cells: Cells;
  readonly startMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly toNode: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
  /** What was counted before the join, as of the request that asked for the other protocol. */
  readonly soFar: { readonly up: number; readonly down: number };
  readonly record: TunnelRecord;
}

export class RecordedTunnel implements JoinSpec, Cuttable {
  readonly cells: Cells;
  readonly clientIp: string;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly toNode: readonly Uint8Array[];
  readonly toClient: readonly Uint8Array[];
  private readonly input: RecordedTunnelInput;
  private tunnel: Tunnel | null = null;
  previous: Cuttable | null = null;
  next: Cuttable | null = null;

  constructor(input: RecordedTunnelInput) {
    this.input = input;
    this.cells = input.cells;
    this.clientIp = input.record.client.ip;
    this.idleMs = input.idleMs;
    this.halfClosedMs = input.halfClosedMs;
    this.toNode = input.toNode;
    this.toClient = input.toClient;
  }

  start(client: Conn, node: Conn): void {
    const { plane, soFar } = this.input;
    plane.tunnels.add(this);
    countBytes(plane, this.cells, soFar.up, soFar.down);
    // what the other protocol says is no HTTP: the answer was 101
    for (const cell of [this.cells.pool, this.cells.endpoint]) plane.writer.addTotal(cell, "1xx", 1);
    this.tunnel = plane.runtime.join(client, node, this);
  }

  /** Go on with one that was given away: all it did before is counted already. */
  resume(state: TunnelState): void {
    const { plane, service } = this.input;
    enterAgain(plane, service, this.input.clientSlot);
    openCells(plane, this.cells);
    plane.tunnels.add(this);
    this.tunnel = plane.runtime.take(state, this);
  }

  cut(reason: CutReason): void {
    this.tunnel?.cut(reason);
  }

  give(): GivenTunnel | null {
    const state = this.tunnel?.give() ?? null;
    if (state === null) return null;
    this.uncount();
    const { plane, record, cells, startMs, idleMs, halfClosedMs, soFar } = this.input;
    return { state, record, cells, ageMs: plane.runtime.nowMs() - startMs, idleMs, halfClosedMs, soFar };
  }

  onBytes(up: number, down: number): void {
    countBytes(this.input.plane, this.cells, up, down);
  }

  onEnd(end: TunnelEnd): void {
    const { plane, service, startMs, soFar, record, cells } = this.input;
    this.uncount();
    const totalMs = plane.runtime.nowMs() - startMs;
    const reason = tunnelEndReason(end);
    plane.writer.tally(service.index, reason, record.dialMs, totalMs);
    const [up, down] = [soFar.up + end.up, soFar.down + end.down];
    plane.log.write({ ...record, cells, up, down, totalMs, end: reason });
  }

  private uncount(): void {
    const { plane, service } = this.input;
    plane.tunnels.delete(this);
    closeCells(plane, this.cells);
    leave(plane, service, this.input.clientSlot);
  }
}

/** Serve a tunnel that was given away. @throws Error for one of a service that is not here: control sends none */
export function resumeTunnel(plane: Plane, { state, record, ageMs, ...rest }: GivenTunnel): void {
  const service = serviceNamed(plane.live.snapshot.services, record.listener);
  if (service === undefined) throw new Error(`Cannot take over a tunnel of service ${record.listener}: unknown here`);
  const tunnel = new RecordedTunnel({
    ...rest,
    plane,
    service,
    clientSlot: plane.clients.of(record.client.ip).slot,
    startMs: plane.runtime.nowMs() - ageMs,
    toNode: [],
    toClient: [],
    record,
  });
  tunnel.resume(state);
}
