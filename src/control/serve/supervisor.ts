/** What the control plane of a running edge-lb is made from, and what the rest of control may ask of it. */
import type { Config } from "../../config/model.ts";
import type { PassedSocket } from "../../config/options/option.ts";
import type { ConfigDiff } from "../../config/diff.ts";
import type { EdgeError } from "../../errors.ts";
import type { RingUse, WorkerEngine } from "./engine.ts";
import type { EventLog } from "../log/event-log.ts";
import type { LiveTail } from "../log/live-tail.ts";
import type { RecentEvents } from "../log/recent-events.ts";
import type { HealthFacts } from "../health/carried-health.ts";
import type { IssuerTrust } from "../health/issuer-trust.ts";
import type { OwnEndpoints } from "../machine/own-endpoints.ts";
import type { LogSink } from "../log/sink.ts";
import type { NameView } from "./resolver.ts";
import type { ClusterExpiry } from "./cluster-expiry.ts";
import type { BoardCells } from "./board-cells.ts";
import type { CountsBeside } from "./carried-counts.ts";
import type { Cuts } from "./cuts.ts";
import type { InheritedSocket } from "./listening.ts";
import type { Standby } from "../standby/standby.ts";
import type { Facts } from "./facts.ts";
import type { DiscoveryView } from "./discovery-view.ts";
import type { Workers } from "./workers.ts";

export interface SupervisorInput {
  readonly config: Config;
  /** The worker's entry, resolved by main.ts. */
  readonly workerEntry: URL;
  readonly sink: LogSink;
  /** Remembers what is logged. */
  readonly events: RecentEvents;
  /** Workers end faster than they may be replaced: the process has to end with exit code 1. */
  onFatal(error: EdgeError): void;
  /** Sockets that the service manager listens on for this process. */
  readonly passed?: readonly PassedSocket[];
  /** What a process before leaves to this one. */
  readonly before?: Inheritance | undefined;
}

/** All that a process needs to go on from where another one is; its tunnels come later. */
export interface Inheritance {
  readonly sockets: readonly InheritedSocket[];
  /** Of the slots that clients are counted in. */
  readonly seed: readonly number[];
  readonly health: HealthFacts;
  readonly names?: readonly NameView[] | undefined;
}

export interface ApplyOptions {
  /** Time for the tunnels of what is removed. @default the drain time */
  readonly cutAfterMs?: number;
}

/** What runs. */
export interface Supervisor extends Facts {
  readonly engine: WorkerEngine;
  readonly ring: RingUse | null;
  readonly log: EventLog;
  /** Connections, live. */
  readonly tail: LiveTail;
  /** Clusters that leave by themselves. */
  readonly expiry: ClusterExpiry;
  readonly standby: Standby;
  /** Who signs the certificates of discovered clusters. */
  readonly trust: IssuerTrust;
  readonly discovery: DiscoveryView;
  /** Where edge-lb itself listens. */
  readonly own: OwnEndpoints;
  /**
   * Serve another configuration: one swap in every worker. Tunnels of what is gone or no longer allowed get the drain time,
   * all others stay. What only a restart can change keeps its value.
   * @returns when every worker serves it: what changed, and what did not, in words
   * @throws EdgeError when the board has no room for it; then nothing has changed
   */
  apply(config: Config, options?: ApplyOptions): Promise<ConfigDiff>;
  /** Client connections that are open now. */
  open(): number;
  /** Answer for names, where that is wanted. @throws EdgeError LISTEN_FAILED */
  openDns(): Promise<void>;
  readonly pool: Workers;
  /** What the process before counted beside the board. */
  before: CountsBeside;
  readonly cells: BoardCells;
  /** Cuts that workers were told of and that may not be due yet. */
  readonly cuts: Cuts;
  /** Resolves once every connection ended or was cut. @param afterMs when what is left is cut, in place of the drain time */
  stop(afterMs?: number): Promise<void>;
}
