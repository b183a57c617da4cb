/** The lines of the table: what is done to each peer, and which figures come out. */
import { memoryOf, type Memory } from "./child.ts";
import {
  apiAt,
  type Bench,
  direct,
  httpAt,
  inTurn,
  leastDisturbed,
  manyLined,
  named,
  roundOf,
  slotOf,
  startAll,
  START_LIMIT_MS,
  startReady,
  stopAll,
  type Subject,
  type Visit,
  warmUp,
} from "./course.ts";
import type { Measured } from "./lab.ts";
import type { Span } from "./load-common.ts";
import type { LoadCommand } from "./load.ts";
import { type Running, startPeer } from "./peers.ts";
import { apiTargets, httpTargets, wideWorld, type World } from "./world.ts";

export const LINES = {
  short: shortConnections,
  two: twoWorkers,
  ping: pingPongs,
  bulk: streams,
  http: requests,
  memory,
  start: startUp,
  clusters,
} as const;
export type LineId = keyof typeof LINES;

const CONCURRENT = 64;
const STREAMS = 8;
/** Rounds' worth of bytes until the compiler is done with the few functions that streams need. */
const WARM_STREAMS = 30;
/** Opened twice: what the second half adds is what a tunnel costs, the first half also wakes the compiler. */
const IDLE_TUNNELS = 2_000;
/** A process is idle when it has done with its start, also with what it does some seconds after it. */
const AFTER_START_MS = 5_000;
/** Connections of a process that just started, which compiles on the way. */
const COLD = 2_000;

/** Whose threads are more than a number: with two of them the balancers share all CPUs with load and nodes. */
const THREADED: ReadonlySet<string> = new Set(["linux", "haproxy", "nginx"]);

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

async function twoWorkers(bench: Bench): Promise<void> {
  const everywhere = { ...bench, place: { ...bench.place, cpu: null } };
  const threaded = bench.peers.filter(({ id }) => THREADED.has(id));
  const subjects = await startAll(everywhere, threaded, 2);
  const visit: Visit = (subject, span) => bench.lab.measure(subject.running, shortCommand(subject, span));
  await inTurn(bench, subjects, visit, (id, { cpuUs, units, seconds }) => {
    bench.record("two-cpu", id, cpuUs);
    bench.record("two-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

async function pingPongs(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, manyLined(bench))), direct(bench)];
  for (const tunnels of bench.effort.pingTunnels) {
    bench.say(`  ${tunnels} tunnels`);
    const visit: Visit = (subject, span) => onTunnels(bench, subject, tunnels, { run: "pings", span });
    await inTurn(bench, subjects, visit, (id, { cpuUs, p50, p99 }) => {
      bench.record(`ping-${tunnels}-cpu`, id, cpuUs);
      bench.record(`ping-${tunnels}-p50`, id, p50);
      bench.record(`ping-${tunnels}-p99`, id, p99);
    });
  }
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
      await Bun.sleep(AFTER_START_MS);
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
