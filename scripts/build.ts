/**
 * Builds dist/: the executable for this host and the bundle for Node and Deno; `--all` adds every other platform.
 * Nothing is fetched but Bun's own executables, from the npm registry, and those once per version.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { hostPlatform, type Platform, PLATFORMS } from "./platforms.ts";

const ROOT = new URL("..", import.meta.url).pathname;
/** The worker is an entry point of its own: inside the executable it is found as ./data/worker.js beside the main module. */
const ENTRIES = ["src/main.ts", "src/data/worker.ts"];

/** Runs a command silently; throws its stderr's last line when it fails. */
function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { cwd: ROOT, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString().trim().split("\n").at(-1) ?? command.join(" "));
}

/** Bun's executable for a platform, from .cache/ or else from the npm registry. */
function bunFor(platform: Platform): string {
  const folder = `.cache/bun-${Bun.version}`;
  const path = `${folder}/${platform.executable}`;
  if (existsSync(ROOT + path)) return path;
  const unpacked = `${folder}/${platform.executable}.${process.pid}`;
  mkdirSync(ROOT + unpacked, { recursive: true });
  try {
    run(["npm", "pack", `@oven/${platform.executable}@${Bun.version}`, "--pack-destination", unpacked]);
    run(["sh", "-c", `tar -xzf "${unpacked}"/*.tgz -C "${unpacked}"`]);
    renameSync(`${ROOT}${unpacked}/package/bin/bun`, ROOT + path); // in one step: a broken download never counts as cached
  } finally {
    rmSync(ROOT + unpacked, { recursive: true, force: true });
  }
  return path;
}

/** The commit that is built, with a `+` when files are changed; empty where there is no git. */
function commit(): string {
  if (Bun.which("git") === null) return "";
  const git = (...args: readonly string[]): string => {
    const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: ROOT, stdout: "pipe", stderr: "ignore" });
    return exitCode === 0 ? stdout.toString().trim() : "";
  };
  return `${git("rev-parse", "HEAD")}${git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+"}`;
}

/** What every build shares. */
const SHARED = {
  root: `${ROOT}src`,
  define: { EDGE_LB_COMMIT: JSON.stringify(commit()) },
  minify: { whitespace: true, syntax: true, identifiers: false }, // names stay: a stack trace in the log must tell us something
} as const;

/**
 * Parsed ahead of time the program starts in a third of the time. Only for this host: bytecode is not portable between
 * platforms (oven-sh/bun#18416, #24144: executables that crash at their start).
 */
const PARSED = { bytecode: true, format: "esm" } as const;

/**
 * Variables that make any executable of Bun an interpreter, or have it load code: with them, a binary that was given a
 * capability by setcap would give it to everybody. Bun has no switch for it.
 */
const VARIABLES = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT"];

/** Their names in the executable get a letter that no variable can have. (On macOS that would break its signature.) */
function forgetVariables(path: string): void {
  const bytes = readFileSync(path);
  for (const name of VARIABLES) {
    let at = bytes.indexOf(name);
    if (at < 0) throw new Error(`Cannot switch off ${name}: this Bun does not know it by that name`);
    for (; at >= 0; at = bytes.indexOf(name, at + 1)) bytes[at] = "=".charCodeAt(0);
  }
  writeFileSync(path, bytes);
}

async function compile(platform: Platform, outfile: string, executablePath: string | undefined): Promise<void> {
  await Bun.build({
    ...SHARED,
    ...(platform === hostPlatform() ? PARSED : {}),
    entrypoints: ENTRIES.map((entry) => ROOT + entry),
    target: "bun",
    compile: {
      target: platform.target,
      outfile: `${ROOT}dist/.new/${basename(outfile)}`,
      ...(executablePath === undefined ? {} : { executablePath: ROOT + executablePath }),
      // A compiled binary would otherwise run code and take variables from the directory it is started in, as root.
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (platform.name.startsWith("linux")) forgetVariables(`${ROOT}dist/.new/${basename(outfile)}`);
  renameSync(`${ROOT}dist/.new/${basename(outfile)}`, ROOT + outfile); // a running binary keeps its file: no "text file busy"
}

/** dist/edge-lb for this host; without the registry the running Bun takes the place of the baseline one. */
async function compileHost(): Promise<void> {
  const platform = hostPlatform();
  let executable: string | undefined;
  try {
    executable = bunFor(platform);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(
      `build: npm has no ${platform.executable} for us (${reason}); using the Bun that runs this build instead`,
    );
  }
  await compile(platform, "dist/edge-lb", executable);
}

/** Bun's own modules do not exist elsewhere, and an import of them would end the program even where nothing uses it. */
const WITHOUT_BUN: Bun.BunPlugin = {
  name: "without-bun",
  setup(build) {
    build.onResolve({ filter: /^bun(:.*)?$/ }, ({ path }) => ({ path, namespace: "without-bun" }));
    build.onLoad({ filter: /.*/, namespace: "without-bun" }, () => ({
      contents: "module.exports = {};",
      loader: "js",
    }));
  },
};

/** dist/edge-lb.mjs and dist/data/worker.js: the same program for `node` and `deno`. */
async function bundle(): Promise<readonly string[]> {
  const { outputs } = await Bun.build({
    ...SHARED,
    entrypoints: ENTRIES.map((entry) => ROOT + entry),
    target: "node",
    plugins: [WITHOUT_BUN],
  });
  const paths: string[] = [];
  for (const output of outputs) {
    const isMain = output.path.endsWith("main.js");
    const path = isMain ? "dist/edge-lb.mjs" : `dist/${output.path}`;
    await Bun.write(ROOT + path, output);
    chmodSync(ROOT + path, isMain ? 0o755 : 0o644);
    paths.push(path);
  }
  return paths;
}

/** One line per file: size and SHA-256. */
function report(path: string): void {
  const bytes = readFileSync(ROOT + path);
  const size = `${(bytes.length / 1e6).toFixed(1)} MB`.padStart(9);
  console.log(`${path.padEnd(30)}${size}  ${createHash("sha256").update(bytes).digest("hex")}`);
}

/** Builds what the command line asks for. */
async function main(args: readonly string[]): Promise<void> {
  const stray = args.find((arg) => arg !== "--all");
  if (stray !== undefined) throw new Error(`Cannot build with "${stray}": only --all is known`);
  const paths = ["dist/edge-lb", ...(await bundle())];
  await compileHost();
  for (const platform of args.includes("--all") ? PLATFORMS : []) {
    const outfile = `dist/edge-lb-${platform.name}`;
    await compile(platform, outfile, bunFor(platform));
    paths.push(outfile);
  }
  rmSync(`${ROOT}dist/.new`, { recursive: true, force: true });
  paths.forEach(report);
}

/** Every message of a failed build, one per line. */
function explain(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map((one) => `build: ${explain(one)}`).join("\n");
  return error instanceof Error ? error.message : String(error);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${explain(error)}`);
  process.exitCode = 1;
}
