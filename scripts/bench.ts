/**
 * The benchmark: edge-lb's engines and the balancers that are installed, all in one run, in turn.
 *
 *   npm run bench [-- --quick] [--only LINE[,LINE]] [--engine linux[,bun,node]] [--write] [--strict] [--anywhere]
 *
 * Prints a Markdown table and writes dist/bench.json; `--write` also puts the table into .github/BENCHMARK.md, five lines of it into README.md. Exits 1 when
 * a peer misbehaves: a wrong byte, a refused connection, a count that does not add up; with `--strict` also when a goal is missed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { stopAll } from "./bench/child.ts";
import { type Cpus, openLab } from "./bench/lab.ts";
import { FULL, QUICK } from "./bench/course.ts";
import { type LineId, LINES } from "./bench/lines.ts";
import { inOwnNetwork } from "./bench/own-network.ts";
import { missingOf, type Peer, peersIn, versionOf } from "./bench/peers.ts";
import { createFigures, type Figures, summarize } from "./bench/record.ts";
import { brief, type Column, goals, json, judge, machine, METHOD, table, type Verdict } from "./bench/report.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const JSON_FILE = join(ROOT, "dist/bench.json");
const PAGES = { all: ".github/BENCHMARK.md", brief: "README.md" } as const;
const MARKERS = ["<!-- bench -->", "<!-- /bench -->"] as const;
const ENGINES: readonly string[] = ["linux", "bun", "node"];

interface Wish {
  readonly quick: boolean;
  readonly write: boolean;
  readonly strict: boolean;
  readonly anywhere: boolean;
  readonly lines: readonly LineId[];
  readonly engines: readonly string[];
}

class Usage extends Error {}

function readWish(argv: readonly string[]): Wish {
  const rest = [...argv];
  const flag = (name: string): boolean => {
    const at = rest.indexOf(name);
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  };
  const list = (name: string, all: readonly string[]): readonly string[] => {
    const at = rest.indexOf(name);
    if (at < 0) return all;
    const [, text = ""] = rest.splice(at, 2);
    const wrong = text.split(",").find((item) => !all.includes(item));
    if (wrong !== undefined) throw new Usage(`Cannot use ${name} "${wrong}": ${all.join(", ")} wanted`);
    return text.split(",");
  };
  const wish: Wish = {
    quick: flag("--quick"),
    write: flag("--write"),
    strict: flag("--strict"),
    anywhere: flag("--anywhere"),
    engines: list("--engine", ENGINES),
    lines: Object.keys(LINES).filter(isLine(list("--only", Object.keys(LINES)))),
  };
  if (rest.length > 0) throw new Usage(`Cannot use "${rest[0]}": see scripts/bench.ts for the options`);
  return wish;
}

function isLine(wanted: readonly string[]): (line: string) => line is LineId {
  return (line): line is LineId => wanted.includes(line);
}

/** The balancer alone on the last CPU, load and nodes on the first; with one CPU nobody is pinned. */
function placeOn({ anywhere }: Wish): Cpus {
  const count = cpus().length;
  return anywhere || count < 2 || Bun.which("taskset") === null
    ? { balancer: null, load: null }
    : { balancer: count - 1, load: 0 };
}

function say(text: string): void {
  console.error(text);
}

function findPeers({ engines }: Wish, folder: string): Peer[] {
  const wanted = peersIn(folder).filter(({ engine }) => engine === null || engines.includes(engine));
  return wanted.filter((peer) => {
    const missing = missingOf(peer);
    if (missing !== null) say(`${peer.title} is skipped: ${missing} is not installed`);
    return missing === null;
  });
}

async function run(wish: Wish, folder: string): Promise<{ figures: Figures; columns: Column[]; failed: number }> {
  const peers = findPeers(wish, folder);
  const cpu = placeOn(wish);
  const figures = createFigures();
  let failed = 0;
  const effort = wish.quick ? QUICK : FULL;
  const place = { folder, cpu: cpu.balancer };
  const shared = { peers, place, effort, record: figures.record, say, retriesLeft: effort.retries };
  for (const line of wish.lines) {
    say(line);
    try {
      await LINES[line](Object.assign(shared, { lab: await openLab(peers.length + 1, cpu) }));
    } catch (error) {
      failed++;
      say(`bench: ${line}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await stopAll();
  }
  const columns = peers.map((peer) => ({ id: peer.id, title: `${peer.title} ${versionOf(peer)}` }));
  return { figures, columns: [...columns, { id: "direct", title: "no balancer" }], failed };
}

function textOf(figures: Figures, columns: readonly Column[], verdicts: readonly Verdict[], wish: Wish): string {
  const effort = wish.quick ? "a quick run" : "a full run";
  const others = summarize(figures.of("others", "direct"));
  const noise =
    others === null ? "" : ` Other processes took ${others.median.toFixed(0)} % of the machine meanwhile (median).`;
  const head = `${machine()}; ${effort}, medians with the least and the most of all rounds in brackets.${noise}`;
  const parts = [head, table(figures, columns)];
  return [...parts, ...(verdicts.length > 0 ? [goals(verdicts)] : [])].join("\n\n");
}

function writePage(path: string, text: string): void {
  const page = readFileSync(join(ROOT, path), "utf8");
  const [begin, end] = [page.indexOf(MARKERS[0]), page.indexOf(MARKERS[1])];
  if (begin < 0 || end < begin) throw new Usage(`Cannot write ${path}: markers ${MARKERS.join(" … ")} wanted`);
  writeFileSync(join(ROOT, path), `${page.slice(0, begin + MARKERS[0].length)}\n${text}\n${page.slice(end)}`);
}

function writePages(figures: Figures, text: string): void {
  writePage(PAGES.all, `${METHOD}\n\n${text}`);
  const few = brief(figures);
  if (few === null) say(`${PAGES.brief} stays as it is: not all of its lines were measured`);
  else writePage(PAGES.brief, few);
}

async function main(argv: readonly string[]): Promise<number> {
  if (process.platform !== "linux") throw new Usage("Cannot measure here: /proc and epoll wanted");
  const wish = readWish(argv);
  const elsewhere = inOwnNetwork([process.execPath, ...process.argv.slice(1)], say);
  if (elsewhere !== null) return elsewhere;
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-bench-"));
  const stop = (signal: string): void => {
    say(`bench: ended by ${signal}`);
    void stopAll().then(() => process.exit(130));
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    const { figures, columns, failed } = await run(wish, folder);
    const verdicts = judge(figures, "linux");
    const text = textOf(figures, columns, verdicts, wish);
    console.log(text);
    mkdirSync(join(ROOT, "dist"), { recursive: true });
    writeFileSync(JSON_FILE, `${JSON.stringify(json(figures, columns, verdicts), null, 2)}\n`);
    if (failed > 0) return 1;
    if (wish.write) writePages(figures, text);
    return wish.strict && verdicts.some(({ holds }) => !holds) ? 1 : 0;
  } finally {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

let code: number;
try {
  code = await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  code = error instanceof Usage ? 2 : 1;
}
process.exit(code); // pipes of processes that were ended by force would keep it
