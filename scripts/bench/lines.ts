/** The lines of the table: what is done to each peer, and which figures come out. */
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
  startReady,
  stopAll,
  type Subject,
  type Visit,
  warmUp,
} from "./course.ts";
import type { Measured } from "./lab.ts";
import { firstConnections, memory, startUp } from "./fresh.ts";
import type { LoadCommand } from "./load.ts";
import type { Peer } from "./peers.ts";
import { CONCURRENT, shortCommand, targetsOf } from "./short-load.ts";
import { apiTargets, httpTargets, wideWorld, type World } from "./world.ts";

export const LINES = {
  short: shortConnections,
  two: twoWorkers,
  ping: pingPongs,
  bulk: streams,
  http: requests,
  memory,
  start: startUp,
  cold: firstConnections,
  clusters,
  services: furtherServices,
} as const;
export type LineId = keyof typeof LINES;

const STREAMS = 8;
/** As many as clients of a short connection. */
const MAIN_TUNNELS = CONCURRENT;
/** Rounds' worth of bytes until the compiler is done with the few functions that streams need. */
const WARM_STREAMS = 30;
/** Services that nobody asks. */
const FURTHER = [0, 20] as const;

/** Whose threads are more than a number: with two of them the balancers share all CPUs with load and nodes. */
const THREADED: ReadonlySet<string> = new Set(["linux", "haproxy", "nginx"]);

async function shortConnections(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, bench.peers)), direct(bench)];
  const visit: Visit = (subject, span) => bench.lab.measure(subject.running, shortCommand(subject, span));
  await inTurn(bench, subjects, visit, bench.effort.rounds, (id, { cpuUs, p50, p99, units, seconds }) => {
    bench.record("short-cpu", id, cpuUs);
    bench.record("short-p50", id, p50);
    bench.record("short-p99", id, p99);
    bench.record("short-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

async function twoWorkers(bench: Bench): Promise<void> {
  const everywhere = { ...bench, place: { ...bench.place, cpu: null } };
  const threaded = bench.peers.filter(({ id }) => THREADED.has(id));
  const subjects = await startAll(everywhere, threaded, 2);
  const visit: Visit = (subject, span) => bench.lab.measure(subject.running, shortCommand(subject, span));
  await inTurn(bench, subjects, visit, bench.effort.rounds, (id, { cpuUs, units, seconds }) => {
    bench.record("two-cpu", id, cpuUs);
    bench.record("two-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

async function pingPongs(bench: Bench): Promise<void> {
  const subjects = [...(await startAll(bench, manyLined(bench))), direct(bench)];
  for (const tunnels of bench.effort.pingTunnels) {
    bench.say(`  ${tunnels} tunnels`);
    const rounds = tunnels === MAIN_TUNNELS ? bench.effort.rounds : bench.effort.sideRounds;
    const visit: Visit = (subject, span) => onTunnels(bench, subject, tunnels, { run: "pings", span });
    await inTurn(bench, subjects, visit, rounds, (id, { cpuUs, p50, p99 }) => {
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
  await inTurn(bench, subjects, visit, bench.effort.rounds, (id, { cpuUs, units, seconds }) => {
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
  await inTurn(bench, subjects, visit, bench.effort.rounds, (id, { cpuUs, p50, p99, units, seconds }) => {
    bench.record("http-cpu", id, cpuUs);
    bench.record("http-p50", id, p50);
    bench.record("http-p99", id, p99);
    bench.record("http-rate", id, units / seconds);
  });
  await stopAll(subjects);
}

/** Engines read the same snapshot, and forced splice looks names up as HAProxy does: one of each is enough. */
const WIDE: ReadonlySet<string> = new Set(["linux", "haproxy", "nginx", "sniproxy"]);

async function clusters(bench: Bench): Promise<void> {
  for (const peer of bench.peers.filter(({ id }) => WIDE.has(id))) {
    const worlds = bench.effort.clusterSizes.map((size) => wideWorld(slotOf(bench, peer), size, bench.lab.ports));
    await acrossWorlds(bench, peer, worlds, (world) => `clusters-${world.clusters}`);
  }
}

async function furtherServices(bench: Bench): Promise<void> {
  for (const peer of bench.peers.filter(({ id }) => id === "linux")) {
    const worlds = FURTHER.map((services) => ({ ...bench.lab.world(slotOf(bench, peer)), services }));
    await acrossWorlds(bench, peer, worlds, (world) => `services-${world.services}`);
  }
}

/** One balancer in several worlds, a process each; what is asked for stands last in its configuration. */
async function acrossWorlds(
  bench: Bench,
  peer: Peer,
  worlds: readonly World[],
  row: (world: World) => string,
): Promise<void> {
  const subjects: Subject[] = [];
  for (const world of worlds) {
    const running = await startReady(bench, peer, world).catch((error: unknown) => {
      throw named(error, row(world));
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
      bench.record(row(subject.world), peer.id, cpuUs);
    }
  }
  await stopAll(subjects);
}
