/** Discovery as control sees it: what it may read and change, and that it ends. */
import type { Reload } from "./serve/reloader.ts";
import type { Supervisor } from "./serve/supervisor.ts";

export interface DiscoveryAccess {
  readonly supervisor: Supervisor;
  readonly reload: Reload;
}

export interface RunningDiscovery {
  stop(): void;
}

/** Control does not know how clusters are found. */
export type StartDiscovery = (access: DiscoveryAccess) => RunningDiscovery;
