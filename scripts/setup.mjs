// Installs what the lock file names, when node_modules does not hold it yet. Plain Node: a fresh machine has nothing else.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Ends this process when a command fails; its output goes to stderr, since stdout belongs to what runs next. */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

/** Package paths and versions of a lock file; npm keeps one of what it has really installed inside node_modules. */
function versions(path) {
  if (!existsSync(path)) return new Map();
  const { packages } = JSON.parse(readFileSync(path, "utf8"));
  const wanted = Object.entries(packages).filter(([name, { optional }]) => name !== "" && !optional);
  return new Map(wanted.map(([name, { version }]) => [name, version]));
}

const installed = versions(`${root}node_modules/.package-lock.json`);
const missing = [...versions(`${root}package-lock.json`)].filter(([name, version]) => installed.get(name) !== version);
if (missing.length > 0) run("npm", ["ci", "--no-fund", "--no-audit"]);

// Where npm is told to ignore install scripts, bun is a placeholder until its own is run.
const bun = spawnSync("node_modules/.bin/bun", ["--version"], { cwd: root });
if (bun.status !== 0) run(process.execPath, ["node_modules/bun/install.js"]);
