/** A joined TLS connection: counted while it lives, logged at its end, ended by control when its node goes. */
import { formatEndpoint } from "../core/address.ts";
import type { Conn, JoinSpec, Tunnel, TunnelEnd } from "../runtime/port.ts";
import type { CutReason } from "../seam/mail.ts";
import type { Service } from "../seam/services.ts";
import type { EndReason } from "../seam/tallies.ts";
import { type AccessRecord, joinNotes, tunnelEndReason } from "./access-log.ts";
import { leave } from "./admission.ts";
import { closeCells, countBytes, type Reached } from "./pool-dial.ts";
import type { Plane } from "./plane.ts";
import type { Cuttable, Cells } from "./tunnels.ts";

const NO_CHUNKS: readonly Uint8Array[] = [];
/** A fatal alert in a record of its own; every other answer to a hello is longer. RFC 8446 §6. */
const ALERT_BYTES = 7;

/** The client's connection and what its hello asked for. */
export interface TlsClient {
  readonly plane: Plane;
  readonly service: Service;
  readonly conn: Conn;
  /** `clientSlot` of its address. */
  readonly clientSlot: number;
  readonly name: string | null;
  readonly cluster: string | null;
  /** What the log says of how it was routed; null: by its name. */
  readonly routeNote: string | null;
  readonly startMs: number;
  /** Sent to the node by the dial, before the join. */
  readonly helloBytes: number;
}

export class TlsTunnel implements JoinSpec, Cuttable {
  readonly toNode = NO_CHUNKS;
  readonly toClient = NO_CHUNKS;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  readonly cells: Cells;
  readonly clientIp: string;
  previous: Cuttable | null = null;
  next: Cuttable | null = null;
  private readonly client: TlsClient;
  private readonly reached: Reached;
  private tunnel: Tunnel | null = null;

  constructor(client: TlsClient, reached: Reached, idleMs: number, halfClosedMs: number) {
    this.client = client;
    this.reached = reached;
    this.idleMs = idleMs;
    this.halfClosedMs = halfClosedMs;
    this.cells = reached.cells;
    this.clientIp = client.conn.remote.ip;
  }

  start(node: Conn): void {
    const { plane, conn, helloBytes } = this.client;
    plane.tunnels.add(this);
    countBytes(plane, this.cells, helloBytes, 0);
    this.tunnel = plane.runtime.join(conn, node, this);
  }

  cut(reason: CutReason): void {
    this.tunnel?.cut(reason);
  }

  onBytes(up: number, down: number): void {
    countBytes(this.client.plane, this.cells, up, down);
  }

  onEnd(end: TunnelEnd): void {
    const { plane, service, clientSlot, startMs } = this.client;
    plane.tunnels.delete(this);
    closeCells(plane, this.cells);
    leave(plane, service, clientSlot);
    // it accepted and answered nothing, or an alert alone: control probes it at once
    if (end.first === "node" && end.down <= ALERT_BYTES) plane.reports.nodeSilent(this.cells.endpoint);
    const totalMs = plane.runtime.nowMs() - startMs;
    const reason = tunnelEndReason(end);
    plane.writer.tally(service.index, reason, this.reached.dialMs, totalMs);
    if (plane.log.on) plane.log.write(this.recordOf(end, reason, totalMs));
  }

  private recordOf(end: TunnelEnd, reason: EndReason, totalMs: number): AccessRecord {
    const { service, conn, name, cluster, helloBytes, routeNote } = this.client;
    const { endpoint, dialMs, attempts } = this.reached;
    return {
      listener: service.name,
      client: conn.remote,
      name,
      cluster,
      node: formatEndpoint(endpoint.at.ip, endpoint.at.port),
      up: end.up + helloBytes,
      down: end.down,
      dialMs,
      totalMs,
      end: reason,
      note: joinNotes(routeNote, attempts > 1 ? `${attempts} nodes tried` : null),
      http: null,
      cells: this.cells,
      attempts,
    };
  }
}
