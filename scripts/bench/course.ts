/** How a line is measured: who is started, warmed up and visited in turn, round by round. */
import type { Lab, Measured } from "./lab.ts";
import type { Span } from "./load-common.ts";
import { type Peer, type Place, type Running, startPeer } from "./peers.ts";
import type { Recorder } from "./record.ts";
import { apiTargets, type World } from "./world.ts";

/** How long and how often: many short rounds, so that what else the machine does meets all peers alike. */
export interface Effort {
  readonly rounds: number;
  /** Of the less usual numbers of tunnels. */
  readonly sideRounds: number;
  /** Rounds of lines that start processes. */
  readonly startRounds: number;
  readonly seconds: number;
  /** Before the first round of a line: edge-lb's compiler needs some 30,000 connections, for the others it is a look. */
  readonly warm: Span;
  /** So many measurements in all are made anew when others disturbed them, each twice at most; the least disturbed one counts. */
  readonly retries: number;
  readonly streamBytes: number;
  readonly clusterSizes: readonly number[];
  /** How many tunnels have a ping under way. */
  readonly pingTunnels: readonly number[];
}

export const FULL: Effort = {
  rounds: 15,
  sideRounds: 9,
  startRounds: 3,
  seconds: 0.3,
  warm: { seconds: 15, most: 60_000 },
  retries: 150,
  streamBytes: 4e8,
  clusterSizes: [3, 100, 1_000, 10_000],
  pingTunnels: [64, 1, 4, 32, 256],
};
export const QUICK: Effort = {
  rounds: 5,
  sideRounds: 3,
  startRounds: 1,
  seconds: 0.25,
  warm: { seconds: 8, most: 20_000 },
  retries: 0,
  streamBytes: 2e8,
  clusterSizes: [3, 100, 1_000, 10_000],
  pingTunnels: [64, 1, 4, 32, 256],
};

export interface Bench {
  readonly lab: Lab;
  readonly peers: readonly Peer[];
  readonly place: Place;
  readonly effort: Effort;
  readonly record: Recorder;
  readonly say: (text: string) => void;
  retriesLeft: number;
}

export const START_LIMIT_MS = 30_000;
const LOOK: Span = { seconds: 0.3, most: 1e9 };

/** A round ends by time only. */
export function roundOf({ seconds }: Effort): Span {
  return { seconds, most: 1e9 };
}

export function warmUp({ effort }: Bench, { running }: Subject): Span {
  return running?.peer.jit === true ? effort.warm : LOOK;
}

/** A peer that runs, or none: load straight to the nodes. */
export interface Subject {
  readonly id: Peer["id"] | "direct";
  readonly running: Running | null;
  readonly world: World;
}

export async function startAll(bench: Bench, peers: readonly Peer[], workers = 1): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const peer of peers) {
    const world = bench.lab.world(slotOf(bench, peer));
    subjects.push({ id: peer.id, running: await startReady(bench, peer, world, workers), world });
  }
  return subjects;
}

/** Peers that more than the line of short connections is worth. */
export function manyLined({ peers }: Bench): Peer[] {
  return peers.filter(({ shortOnly }) => !shortOnly);
}

export function slotOf({ peers }: Bench, peer: Peer): number {
  return peers.indexOf(peer);
}

export async function startReady({ lab, place }: Bench, peer: Peer, world: World, workers = 1): Promise<Running> {
  const running = startPeer(peer, world, place, workers);
  try {
    const last = apiTargets(world).slice(-1);
    const answered = lab.first({ to: running.listening.api, targets: last, connections: 1 }, START_LIMIT_MS);
    await Promise.race([answered, running.child.death]);
    return running;
  } catch (error) {
    throw named(error, peer.title);
  }
}

export function named(error: unknown, title: string, obituary: string | null = null): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`${title}: ${text}${obituary === null ? "" : `; it ended: ${obituary}`}`, { cause: error });
}

export async function stopAll(subjects: readonly Subject[]): Promise<void> {
  for (const { running } of subjects) await running?.child.stop();
}

/** One of the nodes themselves, which a client without a balancer would ask. */
export function direct(bench: Bench): Subject {
  return { id: "direct", running: null, world: bench.lab.world(bench.peers.length) };
}

/** Others' share of the machine that still counts as quiet. */
const QUIET = 0.05;

/** Not by its outcome: by how much others did meanwhile. */
export async function leastDisturbed(bench: Bench, measure: () => Promise<Measured>): Promise<Measured> {
  let best = await measure();
  for (let again = 0; again < 2 && best.others > QUIET && bench.retriesLeft > 0; again++) {
    bench.retriesLeft--;
    const next = await measure();
    if (next.others < best.others) best = next;
  }
  bench.record("others", "direct", best.others * 100);
  return best;
}

export type Visit = (subject: Subject, span: Span) => Promise<Measured>;

/** Warm each up, then visit all in every round, each round beginning with another one. */
export async function inTurn(
  bench: Bench,
  subjects: readonly Subject[],
  visit: Visit,
  rounds: number,
  keep: (id: Subject["id"], measured: Measured) => void,
): Promise<void> {
  const { effort, say } = bench;
  const guarded = (subject: Subject, span: Span): Promise<Measured> =>
    visit(subject, span).catch((error: unknown) => {
      throw named(error, subject.running?.peer.title ?? "no balancer");
    });
  for (const subject of subjects) await guarded(subject, warmUp(bench, subject));
  for (let round = 0; round < rounds; round++) {
    say(`  round ${round + 1} of ${rounds}`);
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(round + i) % subjects.length];
      if (subject !== undefined) keep(subject.id, await leastDisturbed(bench, () => guarded(subject, roundOf(effort))));
    }
  }
}

export function apiAt({ running, world }: Subject): { ip: string; port: number } {
  return running?.listening.api ?? { ip: world.nodesOf(0)[0] ?? "", port: world.apiPort };
}

export function httpAt({ running, world }: Subject): { ip: string; port: number } {
  return running?.listening.http ?? { ip: world.nodesOf(0)[0] ?? "", port: world.httpPort };
}
