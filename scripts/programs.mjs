/**
 * Before `npm test`: the programs that tests drive. What is missing is installed with one apt-get install where that may be (as root, or with
 * sudo that asks for no password; EDGE_LB_TEST_INSTALL=no says no). Where it may not, the line to type is printed, and the tests
 * that need it fail with that line. Never ends with an error: what is missing is the tests' to tell. Plain Node, before anything else is there.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

const TABLE = JSON.parse(readFileSync(fileURLToPath(new URL("programs.json", import.meta.url)), "utf8"));
/** Debian keeps servers in sbin, which a user's PATH need not name. */
const FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
/** A package manager at work elsewhere is waited for so long, in seconds. */
const LOCK_SECONDS = 300;

/**
 * As root, with the packages as arguments and in SERVICES what they would start: a test needs the program, while the machine's owner does not want
 * a second web server that starts by itself, now or at the next boot.
 */
const INSTALL = `
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >"$policy" && chmod 755 "$policy"
fi
apt-get -qq -o DPkg::Lock::Timeout=${LOCK_SECONDS} install --yes --no-install-recommends "$@" >/dev/null || exit
if [ -n "$SERVICES" ] && [ -d /run/systemd/system ]; then systemctl --quiet disable $SERVICES; fi
exit 0
`;

function isThere(name) {
  const paths = isAbsolute(name) ? [name] : FOLDERS.map((folder) => join(folder, name));
  return paths.some((path) => {
    try {
      accessSync(path, isAbsolute(name) ? constants.R_OK : constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function succeeds(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Whether this distribution has such a package; one unknown name would end the whole installation. */
function isKnown(name) {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = spawnSync("apt-cache", ["policy", name], { env, encoding: "utf8" });
  return /Candidate: (?!\(none\))/.test(stdout ?? "");
}

/** What stands before a command that needs root; null: nobody may become root here without being asked. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return succeeds("sudo", ["-n", "true"]) ? ["sudo", "-n"] : null;
}

/** Runs a command whose output goes to stderr, since stdout belongs to the tests. */
function run([command, ...args]) {
  return spawnSync(command, args, { stdio: ["ignore", 2, 2] }).status === 0;
}

function say(text) {
  console.error(`npm test: ${text}`);
}

/** Installs what this distribution's lists know. Returns the entries that are still missing. */
function install(missing, root) {
  const names = missing.map(({ program }) => program).join(", ");
  say(`installing what its tests drive and this machine lacks: ${names} (EDGE_LB_TEST_INSTALL=no says no)`);
  run([...root, "apt-get", "-qq", "-o", `DPkg::Lock::Timeout=${LOCK_SECONDS}`, "update"]); // a fresh container has no lists
  const known = missing.filter((one) => isKnown(one.package));
  const services = known.flatMap(({ service }) => (service === undefined ? [] : [service]));
  const packages = [...new Set(known.map((one) => one.package))];
  if (packages.length > 0)
    run([...root, "env", `SERVICES=${services.join(" ")}`, "sh", "-c", INSTALL, "sh", ...packages]);
  return whatIsMissing();
}

function whatIsMissing() {
  return TABLE.filter(({ program, or = [] }) => ![program, ...or].some(isThere));
}

function main() {
  const missing = whatIsMissing();
  if (missing.length === 0) return;
  const mayInstall = process.env.EDGE_LB_TEST_INSTALL !== "no" && succeeds("apt-get", ["--version"]);
  const root = mayInstall ? asRoot() : null;
  const left = root === null ? missing : install(missing, root);
  if (left.length === 0) return;
  const packages = [...new Set(left.map((one) => one.package))].join(" ");
  say(`the tests that drive ${left.map(({ program }) => program).join(", ")} will fail; to install what they need:`);
  console.error(`  sudo apt-get install --yes --no-install-recommends ${packages}`);
}

main();
