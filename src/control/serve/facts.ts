/** What is true of a running edge-lb: status, explain and the API read it. */
import type { Config } from "../../config/model.ts";
import type { Routes } from "../../core/route/lookup.ts";
import type { Board } from "../../seam/board.ts";
import type { DialError, Engine } from "../../seam/mail.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { RingUse } from "./engine.ts";
import type { HealthMonitor } from "../health/monitor.ts";
import type { DiscoveryView } from "./discovery-view.ts";
import type { DnsService } from "./dns.ts";
import type { Sockets } from "./listening.ts";
import type { NameView } from "./resolver.ts";
import type { Standby } from "../standby/standby.ts";
import type { Totals } from "./totals.ts";
import type { UnknownNames } from "./unknown-names.ts";

/** What the supervisor knows; read only. */
export interface Facts {
  readonly config: Config;
  readonly engine: Engine;
  /** Null: this engine has none. */
  readonly ring: RingUse | null;
  readonly workers: number;
  /** Who this process is, where root started it; else null. */
  readonly user: string | null;
  readonly sockets: Sockets;
  readonly snapshot: Snapshot;
  readonly board: Board;
  readonly health: HealthMonitor | null;
  readonly totals: Totals;
  readonly unknownNames: UnknownNames;
  readonly lastFailures: ReadonlyMap<number, { readonly error: DialError; readonly atMs: number }>;
  readonly logLinesLost: number;
  /** Clusters that sleep. */
  readonly standby: Pick<Standby, "restOf">;
  /** When a cluster leaves by itself, ms since 1970; null: it stays. */
  expiresAt(cluster: string): number | null;
  readonly discovery: Pick<DiscoveryView, "status">;
  /** Null: off. */
  readonly dns: DnsService | null;
  /** Workers that do not accept connections now. */
  idleWorkers(): readonly number[];
  names(): readonly NameView[];
  /** Of `snapshot`; the same object as long as that is. */
  routes(): Routes;
}
