/** The lines of the table: what is done to each peer, round by round, and which figures come out. */
import { memoryOf, type Memory } from "./child.ts";
import type { Lab, Measured } from "./lab.ts";
import type { Span } from "./load-common.ts";
import type { LoadCommand } from "./load.ts";
import { type Peer, type Place, type Running, startPeer } from "./peers.ts";
import type { Recorder } from "./record.ts";
import { apiTargets, httpTargets, wideWorld, type World } from "./world.ts";

/** How long and how often: many short rounds, so that what else the machine does meets all peers alike. */
export interface Effort {
  readonly rounds: number;
  /** Rounds of lines that start processes. */
  readonly startRounds: number;
  readonly seconds: number;
  /** Before the first round of a line: edge-lb's compiler needs some 30,000 connections, for the others it is a look. */
  readonly warm: Span;
  /** So many measurements in all are made anew when others disturbed them, each twice at most; the least disturbed one counts. */
  readonly retries: number;
  readonly streamBytes: number;
  readonly clusterSizes: readonly number[];
}

export const FULL: Effort = {
  rounds: 15,
  startRounds: 3,
  seconds: 0.3,
  warm: { seconds: 15, most: 60_000 },
  retries: 150,
  streamBytes: 4e8,
  clusterSizes: [3, 100, 1_000, 10_000],
};
export const QUICK: Effort = {
  rounds: 5,
  startRounds: 1,
  seconds: 0.25,
  warm: { seconds: 8, most: 20_000 },
  retries: 0,
  streamBytes: 2e8,
  clusterSizes: [3, 100, 1_000, 10_000],
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

export const LINES = {
  short: shortConnections,
  ping: pingPongs,
  bulk: streams,
  http: requests,
  memory,
  start: startUp,
  clusters,
} as const;
export type LineId = keyof typeof LINES;

const CONCURRENT = 64;
const PING_TUNNELS = 64;
const STREAMS = 8;
/** Rounds' worth of bytes until the compiler is done with the few functions that streams need. */
const WARM_STREAMS = 30;
/** Opened twice: what the second half adds is what a tunnel costs, the first half also wakes the compiler. */
const IDLE_TUNNELS = 2_000;
const START_LIMIT_MS = 30_000;
const LOOK: Span = { seconds: 0.3, most: 1e9 };
/** Connections of a process that just started, which compiles on the way. */
const COLD = 2_000;

/** A round ends by time only. */
function roundOf({ seconds }: Effort): Span {
  return { seconds, most: 1e9 };
}

function warmUp({ effort }: Bench, { running }: Subject): Span {
  return running?.peer.jit === true ? effort.warm : LOOK;
}

/** A peer that runs, or none: load straight to the nodes. */
interface Subject {
  readonly id: Peer["id"] | "direct";
  readonly running: Running | null;
  readonly world: World;
}

async function startAll(bench: Bench, peers: readonly Peer[]): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const peer of peers) {
    const world = bench.lab.world(slotOf(bench, peer));
    subjects.push({ id: peer.id, running: await startReady(bench, peer, world), world });
  }
  return subjects;
}

/** Peers that more than the line of short connections is worth. */
function manyLined({ peers }: Bench): Peer[] {
  return peers.filter(({ shortOnly }) => !shortOnly);
}

function slotOf({ peers }: Bench, peer: Peer): number {
  return peers.indexOf(peer);
}

async function startReady({ lab, place }: Bench, peer: Peer, world: World): Promise<Running> {
  const running = startPeer(peer, world, place);
  try {
    const last = apiTargets(world).slice(-1);
    const answered = lab.first({ to: running.listening.api, targets: last, connections: 1 }, START_LIMIT_MS);
    await Promise.race([answered, running.child.death]);
    return running;
  } catch (error) {
    throw named(error, peer.title);
  }
}

function named(error: unknown, title: string, obituary: string | null = null): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`${title}: ${text}${obituary === null ? "" : `; it ended: ${obituary}`}`, { cause: error });
}

async function stopAll(subjects: readonly Subject[]): Promise<void> {
  for (const { running } of subjects) await running?.child.stop();
}

/** One of the nodes themselves, which a client without a balancer would ask. */
function direct(bench: Bench): Subject {
  return { id: "direct", running: null, world: bench.lab.world(bench.peers.length) };
}

/** Others' share of the machine that still counts as quiet. */
const QUIET = 0.05;

