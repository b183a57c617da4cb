/** What the admin plane sees in its tests: a running instance that must not be changed. */
import type { AdminAccess } from "../../src/control/admin-door.ts";
import type { Instance } from "../../src/control/api/instance.ts";
import type { EventLog } from "../../src/control/log/event-log.ts";
import { LiveTail } from "../../src/control/log/live-tail.ts";
import { RecentEvents } from "../../src/control/log/recent-events.ts";
import { openBoard } from "../../src/seam/board.ts";
import { SERVICES } from "../../src/seam/services.ts";
import { sampleStatus } from "./status-sample.ts";

export interface Seen {
  readonly access: AdminAccess;
  readonly events: RecentEvents;
  /** How often the status was made. */
  readonly asked: () => number;
  /** What was logged. */
  readonly lines: readonly string[];
}

export function adminAccess(auth: AdminAccess["auth"] = null, stopping = false): Seen {
  let asked = 0;
  const lines: string[] = [];
  const events = new RecentEvents();
  const refuse = (): never => {
    throw new Error("the admin plane changed something");
  };
  const instance: Instance = {
    release: "0.1.0",
    events,
    stopping,
    certificates: () => [],
    nodesOf: (cluster) => (cluster === "hub" ? ["10.0.0.1", "10.0.0.40"] : null),
    tail: new LiveTail(() => {}),
    unready: () => (stopping ? "stopping" : null),
    status() {
      asked += 1;
      return sampleStatus();
    },
    explain: refuse,
    reload: refuse,
    restoreCluster: refuse,
    putCluster: refuse,
    deleteCluster: refuse,
    drain: refuse,
    upgrade: refuse,
  };
  const say = (_event: string, message: string): void => void lines.push(message);
  const log: EventLog = { info: say, warn: say, error: say };
  const { signal } = new AbortController();
  const access = { instance, services: SERVICES, board: openBoard(1), auth, log, signal };
  return { access, events, asked: () => asked, lines };
}
