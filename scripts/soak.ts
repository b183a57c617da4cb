/**
 * `npm run soak`: the long form of the linux engine's soak. `--short` takes a minute, `--debug` checks every invariant,
 * `--ring off` does without io_uring. `--upgrades N` is another one: what was built is upgraded N times under load.
 */
import { runUpgradeSoak } from "./soak/upgrade/soak.ts";
import { runSoak, type SoakReport } from "./soak/soak.ts";

const MB = 1_048_576;
const short = process.argv.includes("--short");
const debug = process.argv.includes("--debug");
/** Resident memory may grow by this after warm-up, in KB. */
const GROWTH_KB = 5_120;

const upgradesAt = process.argv.indexOf("--upgrades");
if (upgradesAt >= 0) await soakUpgrades(Number(process.argv[upgradesAt + 1]) || 20);

/** Ends with 1 when anything was not as it should be. */
async function soakUpgrades(upgrades: number): Promise<never> {
  const crowd = short
    ? { beat: 30, slow: 100, idle: 30, stalled: 6, "half-closed": 10, visitors: 8 }
    : { beat: 100, slow: 1_900, idle: 200, stalled: 50, "half-closed": 50, visitors: 20 };
  const found = await runUpgradeSoak({
    upgrades,
    crowd,
    nodeIp: "127.61.7.20",
    pauseMs: 1_000,
    settleMs: 5_000,
    say: (line) => console.error(line),
  });
  console.log(JSON.stringify(found, null, 2));
  process.exit(found.faults.length === 0 && found.processesLeft === 1 ? 0 : 1);
}

const report = await runSoak({
  shorts: short ? 100_000 : 2_000_000,
  tunnels: short ? 5_000 : 100_000,
  passes: short ? 2_000 : 20_000,
  bulkBytes: 256 * MB,
  bulks: short ? 16 : 560,
  secondsPerPart: short ? 60 : 3_600,
  debug,
  ring: !process.argv.join(" ").includes("--ring off"),
  seed: Date.now() % 100_000_000,
  say: (line) => console.error(line),
});
console.log(JSON.stringify(report, null, 2));
process.exit(faultsOf(report).length === 0 ? 0 : 1);

/** What must not be, in words. */
function faultsOf(found: SoakReport): string[] {
  const growth = found.rssKb.end - found.rssKb.warm;
  const faults = [
    found.wrong > 0 && `${found.wrong} streams with wrong bytes`,
    found.incomplete > 0 && `${found.incomplete} streams incomplete`,
    found.faults > 0 && `${found.faults} faults`,
    found.leakedSockets > 0 && `${found.leakedSockets} sockets leaked`,
    found.leftOpen > 0 && `${found.leftOpen} tunnels left open`,
    growth > GROWTH_KB && `memory grew by ${growth} KB`,
  ].filter((fault) => fault !== false);
  for (const fault of faults) console.error(`soak: ${fault}`);
  return faults;
}
