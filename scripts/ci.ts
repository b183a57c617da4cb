/**
 * The one gate, behind `npm test`: format, walls, lint, types, docs, unit and behaviour tests, build, end-to-end tests, demo.
 * One line per step; of a failed one also its output. The last line is `N passed, N failed`: tests, and every other step as one.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { PATH } from "./lab/programs.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const BIN = `${ROOT}node_modules/.bin`;
const BUN = process.execPath;
/** All that a step printed, for whoever wants more than the failures. */
const LOGS = ".cache/ci";
/** So much of a failed step's output is shown, in lines; more is in its log. */
const SHOWN_LINES = 150;

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `bun test`: its own counts are taken. */
  readonly tests?: true;
}

/** End-to-end files at a time: they wait more than they compute, and have addresses, folders and networks of their own. */
const LANES = Number(process.env["EDGE_LB_TEST_LANES"] ?? "1");

/** Bun notes how long each file takes, so that the next run begins with the slowest. */
const sideBySide = LANES > 1 ? [`--parallel=${LANES}`, `--timings=${LOGS}/timings.json`, "--update-timings"] : [];

// the end-to-end tests share two cores with whatever else runs there: their limit is for what hangs, not for what is slow
const unit = ["test", "--only-failures", "--timeout=20000", "--path-ignore-patterns=test/e2e/**"];
const endToEnd = ["test", "--only-failures", "--timeout=60000", ...sideBySide, "test/e2e/"];

const STEPS: readonly Step[] = [
  { name: "format", command: [`${BIN}/oxfmt`, "--check"] },
  { name: "walls", command: [BUN, "scripts/walls.ts", "--check"] },
  { name: "lint", command: [`${BIN}/oxlint`] },
  { name: "types", command: [`${BIN}/tsc`, "-p", "tsconfig.json"] },
  { name: "types of core", command: [`${BIN}/tsc`, "-p", "src/core/tsconfig.json"] },
  { name: "types of the page's script", command: [`${BIN}/tsc`, "-p", "src/admin/tsconfig.json"] },
  ...(existsSync(`${ROOT}scripts/docs.ts`) ? [{ name: "docs", command: [BUN, "scripts/docs.ts", "--check"] }] : []),
  { name: "unit and behaviour tests", command: [BUN, "--no-orphans", ...unit], tests: true },
  { name: "build", command: [BUN, "scripts/build.ts"] },
  {
    name: "end-to-end tests",
    command: [BUN, "--no-orphans", ...endToEnd],
    env: { EDGE_LB_PROGRAM: "binary" },
    tests: true,
  },
  { name: "demo", command: [BUN, "--no-orphans", "scripts/demo.ts", "--once"] },
];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function execute(command: readonly string[], env: Step["env"] = {}): Promise<Ended> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, PATH, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, output: `${out}${err}` };
}

async function run({ name, command, env, tests }: Step): Promise<Outcome> {
  const { code, output } = await execute(command, env);
  writeFileSync(`${ROOT}${LOGS}/${name.replaceAll(/[^a-z]+/g, "-")}.log`, output);
  if (tests !== true) return code === 0 ? { passed: 1, failed: 0, output } : { passed: 0, failed: 1, output };
  const first = judge({ code, output });
  return first.failed === 0 ? first : again(first, command, env);
}

function judge({ code, output }: Ended): Outcome {
  const counted = countsOf(output);
  // a crash, or an error between two tests, is a failure that no test counts
  return { ...counted, failed: code === 0 ? counted.failed : Math.max(1, counted.failed), output };
}

/**
 * Tests of real programs and clocks share a machine with others: files with a failure run once more, by themselves. What fails
 * there is a failure; what does not is told, since a test that does so often wants mending.
 */
async function again(first: Outcome, command: readonly string[], env: Step["env"]): Promise<Outcome> {
  const flags = command.filter((word) => /^--(only|timeout)/.test(word));
  let outcome = first;
  for (let turn = 0; turn < AGAIN_MOST && outcome.failed > 0; turn++) {
    const files = failedFiles(outcome.output);
    if (files.length === 0 || files.length > FILES_AGAIN_MOST) return outcome;
    console.log(`again, by themselves: ${files.join(" ")}`);
    const { failed, output } = judge(await execute([BUN, "--no-orphans", "test", ...flags, ...files], env));
    outcome = { passed: outcome.passed + Math.max(0, outcome.failed - failed), failed, output };
  }
  return outcome;
}

/** A second failure is no accident. */
const AGAIN_MOST = 1;

/** More than these are no accident. */
const FILES_AGAIN_MOST = 8;

function failedFiles(output: string): readonly string[] {
  const files = new Set<string>();
  let file = "";
  for (const line of output.split("\n")) {
    file = /^(test\/\S+\.test\.ts):$/.exec(line)?.[1] ?? file;
    if (line.startsWith("(fail)") && file !== "") files.add(file);
  }
  return [...files];
}

/** The counts of `bun test`'s summary. */
function countsOf(output: string): { passed: number; failed: number } {
  const count = (word: string): number => Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  return { passed: count("pass"), failed: count("fail") };
}

mkdirSync(ROOT + LOGS, { recursive: true });
let passed = 0;
let failed = 0;
for (const step of STEPS) {
  const before = performance.now();
  const outcome = await run(step);
  passed += outcome.passed;
  failed += outcome.failed;
  const counts = step.tests === true ? ` ${outcome.passed} passed, ${outcome.failed} failed` : "";
  const seconds = ((performance.now() - before) / 1_000).toFixed(1);
  console.log(`${outcome.failed === 0 ? "ok  " : "FAIL"} ${step.name}:${counts} ${seconds} s`);
  if (outcome.failed > 0) console.log(outcome.output.trim().split("\n").slice(-SHOWN_LINES).join("\n"));
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
