/**
 * `npm run fuzz [-- --streams N] [--packets N] [--seed N] [--minutes N]`: damaged packets to the DNS door, then mutated HTTP streams through the session,
 * until one breaks an invariant. What does is printed, and a stream is kept among the seeds, where the tests play it from then on.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { damagedPacket, mistakeAt } from "./fuzz/dns-door.ts";
import { mutate, play, randomOf, seedStreams, type Stream } from "./fuzz/engine.ts";

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "1000000" },
    packets: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "30" },
  },
});
const most = Number(values.streams);
const seed = Number(values.seed);
const until = Date.now() + Number(values.minutes) * 60_000;
const REPORT_EVERY = 100_000;

const random = randomOf(seed);
fuzzDns(Number(values.packets));
const seeds = seedStreams();
console.log(`fuzz: ${most} streams from ${seeds.length} seeds, --seed ${seed}`);
let played = 0;
for (; played < most && Date.now() < until; played++) {
  const stream = mutate(seeds, random);
  const wrong = mistakeOf(stream);
  if (wrong !== null) {
    const smaller = shrink(stream);
    const kept = new URL(`fuzz/seeds/found-${seed}-${played}.json`, import.meta.url);
    writeFileSync(kept, `${JSON.stringify(smaller, null, 1)}\n`);
    console.log(
      `fuzz: stream ${played}: ${mistakeOf(smaller)}\n${JSON.stringify(smaller)}\nfuzz: kept as ${kept.pathname}`,
    );
    process.exit(1);
  }
  if ((played + 1) % REPORT_EVERY === 0) console.log(`fuzz: ${played + 1} streams, nothing found`);
}
console.log(`fuzz: ${played} streams, nothing found`);

function fuzzDns(packets: number): void {
  for (let sent = 0; sent < packets; sent++) {
    const bytes = damagedPacket(random);
    const mistake = mistakeAt(bytes);
    if (mistake === null) continue;
    console.log(`fuzz: DNS packet ${sent} of --seed ${seed}: ${mistake}\n${Buffer.from(bytes).toString("hex")}`);
    process.exit(1);
  }
  console.log(`fuzz: ${packets} DNS packets, nothing found`);
}

function mistakeOf(stream: Stream): string | null {
  try {
    play(stream);
    return null;
  } catch (error) {
    return String(error);
  }
}

/** Leave out what the mistake does not need. */
function shrink(stream: Stream): Stream {
  let best = stream;
  for (let size = Math.ceil(best.send.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.send.length; at += size) {
      const without = { ...best, send: best.send.slice(0, at) + best.send.slice(at + size) };
      if (mistakeOf(without) !== null) best = without;
    }
  }
  return best;
}
