import type { Health, HealthView } from "../../seam/board.ts";
import type { Endpoint, Pool } from "../../seam/snapshot.ts";
import { formatEndpoint } from "../address.ts";
import { FULL_WEIGHT } from "./full-weight.ts";
import { fmix32 } from "./hash.ts";

/** Preference of an endpoint by its health: unknown, up, not-ready, dead, drained, foreign. 0: never used. */
const RANKS: Readonly<Record<Health, number>> = [2, 3, 1, 0, 0, 0];
const NOT_READY_RANK = 1;
const BEST_RANK = 3;

/**
 * Choose the endpoint for one attempt: the best rank wins (up, unknown, then not-ready when `allDown` is "try"), and among
 * equals the pool's policy. Never one that is dead, drained or foreign. Scans the pool, allocates nothing.
 * @param key What the policy hashes: `clientKey`, `hostKey`; for roundrobin a counter that grows by 1 per session.
 * @param tried Board cells of endpoints that failed in this session.
 * @param random Uniform in [0, 1), breaks ties of leastconn.
 * @returns null when nothing may be used
 */
export function pick(
  pool: Pool,
  health: HealthView,
  key: number,
  tried: ReadonlySet<number>,
  random: () => number,
  allDown: "try" | "refuse",
): Endpoint | null {
  const least = leastRank(allDown);
  switch (pool.policy) {
    case "leastconn":
      return pickLeastLoaded(pool.endpoints, health, tried, random, least);
    case "source":
    case "host":
      return pickHighestScore(pool.endpoints, health, key, tried, least);
    case "roundrobin":
      return pickInTurn(pool.endpoints, health, key, tried, least);
  }
}

function leastRank(allDown: "try" | "refuse"): number {
  return allDown === "try" ? NOT_READY_RANK : NOT_READY_RANK + 1;
}

/** Preference of this health in `pick`, which uses the endpoints of the highest rank in the pool. 0: never used. */
export function rankOfHealth(health: Health, allDown: "try" | "refuse"): number {
  return RANKS[health] < leastRank(allDown) ? 0 : RANKS[health];
}

function rankOf(endpoint: Endpoint, health: HealthView, tried: ReadonlySet<number>): number {
  return tried.size > 0 && tried.has(endpoint.cell) ? 0 : RANKS[health.state(endpoint.cell)];
}

/** Smallest (active + 1) / weight; each of several equals is as likely as the others. */
function pickLeastLoaded(
  endpoints: readonly Endpoint[],
  health: HealthView,
  tried: ReadonlySet<number>,
  random: () => number,
  least: number,
): Endpoint | null {
  let best: Endpoint | null = null;
  let bestRank = least;
  let bestLoad = Infinity;
  let equals = 0;
  for (const endpoint of endpoints) {
    const rank = rankOf(endpoint, health, tried);
    if (rank < bestRank) continue;
    const load = (health.active(endpoint.cell) + 1) / health.weight(endpoint.cell);
    if (rank > bestRank || load < bestLoad) equals = 1;
    else if (load > bestLoad || random() * ++equals >= 1) continue;
    best = endpoint;
    bestRank = rank;
    bestLoad = load;
  }
  return best;
}

/**
 * Rendezvous hashing: every endpoint scores against the key and the highest wins, so an endpoint that goes moves only its own
 * keys and one that comes takes only what it will keep. Weights are ignored: they would move keys twice.
 */
function pickHighestScore(
  endpoints: readonly Endpoint[],
  health: HealthView,
  key: number,
  tried: ReadonlySet<number>,
  least: number,
): Endpoint | null {
  let best: Endpoint | null = null;
  let bestRank = least;
  let bestScore = -1;
  for (const endpoint of endpoints) {
    const score = fmix32(endpoint.hash ^ key);
    if (score < bestScore && bestRank === BEST_RANK) continue; // cannot win, so its health need not be read
    const rank = rankOf(endpoint, health, tried);
    if (rank < bestRank) continue;
    if (rank === bestRank && score <= bestScore && !winsTie(endpoint, score, best, bestScore)) continue;
    best = endpoint;
    bestRank = rank;
    bestScore = score;
  }
  return best;
}

/** Endpoints of one hash are told apart by their text, so that every instance decides the same. */
function winsTie(endpoint: Endpoint, score: number, best: Endpoint | null, bestScore: number): boolean {
  if (best === null || score !== bestScore) return false;
  return formatEndpoint(endpoint.at.ip, endpoint.at.port) < formatEndpoint(best.at.ip, best.at.port);
}

/**
 * Each endpoint of the best rank in turn: a round asks every one of them once. An endpoint of weight w takes w of 256 of its
 * turns, evenly spread, and leaves the others to a neighbour that changes from round to round.
 */
function pickInTurn(
  endpoints: readonly Endpoint[],
  health: HealthView,
  key: number,
  tried: ReadonlySet<number>,
  least: number,
): Endpoint | null {
  let bestRank = least;
  let count = 0;
  for (const endpoint of endpoints) {
    const rank = rankOf(endpoint, health, tried);
    if (rank > bestRank) count = 0;
    if (rank >= bestRank) count++;
    bestRank = Math.max(bestRank, rank);
  }
  const turn = (key >>> 0) % count;
  const round = Math.floor((key >>> 0) / count);
  let best: Endpoint | null = null;
  let bestOrder = Infinity;
  let index = 0;
  for (const endpoint of endpoints) {
    if (rankOf(endpoint, health, tried) < bestRank) continue;
    const passes = takesTurn(health.weight(endpoint.cell), round) ? 0 : count;
    const order = passes + turnOrder(index++, turn, round, count);
    if (order >= bestOrder) continue;
    best = endpoint;
    bestOrder = order;
  }
  return best;
}

/** 0 for the endpoint whose turn it is, then 1, 2, … from a neighbour that the round names. */
function turnOrder(index: number, turn: number, round: number, count: number): number {
  if (index === turn) return 0;
  const distance = (index - turn - 1 + count) % count; // 0 to count - 2
  return 1 + ((distance + round) % (count - 1));
}

/** True in `weight` of 256 rounds. */
function takesTurn(weight: number, round: number): boolean {
  return Math.floor(((round + 1) * weight) / FULL_WEIGHT) > Math.floor((round * weight) / FULL_WEIGHT);
}
