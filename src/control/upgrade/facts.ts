/** What one process tells the next of itself, and what that one makes of it. */
import type { HandoverFacts } from "../../handover/messages.ts";
import type { RuntimeLayer } from "../../config/load.ts";
import type { CutReason } from "../../seam/mail.ts";
import type { HealthFacts } from "../health/carried-health.ts";
import type { ControlEvent, RecentEvents } from "../log/recent-events.ts";
import { carryCounts, countFacts, NOTHING_BESIDE, type CountFacts } from "../serve/carried-counts.ts";
import type { Supervisor } from "../serve/supervisor.ts";
import type { ExpiryFacts } from "../serve/cluster-expiry.ts";
import type { NameView } from "../serve/resolver.ts";
import type { StandbyFacts } from "../standby/standby.ts";
import type { StartFacts } from "../status/start.ts";
import type { UnknownEntry } from "../serve/unknown-names.ts";

export interface ProcessFacts extends HandoverFacts {
  readonly layer: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly discovered?: readonly string[];
  };
  readonly seed: readonly number[];
  readonly health: HealthFacts;
  readonly counts: CountFacts;
  readonly cuts: readonly { readonly key: string; readonly afterMs: number; readonly reason: CutReason }[];
  readonly unknownNames: readonly UnknownEntry[];
  readonly events: readonly ControlEvent[];
  /** These are not said by every release. */
  readonly names?: readonly NameView[];
  readonly expiry?: readonly ExpiryFacts[];
  readonly standby?: StandbyFacts;
  readonly start?: StartFacts;
}

const NO_HEALTH: HealthFacts = {
  endpoints: [],
  nodes: [],
  rungs: [],
  learnt: [],
  warned: [],
  drained: [],
  counts: { passed: 0, failed: 0 },
};

export function factsOf(
  supervisor: Supervisor,
  { added, removed, discovered = [] }: RuntimeLayer,
  events: RecentEvents,
  start: StartFacts,
): ProcessFacts {
  const keys = supervisor.cells.keys();
  return {
    layer: { added, removed: [...removed], discovered },
    seed: [...supervisor.board.seed],
    health: supervisor.health?.facts() ?? NO_HEALTH,
    counts: countFacts(countedBy(supervisor)),
    cuts: supervisor.cuts.pending().flatMap(({ cell, afterMs, reason }) => {
      const key = keys.get(cell);
      return key === undefined ? [] : [{ key, afterMs, reason }];
    }),
    unknownNames: supervisor.unknownNames.entriesNow(),
    events: events.recent(),
    names: supervisor.names(),
    expiry: supervisor.expiry.facts(),
    standby: supervisor.standby.facts(),
    start,
  };
}

/** What the old one counts while its last clients end. */
export function countsOf(supervisor: Supervisor): HandoverFacts {
  return { counts: countFacts(countedBy(supervisor)) };
}

export function layerOf({ layer }: ProcessFacts): RuntimeLayer {
  return { added: layer.added, removed: new Set(layer.removed), discovered: layer.discovered ?? [] };
}

/** The process before has said what it counted. */
export function carryCounters(supervisor: Supervisor, { counts }: Pick<ProcessFacts, "counts">): void {
  carryCounts(countedBy(supervisor), counts);
  supervisor.before = counts.beside ?? NOTHING_BESIDE;
}

/** The process before has nothing more to do with the outside: what it said, saw and drained meanwhile is ours. */
export function carryRest(supervisor: Supervisor, events: RecentEvents, facts: ProcessFacts): void {
  events.carry(facts.events);
  supervisor.unknownNames.carry(facts.unknownNames);
  supervisor.expiry.carry(facts.expiry ?? []);
  if (facts.standby !== undefined) supervisor.standby.carry(facts.standby);
  for (const name of facts.health.drained) {
    const slash = name.indexOf("/");
    supervisor.health?.drain(name.slice(0, slash), name.slice(slash + 1), true);
  }
  for (const { key, afterMs, reason } of facts.cuts) {
    const known = supervisor.cells.peek(key);
    // what was removed there and is configured here is not removed
    if (known !== undefined && reason === "removed") continue;
    const cell = known ?? supervisor.cells.of(key);
    supervisor.cuts.asked(cell, afterMs, reason);
    supervisor.pool.broadcast({ kind: "cut", cell, afterMs, reason });
  }
}

function countedBy({ board, totals, cells, snapshot, logLinesLost, dns, before }: Supervisor) {
  const dnsAnswers = dns?.status().answers ?? before.dnsAnswers;
  return { board, totals, cells, services: snapshot.services, beside: { logLinesLost, dnsAnswers } };
}
