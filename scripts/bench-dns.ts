/**
 * What `--dns` costs: the CPU of an answer, and what 20,000 questions a second do to the 64-byte ping-pongs of tunnels. Prints a Markdown table; rounds with and
 * without questions take turns. Usage, after `npm run build`: bun scripts/bench-dns.ts [rounds, default 5]
 */
import { spentNs, startChild, stopAll, threadTimes, type Child } from "./bench/child.ts";
import type { AskerCommand, AskerReply, AskerSpec } from "./bench/dns-asker.ts";
import type { LoadCommand, LoadReply } from "./bench/load.ts";
import type { Outcome } from "./bench/load-common.ts";
import { apiName, domainOf } from "./bench/traffic.ts";
import { startEdgeLb, type EdgeLb } from "./lab/edge-lb.ts";
import { freePorts } from "./lab/ports.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SECONDS = 2;
/** Fewer than a socket of the usual size holds. */
const UNDER_WAY = 128;
const A_SECOND = 20_000;
const TUNNELS = 4;
const NODE = "127.51.0.20";
const EDGE = "127.51.0.1";

const [api = 0, node = 0, dns = 0] = await freePorts(3);

function startPart(file: string, spec: unknown): Child {
  const path = new URL(`bench/${file}`, import.meta.url).pathname;
  return startChild([process.execPath, path, JSON.stringify(spec)], { cpu: null });
}

async function command<Reply>(child: Child, what: LoadCommand | AskerCommand): Promise<Reply> {
  child.write(`${JSON.stringify(what)}\n`);
  return JSON.parse(await child.line());
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** CPU time of the whole process and how many answers came for it. */
async function answerCost(edge: EdgeLb, asker: Child): Promise<{ readonly us: number; readonly rate: number }> {
  const before = threadTimes([edge.pid]);
  const { asked, seconds } = await command<AskerReply>(asker, { run: "all", underWay: UNDER_WAY, seconds: SECONDS });
  return { us: spentNs(before, threadTimes([edge.pid])) / 1_000 / asked, rate: asked / seconds };
}

async function pings(load: Child): Promise<Outcome> {
  const span = { seconds: SECONDS, most: Number.MAX_SAFE_INTEGER };
  const reply = await command<LoadReply>(load, { run: "pings", span });
  if (reply.kind !== "outcome") throw new Error(`no pings: ${JSON.stringify(reply)}`);
  return reply.outcome;
}

async function measure(edge: EdgeLb, load: Child, asker: Child): Promise<void> {
  const targets = [{ name: apiName(0), nodes: [NODE] }];
  const order = { to: { ip: EDGE, port: api }, targets, connections: TUNNELS };
  await command(load, { run: "open-tunnels", order });
  const costs: { us: number; rate: number }[] = [];
  const rounds: { alone: Outcome; asked: Outcome; aSecond: number }[] = [];
  for (const warmUp of [() => pings(load), () => answerCost(edge, asker)]) await warmUp();
  for (let round = 0; round < ROUNDS; round++) {
    costs.push(await answerCost(edge, asker));
    const alone = await pings(load);
    const paced: AskerCommand = { run: "paced", aSecond: A_SECOND, seconds: SECONDS };
    const [asked, { answered, seconds }] = await Promise.all([pings(load), command<AskerReply>(asker, paced)]);
    rounds.push({ alone, asked, aSecond: answered / seconds });
  }
  const us = medianOf(costs.map((each) => each.us));
  const of = (pick: (round: (typeof rounds)[number]) => number): string => medianOf(rounds.map(pick)).toFixed(0);
  console.log(`| what | median of ${ROUNDS} rounds |\n|---|---|`);
  console.log(`| CPU of an answer, us | ${us.toFixed(1)} |`);
  console.log(`| answers a second on one CPU | ${(1e6 / us).toFixed(0)} |`);
  console.log(`| answers a second here, beside who asks | ${medianOf(costs.map(({ rate }) => rate)).toFixed(0)} |`);
  console.log(`| ping-pong alone, us, p50 / p99 | ${of(({ alone }) => alone.p50)} / ${of(({ alone }) => alone.p99)} |`);
  const rate = of(({ aSecond }) => aSecond);
  console.log(
    `| ping-pong beside ${rate} answers a second | ${of(({ asked }) => asked.p50)} / ${of(({ asked }) => asked.p99)} |`,
  );
  console.log(`| p99 that questions add, us | ${of(({ alone, asked }) => asked.p99 - alone.p99)} |`);
}

const backend = startPart("backend.ts", { api: [{ ip: NODE, port: node }], http: [] });
await backend.line();
const load = startPart("load.ts", {});
const asker = startPart("dns-asker.ts", { ip: EDGE, port: dns, domain: domainOf(0) } satisfies AskerSpec);
const cluster = `bench=api=${NODE},domain=${domainOf(0)},api-port=${node},check=off`;
const listen = [`api=${EDGE}:${api}`, "https=off", "http=off"].flatMap((text) => ["--listen", text]);
const rest = ["--dns", `${EDGE}:${dns}`, "--access-log", "off", "--workers", "1"];
const edge = await startEdgeLb(["--cluster", cluster, ...listen, ...rest], { program: "binary" });
try {
  await measure(edge, load, asker);
} finally {
  await edge.stop();
  await stopAll();
}