/** Not by its outcome: by how much others did meanwhile. */
async function leastDisturbed(bench: Bench, measure: () => Promise<Measured>): Promise<Measured> {
  let best = await measure();
  for (let again = 0; again < 2 && best.others > QUIET && bench.retriesLeft > 0; again++) {
    bench.retriesLeft--;
    const next = await measure();
    if (next.others < best.others) best = next;
  }
  bench.record("others", "direct", best.others * 100);
  return best;
}

type Visit = (subject: Subject, span: Span) => Promise<Measured>;

/** Warm each up, then visit all in every round, each round beginning with another one. */
async function inTurn(
  bench: Bench,
  subjects: readonly Subject[],
  visit: Visit,
  keep: (id: Subject["id"], measured: Measured) => void,
): Promise<void> {
  const { effort, say } = bench;
  const guarded = (subject: Subject, span: Span): Promise<Measured> =>
    visit(subject, span).catch((error: unknown) => {
      throw named(error, subject.running?.peer.title ?? "no balancer");
    });
  for (const subject of subjects) await guarded(subject, warmUp(bench, subject));
  for (let round = 0; round < effort.rounds; round++) {
    say(`  round ${round + 1} of ${effort.rounds}`);
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(round + i) % subjects.length];
      if (subject !== undefined) keep(subject.id, await leastDisturbed(bench, () => guarded(subject, roundOf(effort))));
    }
  }
}

function apiAt({ running, world }: Subject): { ip: string; port: number } {
  return running?.listening.api ?? { ip: world.nodesOf(0)[0] ?? "", port: world.apiPort };
}

function httpAt({ running, world }: Subject): { ip: string; port: number } {
  return running?.listening.http ?? { ip: world.nodesOf(0)[0] ?? "", port: world.httpPort };
}

async function shortConnections(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, bench.peers)), direct(bench)];
  const visit: Visit = (subject, span) => bench.lab.measure(subject.running, shortCommand(subject, span));
  for (const subject of subjects) {
    const cold = await visit(subject, { seconds: 10, most: COLD });
    bench.record("short-cold", subject.id, cold.cpuUs);
  }
  await inTurn(bench, subjects, visit, (id, { cpuUs, p50, p99, units, seconds }) => {
    bench.record("short-cpu", id, cpuUs);
    bench.record("short-p50", id, p50);
    bench.record("short-p99", id, p99);
    bench.record("short-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

function shortCommand(subject: Subject, span: Span, targets = targetsOf(subject)): LoadCommand {
  return { run: "short", order: { to: apiAt(subject), targets, connections: CONCURRENT }, span };
}

/** A node that is asked directly is one node. */
function targetsOf(subject: Subject): ReturnType<typeof apiTargets> {
  const targets = apiTargets(subject.world);
  return subject.running === null ? targets.slice(0, 1) : targets;
}

async function pingPongs(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, manyLined(bench))), direct(bench)];
  const visit: Visit = (subject, span) => onTunnels(bench, subject, PING_TUNNELS, { run: "pings", span });
  await inTurn(bench, subjects, visit, (id, { cpuUs, p50, p99 }) => {
    bench.record("ping-cpu", id, cpuUs);
    bench.record("ping-p50", id, p50);
    bench.record("ping-p99", id, p99);
  });
  await stopAll(subjects);
}

async function onTunnels({ lab }: Bench, subject: Subject, count: number, command: LoadCommand): Promise<Measured> {
  await lab.open("tunnels", { to: apiAt(subject), targets: targetsOf(subject), connections: count });
  const measured = await lab.measure(subject.running, command);
  await lab.close();
  return measured;
}

async function streams(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, manyLined(bench))), direct(bench)];
  const { warm, streamBytes } = bench.effort;
  const visit: Visit = (subject, span) => {
    const bytes = span === warm ? streamBytes * WARM_STREAMS : streamBytes;
    return onTunnels(bench, subject, STREAMS, { run: "streams", bytesEach: bytes / STREAMS });
  };
  await inTurn(bench, subjects, visit, (id, { cpuUs, units, seconds }) => {
    bench.record("bulk-cpu", id, cpuUs / 1000);
    bench.record("bulk-rate", id, (units * 1000) / seconds);
  });
  await stopAll(subjects);
}

