/** What a cluster is as a whole: the one rule behind status, page, terminal and metrics. */
import type { HealthWord } from "../../seam/board.ts";
import type { Role } from "./roles.ts";

/** `unknown`: nothing of it was checked yet. */
export const CLUSTER_STATES = ["up", "degraded", "down", "asleep", "waking", "unknown"] as const;
export type ClusterState = (typeof CLUSTER_STATES)[number];

/** Since when, and why in words. */
interface Standing {
  readonly reason: string;
  readonly sinceSeconds: number;
}

export interface ClusterStanding extends Standing {
  readonly state: ClusterState;
}

/** What a cluster does whose nodes take no clients because they sleep. */
export interface Rest extends Standing {
  readonly state: "asleep" | "waking";
}

interface Member extends Standing {
  readonly state: HealthWord;
  readonly role: Role;
}

interface Pool extends Standing {
  readonly endpoints: readonly Member[];
}

/** Nobody has to do anything about these; a drained node is out because somebody wants it so. */
const FINE: ReadonlySet<HealthWord> = new Set(["up", "unknown", "drained"]);
const USABLE: ReadonlySet<HealthWord> = new Set(["up", "unknown"]);

/** Endpoints that serve the pool, or may; all of them where none does. */
export function membersOf<M extends Pick<Member, "role">>({ endpoints }: { readonly endpoints: readonly M[] }) {
  const members = endpoints.filter(({ role }) => role !== "absent");
  return members.length > 0 ? members : endpoints;
}

/**
 * A cluster is as its worst pool is, and degraded while something is to be warned of. A pool is down when no node of it can
 * take a client, degraded when some cannot. A pool that no node has ever served, and for which none was named, may be one
 * that the cluster does not have: it degrades, unless all pools are so.
 * @param best What all endpoints together are at best.
 * @param warned Somebody should look at it all the same.
 * @param checked False: nodes are never probed, and unknown for ever.
 */
export function clusterStanding(
  pools: readonly Pool[],
  { reason, sinceSeconds }: Standing,
  warned: boolean,
  checked: boolean,
): ClusterStanding {
  const down = pools.filter(isDown);
  const lost = down.find(isServed) ?? (down.length === pools.length ? down[0] : undefined);
  if (lost !== undefined) return { state: "down", reason: lost.reason, sinceSeconds: lost.sinceSeconds };
  const members = pools.flatMap((pool) => membersOf(pool));
  const [first] = members
    .filter(({ state }) => !FINE.has(state))
    .toSorted((one, other) => other.sinceSeconds - one.sinceSeconds);
  if (first !== undefined) return { state: "degraded", reason: first.reason, sinceSeconds: first.sinceSeconds };
  if (checked && members.every(({ state }) => state === "unknown")) return { state: "unknown", reason, sinceSeconds };
  return { state: warned ? "degraded" : "up", reason, sinceSeconds };
}

/**
 * @param rest null: it neither sleeps nor is being woken, as far as anybody knows
 * @param checked False: its nodes are never probed, so nothing shows that they are down
 */
export function withRest(standing: ClusterStanding, rest: Rest | null, checked: boolean): ClusterStanding {
  return rest !== null && (standing.state === "down" || !checked) ? rest : standing;
}

function isDown(pool: Pool): boolean {
  return !membersOf(pool).some(({ state }) => USABLE.has(state));
}

function isServed({ endpoints }: Pool): boolean {
  return endpoints.some(({ role }) => role === "given" || role === "sensed");
}
