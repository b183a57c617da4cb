/** The dial for one TLS session. */
import { hostKey } from "../core/balance/hash.ts";
import type { Conn, ConnEvents } from "../runtime/port.ts";
import type { DialError } from "../seam/mail.ts";
import type { ClusterPlan, Pool } from "../seam/snapshot.ts";
import type { Live } from "./plane.ts";
import type { DialRequest, Reached } from "./pool-dial.ts";

/** The session that it is for. */
export interface TlsDialler {
  readonly name: string | null;
  readonly clientKey: number;
  /** The connection's, or what its PROXY header says. */
  readonly ends: Pick<Conn, "remote">;
  join(node: Conn, reached: Reached, pool: Pool, live: Live): ConnEvents;
  unreachable(last: DialError | null, attempts: number): void;
}

export class TlsDial implements DialRequest {
  readonly live: Live;
  readonly plan: ClusterPlan;
  readonly pool: Pool;
  readonly key: number;
  readonly clientIp: string;
  private readonly session: TlsDialler;

  constructor(session: TlsDialler, live: Live, plan: ClusterPlan, pool: Pool) {
    this.session = session;
    this.live = live;
    this.plan = plan;
    this.pool = pool;
    this.clientIp = session.ends.remote.ip;
    this.key = pool.policy === "host" ? hostKey(session.name ?? "") : session.clientKey;
  }

  onOpen(node: Conn, reached: Reached): ConnEvents {
    return this.session.join(node, reached, this.pool, this.live);
  }

  onFail(last: DialError | null, attempts: number): void {
    this.session.unreachable(last, attempts);
  }
}

/** What `dialPool` gets back for a connection that was joined while it opened: no event of it arrives any more. */
export const JOINED: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };
