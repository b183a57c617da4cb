/**
 * edge-lb with its defaults beside HAProxy with the article's configuration, in front of the same nodes, while one of three
 * changes its manners: seconds until it is out and in again, clients that failed or met the wrong cluster, the slowest answer.
 * Prints a Markdown table. Needs root (a network namespace), haproxy, and `npm run build` for EDGE_LB_PROGRAM=binary.
 *
 *     bun scripts/compare-health.ts [part of a scenario's name]
 */
import { type Crowd, type Door, startCrowd, type Visit } from "./lab/crowd.ts";
import { edgeLbArgv } from "./lab/edge-lb.ts";
import { type HealthLab, startHealthLab } from "./lab/health-lab.ts";
import { LISTENERS, type Listener } from "./lab/lab.ts";
import { type FarNetwork, openFarNetwork, whyNoNetwork } from "./lab/netns.ts";
import { freePorts } from "./lab/ports.ts";
import { spawnToyNode } from "./lab/toy/process.ts";
import type { BehaviourName, ToyNode } from "./lab/toy/node.ts";
import { type Haproxy, startHaproxy } from "./health/haproxy.ts";

/** A client per listener, this often; each turn comes from another address and asks for another host. */
const CLIENTS_EVERY_MS = 100;
const CLIENTS = 24;
/** What is not out by then never will be. */
const OUT_MOST_MS = 20_000;
const IN_MOST_MS = 45_000;
/** The node whose manners change. */
const VICTIM = 1;
const LOOK_MS = 20;

interface Bench {
  readonly net: FarNetwork;
  readonly lab: HealthLab;
  readonly haproxy: Haproxy;
  readonly haproxyDoors: readonly Door[];
  readonly ip: string;
}

interface Scenario {
  readonly name: string;
  /** Pools that should lose the node. */
  readonly pools: readonly Listener[];
  begin(bench: Bench): Promise<void>;
  end(bench: Bench): Promise<void>;
}

const behaving = (name: string, behaviour: BehaviourName, pools: readonly Listener[]): Scenario => ({
  name,
  pools,
  begin: ({ lab }) => lab.node(VICTIM).behave(behaviour),
  end: ({ lab }) => lab.node(VICTIM).behave("healthy"),
});

let stranger: ToyNode | null = null;
const scenarios: readonly Scenario[] = [
  behaving("healthy", "healthy", []),
  behaving("/readyz 401", "readyz 401", []),
  behaving("/readyz 500", "readyz 500", ["api"]),
  behaving(":1936 not ready", "router not ready", ["https", "http"]),
  behaving("refused", "refused", LISTENERS),
  behaving("RST after accept", "reset", LISTENERS),
  behaving("alert only", "alert only", LISTENERS),
  behaving("accept and hang", "hang", LISTENERS),
  {
    name: "black hole",
    pools: LISTENERS,
    begin: async ({ net, ip }) => net.vanish(ip),
    end: async ({ net, ip }) => net.comeBack(ip),
  },
  {
    name: "gone (SIGKILL), back",
    pools: LISTENERS,
    begin: ({ lab }) => lab.node(VICTIM).kill(),
    end: async ({ lab, ip }) => void (await lab.hub.restart(ip)),
  },
  {
    name: "address of another cluster",
    pools: LISTENERS,
    async begin({ lab, ip }) {
      await lab.node(VICTIM).kill();
      const { certificates, ports } = lab.other;
      stranger = await spawnToyNode({ cluster: "other", node: "other-21", ip, ports, certificates });
    },
    async end({ lab, ip }) {
      await stranger?.kill();
      await lab.hub.restart(ip);
    },
  },
];

const why = whyNoNetwork();
if (why !== null) throw new Error(`Cannot compare health: ${why}`);
const wanted = process.argv[2] ?? "";
const print = (text: string): boolean => process.stdout.write(`${text}\n`);

async function open(): Promise<Bench> {
  const addresses = [20, 21, 22, ...Array.from({ length: CLIENTS }, (_, at) => 100 + at)];
  const net = openFarNetwork(addresses);
  const lab = await startHealthLab({
    block: net.block,
    at: net.edge,
    argv: [...net.prefix, ...edgeLbArgv()],
    processes: true,
  });
  const listens = await freePorts(3);
  const haproxyDoors = lab.doors.map((door, index) => ({ ...door, port: listens[index] ?? 0 }));
  const { api = 0, https = 0, http = 0 } = lab.hub.ports;
  const nodes = lab.hub.nodes.map(({ ip }) => ip);
  const haproxy = await startHaproxy({ prefix: net.prefix, doors: haproxyDoors, nodes, ports: { api, https, http } });
  return { net, lab, haproxy, haproxyDoors, ip: nodes[VICTIM] ?? "" };
}

