/** Lines about processes that just started: their memory, their first answer, their first connections. */
import { readFileSync } from "node:fs";
import { memoryOf } from "./child.ts";
import {
  apiAt,
  type Bench,
  leastDisturbed,
  manyLined,
  named,
  slotOf,
  START_LIMIT_MS,
  startAll,
  stopAll,
  type Subject,
} from "./course.ts";
import { type Peer, startPeer } from "./peers.ts";
import { shortCommand } from "./short-load.ts";
import { apiTargets } from "./world.ts";

/** Opened twice: what the second half adds is what a tunnel costs, the first half also wakes the compiler. */
const IDLE_TUNNELS = 2_000;
/** A process is idle when it has done with its start, or with the last tunnel, also with what it does some seconds after it. */
const SETTLE_MS = 6_000;
/** Descriptors of clients and of nodes that are no tunnel's. */
const OTHER_FILES = 500;
/** Connections of a process that just started, which compiles on the way. */
const COLD = 2_000;
/** What a start does on the side is over then. */
const AFTER_READY_MS = 1_000;

/** Fresh processes: what a busy one has kept is another question. */
export async function memory(bench: Bench): Promise<void> {
  const peers = manyLined(bench);
  const together = peersTogether();
  const groups = withoutTwins(peers, together);
  await eachRound(bench, async () => {
    for (const group of groups) await memoryOfSome(bench, group);
  });
}

/** Groups of at most so many, no two of one executable: its pages would count in part for each of them. */
export function withoutTwins<P extends Pick<Peer, "asks">>(
  peers: readonly P[],
  most: number,
): readonly (readonly P[])[] {
  const groups: P[][] = [];
  for (const peer of peers) {
    const fits = (group: readonly P[]): boolean =>
      group.length < most && group.every(({ asks }) => asks[0] !== peer.asks[0]);
    const group = groups.find(fits);
    if (group === undefined) groups.push([peer]);
    else group.push(peer);
  }
  return groups;
}

/** Idle processes do not disturb each other, but clients and nodes have descriptors for so many only. */
function peersTogether(): number {
  const [, files = "0"] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const count = Math.floor((Number(files) - OTHER_FILES) / (2 * IDLE_TUNNELS));
  if (count < 1)
    throw new Error(`Cannot open ${2 * IDLE_TUNNELS} tunnels: ${files} open files are allowed; raise ulimit -n`);
  return count;
}

async function memoryOfSome(bench: Bench, peers: readonly Peer[]): Promise<void> {
  const subjects = await startAll(bench, peers);
  await Bun.sleep(SETTLE_MS);
  for (const { id, running } of subjects) {
    const { pss, rss } = memoryOf(running?.pids() ?? []);
    bench.record("memory-idle", id, pss);
    bench.record("memory-idle-rss", id, rss);
  }
  const half = await openIdleTunnels(bench, subjects);
  const full = await openIdleTunnels(bench, subjects);
  for (const [i, { id, running }] of subjects.entries()) {
    const { pss, rss } = memoryOf(running?.pids() ?? []);
    bench.record("memory-full", id, pss);
    bench.record("memory-full-rss", id, rss);
    bench.record("memory-tunnel", id, (((full[i] ?? NaN) - (half[i] ?? NaN)) * 1024) / IDLE_TUNNELS);
  }
  await bench.lab.close();
  await stopAll(subjects);
}

/** @returns Anonymous memory of each afterwards, in MB: what of a file is mapped has nothing to do with the number of tunnels. */
async function openIdleTunnels({ lab }: Bench, subjects: readonly Subject[]): Promise<readonly number[]> {
  for (const subject of subjects) {
    const order = { to: apiAt(subject), targets: apiTargets(subject.world), connections: IDLE_TUNNELS };
    await lab.open("tunnels", order).catch((error: unknown) => {
      const { peer, child } = subject.running ?? {};
      throw named(error, peer?.title ?? subject.id, child?.obituary());
    });
  }
  await Bun.sleep(SETTLE_MS);
  return subjects.map(({ running }) => memoryOf(running?.pids() ?? []).anonymous);
}

export async function startUp(bench: Bench): Promise<void> {
  await eachRound(bench, async () => {
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
  });
}

/** The first connections of a process. */
export async function firstConnections(bench: Bench): Promise<void> {
  await eachRound(bench, async () => {
    for (const peer of manyLined(bench)) {
      const { cpuUs } = await leastDisturbed(bench, async () => {
        const [subject] = await startAll(bench, [peer]);
        if (subject === undefined) throw new Error(`${peer.title} did not start`);
        await Bun.sleep(AFTER_READY_MS);
        const measured = await bench.lab.measure(subject.running, shortCommand(subject, { seconds: 10, most: COLD }));
        await stopAll([subject]);
        return measured;
      });
      bench.record("cold", peer.id, cpuUs);
    }
  });
}

async function eachRound({ effort, say }: Bench, run: () => Promise<void>): Promise<void> {
  for (let round = 0; round < effort.startRounds; round++) {
    say(`  round ${round + 1} of ${effort.startRounds}`);
    await run();
  }
}
