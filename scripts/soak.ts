/** `npm run soak`: the long form of the linux engine's soak. `--short` takes a minute, `--debug` checks every invariant, `--ring off` does without io_uring. */
import { runSoak, type SoakReport } from "./soak/soak.ts";

const MB = 1_048_576;
const short = process.argv.includes("--short");
const debug = process.argv.includes("--debug");
/** Resident memory may grow by this after warm-up, in KB. */
const GROWTH_KB = 5_120;

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