async function run(scenario: Scenario): Promise<void> {
  await Promise.all([bench.lab.settled(), ...LISTENERS.map((pool) => inAt(pool))]);
  const dress = (door: Door, turn: number): Door => ({
    ...door,
    host: door.listener === "api" ? door.host : `a${turn % CLIENTS}.apps.hub.lab`,
    from: `${bench.net.block}.${100 + (turn % CLIENTS)}`,
  });
  const ours = startCrowd(bench.lab.doors, CLIENTS_EVERY_MS, dress);
  const theirs = startCrowd(bench.haproxyDoors, CLIENTS_EVERY_MS, dress);
  await Bun.sleep(1_000);

  const badMs = Date.now();
  await scenario.begin(bench);
  const outs = scenario.pools.map((pool) => Promise.all([ourOut(pool, badMs), outAt(pool)]));
  if (scenario.pools.length === 0) await Bun.sleep(OUT_MOST_MS / 2);
  const out = (await Promise.all(outs)).map((pair) => pair.map((at) => (at === null ? null : at - badMs)));
  // clients that came just before must have met their fate
  await Bun.sleep(1_000);
  const wellMs = Date.now();
  await scenario.end(bench);
  const ins = scenario.pools.map((pool) => Promise.all([ourIn(pool, wellMs), inAt(pool)]));
  const back = (await Promise.all(ins)).map((pair) => pair.map((at) => (at === null ? null : at - wellMs)));

  const side = async (index: 0 | 1, crowd: Crowd): Promise<string> => {
    const during = (await crowd.stop()).filter(({ atMs }) => atMs >= badMs && atMs < wellMs);
    const columns = [
      outText(scenario.pools, out, index),
      inText(out, back, index),
      failedText(during),
      slowest(during),
    ];
    return columns.join(" | ");
  };
  print(`| ${scenario.name} | ${await side(0, ours)} | ${await side(1, theirs)} |`);
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

type Times = readonly (readonly (number | null)[])[];

function outText(pools: readonly Listener[], times: Times, side: number): string {
  if (times.length === 0) return "stays";
  const never = pools.filter((_, at) => (times[at]?.[side] ?? null) === null);
  const known = times.flatMap((pair) => pair[side] ?? []);
  const most = known.length === 0 ? "" : seconds(Math.max(...known));
  if (never.length === 0) return most;
  return known.length === 0 ? "never" : `${most}, ${never.join(" and ")} never`;
}

function inText(out: Times, back: Times, side: number): string {
  const known = back.flatMap((pair, at) => ((out[at]?.[side] ?? null) === null ? [] : (pair[side] ?? [])));
  return known.length === 0 ? "-" : seconds(Math.max(...known));
}

function failedText(visits: readonly Visit[]): string {
  const failed = visits.filter(({ error }) => error !== null).length;
  const wrong = visits.filter(({ cluster }) => cluster !== null && cluster !== "hub").length;
  return `${failed} of ${visits.length}${wrong === 0 ? "" : `, ${wrong} met the other cluster`}`;
}

function slowest(visits: readonly Visit[]): string {
  return seconds(Math.max(0, ...visits.map(({ ms }) => ms)));
}

async function ourOut(pool: Listener, sinceMs: number): Promise<number | null> {
  return moment(() => ourTurn(pool, /^(not-ready|dead|foreign)$/, sinceMs), OUT_MOST_MS);
}

async function ourIn(pool: Listener, sinceMs: number): Promise<number | null> {
  return moment(() => ourTurn(pool, /^up$/, sinceMs), IN_MOST_MS);
}

function ourTurn(pool: Listener, state: RegExp, sinceMs: number): number | null {
  const turned = bench.lab
    .events(sinceMs)
    .find(
      (each) => each.pool === pool && (each.nodes ?? "").split(",").includes(bench.ip) && state.test(each.state ?? ""),
    );
  return turned?.atMs ?? null;
}

async function outAt(pool: Listener): Promise<number | null> {
  return moment(
    async () => ((await bench.haproxy.status(pool, bench.ip)).startsWith("DOWN") ? Date.now() : null),
    OUT_MOST_MS,
  );
}

async function inAt(pool: Listener): Promise<number | null> {
  return moment(
    async () => ((await bench.haproxy.status(pool, bench.ip)).startsWith("UP") ? Date.now() : null),
    IN_MOST_MS,
  );
}

/** The first answer that is a time; null when none comes. */
async function moment(look: () => number | null | Promise<number | null>, mostMs: number): Promise<number | null> {
  const giveUp = performance.now() + mostMs;
  while (performance.now() < giveUp) {
    const found = await look();
    if (found !== null) return found;
    await Bun.sleep(LOOK_MS);
  }
  return null;
}

const bench = await open();
try {
  print("| scenario | edge-lb: out s | in s | failed | slowest s | HAProxy: out s | in s | failed | slowest s |");
  print("|---|---|---|---|---|---|---|---|---|");
  for (const scenario of scenarios) if (scenario.name.includes(wanted)) await run(scenario);
} finally {
  await bench.haproxy.stop();
  await bench.lab.stop();
  bench.net.close();
}
