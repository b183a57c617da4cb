/** A joined TLS connection: counted while it lives, logged at its end, ended by control when its node goes. */
import { formatEndpoint } from "../core/address.ts";
import type { Ends } from "../core/proxy-protocol.ts";
import type { Conn, JoinSpec, Tunnel, TunnelEnd } from "../runtime/port.ts";
import type { CutReason } from "../seam/mail.ts";
import type { Service } from "../seam/services.ts";
import type { Cells, GivenTunnel, TunnelRecord } from "../seam/tunnel-state.ts";
import { joinNotes, tunnelEndReason } from "./access-log.ts";
import { leave } from "./admission.ts";
import { closeCells, countBytes, type Reached } from "./pool-dial.ts";
import type { Plane } from "./plane.ts";
import type { Cuttable } from "./tunnels.ts";

const NO_CHUNKS: readonly Uint8Array[] = [];
/** A fatal alert in a record of its own; every other answer to a hello is longer. RFC 8446 §6. */
const ALERT_BYTES = 7;

/** The client's connection and what its hello asked for. */
export interface TlsClient {
  readonly plane: Plane;
  readonly service: Service;
  readonly conn: Conn;
  /** Where the client is and what it connected to. */
  readonly ends: Ends;
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
    this.clientIp = client.ends.remote.ip;
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

  give(): GivenTunnel | null {
    const state = this.tunnel?.give() ?? null;
    if (state === null) return null;
    this.uncount();
    const { plane, startMs, helloBytes } = this.client;
    const { cells, idleMs, halfClosedMs } = this;
    const soFar = { up: helloBytes, down: 0 };
    return { state, record: this.record(), cells, ageMs: plane.runtime.nowMs() - startMs, idleMs, halfClosedMs, soFar };
  }

  onBytes(up: number, down: number): void {
    countBytes(this.client.plane, this.cells, up, down);
  }

  onEnd(end: TunnelEnd): void {
    const { plane, service, startMs, helloBytes } = this.client;
    this.uncount();
    // it accepted and answered nothing, or an alert alone: control probes it at once
    if (end.first === "node" && end.down <= ALERT_BYTES) plane.reports.nodeSilent(this.cells.endpoint);
    const totalMs = plane.runtime.nowMs() - startMs;
    const reason = tunnelEndReason(end);
    plane.writer.tally(service.index, reason, this.reached.dialMs, totalMs);
    if (!plane.log.on) return;
    const [up, down] = [end.up + helloBytes, end.down];
    plane.log.write({ ...this.record(), cells: this.cells, up, down, totalMs, end: reason });
  }

  private uncount(): void {
    const { plane, service, clientSlot } = this.client;
    plane.tunnels.delete(this);
    closeCells(plane, this.cells);
    leave(plane, service, clientSlot);
  }

  private record(): TunnelRecord {
    const { service, ends, name, cluster, routeNote } = this.client;
    const { endpoint, dialMs, attempts, note } = this.reached;
    return {
      listener: service.name,
      client: ends.remote,
      name,
      cluster,
      node: formatEndpoint(endpoint.at.ip, endpoint.at.port),
      dialMs,
      note: joinNotes(joinNotes(routeNote, note), attempts > 1 ? `${attempts} nodes tried` : null),
      http: null,
      attempts,
    };
  }
}