async function requests(bench: Bench): Promise<void> {
  const proxies = manyLined(bench).filter(({ http }) => http);
  const subjects = [...(await startAll(bench, proxies)), direct(bench)];
  const visit: Visit = async (subject, span) => {
    const all = httpTargets(subject.world);
    const targets = subject.running === null ? all.slice(0, 1) : all;
    await bench.lab.open("requests", { to: httpAt(subject), targets, connections: CONCURRENT });
    const measured = await bench.lab.measure(subject.running, { run: "requests", span });
    await bench.lab.close();
    return measured;
  };
  await inTurn(bench, subjects, visit, (id, { cpuUs, p50, p99, units, seconds }) => {
    bench.record("http-cpu", id, cpuUs);
    bench.record("http-p50", id, p50);
    bench.record("http-p99", id, p99);
    bench.record("http-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

/** Fresh processes: what a busy one has kept is another question. */
async function memory(bench: Bench): Promise<void> {
  for (let round = 0; round < bench.effort.startRounds; round++) {
    bench.say(`  round ${round + 1} of ${bench.effort.startRounds}`);
    for (const peer of manyLined(bench)) {
      const world = bench.lab.world(slotOf(bench, peer));
      const running = await startReady(bench, peer, world);
      await Bun.sleep(500);
      const idle = memoryOf(running.pids());
      const half = await withIdleTunnels(bench, running, world);
      const full = await withIdleTunnels(bench, running, world);
      bench.record("memory-idle", peer.id, idle.pss);
      bench.record("memory-idle-rss", peer.id, idle.rss);
      bench.record("memory-full", peer.id, full.pss);
      bench.record("memory-full-rss", peer.id, full.rss);
      bench.record("memory-tunnel", peer.id, ((full.pss - half.pss) * 1024) / IDLE_TUNNELS);
      await bench.lab.close();
      await running.child.stop();
    }
  }
}

async function withIdleTunnels(
  { lab }: Bench,
  { child, listening, peer, pids }: Running,
  world: World,
): Promise<Memory> {
  await lab
    .open("tunnels", { to: listening.api, targets: apiTargets(world), connections: IDLE_TUNNELS })
    .catch((error: unknown) => {
      throw named(error, peer.title, child.obituary());
    });
  await Bun.sleep(500);
  return memoryOf(pids());
}

async function startUp(bench: Bench): Promise<void> {
  for (let round = 0; round < bench.effort.startRounds; round++) {
    bench.say(`  round ${round + 1} of ${bench.effort.startRounds}`);
    for (const peer of manyLined(bench)) {
      const world = bench.lab.world(slotOf(bench, peer));
      const running = startPeer(peer, world, bench.place);
      const order = { to: running.listening.api, targets: apiTargets(world).slice(0, 1), connections: 1 };
      const answered = bench.lab.first(order, START_LIMIT_MS);
      const answeredAt = await Promise.race([answered, running.child.death]).catch((error: unknown) => {
        throw named(error, peer.title);
      });
      bench.record("start", peer.id, answeredAt - running.startedMs);
      await running.child.stop();
    }
  }
}

/** Engines read the same snapshot, and forced splice looks names up as HAProxy does: one of each is enough. */
const WIDE: ReadonlySet<string> = new Set(["linux", "haproxy", "nginx", "sniproxy"]);

async function clusters(bench: Bench): Promise<void> {
  for (const peer of bench.peers.filter(({ id }) => WIDE.has(id))) {
    const subjects: Subject[] = [];
    for (const size of bench.effort.clusterSizes) {
      const world = wideWorld(slotOf(bench, peer), size, bench.lab.ports);
      const running = await startReady(bench, peer, world).catch((error: unknown) => {
        throw named(error, `${size} clusters`);
      });
      subjects.push({ id: peer.id, running, world });
    }
    bench.say(`  ${peer.title}`);
    const visit: Visit = (subject, span) =>
      bench.lab.measure(subject.running, shortCommand(subject, span, apiTargets(subject.world).slice(-1)));
    for (const subject of subjects) await visit(subject, warmUp(bench, subject));
    for (let round = 0; round < bench.effort.rounds; round++) {
      for (const subject of subjects) {
        const { cpuUs } = await leastDisturbed(bench, () => visit(subject, roundOf(bench.effort)));
        bench.record(`clusters-${subject.world.clusters}`, peer.id, cpuUs);
      }
    }
    await stopAll(subjects);
  }
}
