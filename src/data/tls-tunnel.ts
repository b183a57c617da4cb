/** A joined TLS connection: counted while it lives, logged at its end, ended by control when its node goes. */
import { formatEndpoint } from "../core/address.ts";
import type { Conn, JoinSpec, Tunnel, TunnelEnd } from "../runtime/port.ts";
import type { CutReason } from "../seam/mail.ts";
import type { ListenerKind } from "../seam/snapshot.ts";
import { tunnelEndReason } from "./access-log.ts";
import { leave } from "./admission.ts";
import { closeRows, countBytes, type Reached } from "./dial.ts";
import type { Plane } from "./plane.ts";
import type { Cuttable, Rows } from "./tunnels.ts";

const NO_CHUNKS: readonly Uint8Array[] = [];
/** A fatal alert in a record of its own; every other answer to a hello is longer. RFC 8446 §6. */
const ALERT_BYTES = 7;

export interface TlsTunnelInput {
  readonly plane: Plane;
  readonly kind: ListenerKind;
  readonly client: Conn;
  readonly name: string | null;
  readonly cluster: string;
  readonly startMs: number;
  readonly reached: Reached;
  /** Sent to the node by the dial, before the join. */
  readonly helloBytes: number;
}

export class TlsTunnel implements JoinSpec, Cuttable {
  readonly toNode = NO_CHUNKS;
  readonly toClient = NO_CHUNKS;
  readonly rows: Rows;
  readonly clientIp: string;
  idleMs = 0;
  halfClosedMs = 0;
  private readonly input: TlsTunnelInput;
  private tunnel: Tunnel | null = null;

  constructor(input: TlsTunnelInput) {
    this.input = input;
    this.rows = input.reached.rows;
    this.clientIp = input.client.remote.ip;
  }

  start(node: Conn, idleMs: number, halfClosedMs: number): void {
    const { plane, client, helloBytes } = this.input;
    this.idleMs = idleMs;
    this.halfClosedMs = halfClosedMs;
    plane.tunnels.add(this);
    countBytes(plane, this.rows, helloBytes, 0);
    this.tunnel = plane.runtime.join(client, node, this);
  }

  cut(reason: CutReason): void {
    this.tunnel?.cut(reason);
  }

  onBytes(up: number, down: number): void {
    countBytes(this.input.plane, this.rows, up, down);
  }

  onEnd(end: TunnelEnd): void {
    const { plane, kind, client, name, cluster, startMs, reached, helloBytes } = this.input;
    plane.tunnels.delete(this);
    closeRows(plane, this.rows);
    leave(plane, client.remote.ip);
    // it accepts and says nothing, or no: its next look should not wait for its turn
    if (end.first === "node" && end.down <= ALERT_BYTES) plane.reports.nodeMute(this.rows.endpoint);
    const totalMs = plane.runtime.nowMs() - startMs;
    const reason = tunnelEndReason(end);
    plane.pen.tally(kind, reason, reached.dialMs, totalMs);
    plane.log.write({
      listener: kind,
      client: client.remote,
      name,
      cluster,
      node: formatEndpoint(reached.endpoint.at.ip, reached.endpoint.at.port),
      up: end.up + helloBytes,
      down: end.down,
      dialMs: reached.dialMs,
      totalMs,
      end: reason,
      note: reached.attempts > 1 ? `${reached.attempts} nodes tried` : null,
      http: null,
      rows: this.rows,
      attempts: reached.attempts,
    });
  }
}
