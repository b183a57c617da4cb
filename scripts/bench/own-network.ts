/** A network namespace for the benchmark alone: connections that others closed lately, or that it closed itself, are not in its way. */
import { spawnSync } from "node:child_process";

/** Says to the process inside that it is there. */
const INSIDE = "EDGE_LB_BENCH_INSIDE";
const NEW = ["unshare", "--net"];

/** Run the command again in a network of its own. @returns Its exit code; null: it is there already, or there can be none */
export function inOwnNetwork(command: readonly string[], say: (text: string) => void): number | null {
  if (process.env[INSIDE] !== undefined) return null;
  const [program = "", ...args] = [...NEW, "sh", "-c", 'ip link set lo up && exec "$@"', "bench"];
  if (spawnSync(program, [...args, "true"]).status !== 0) {
    say("bench: no network namespace of its own (root, unshare and ip wanted); TIME_WAITs of earlier runs may disturb");
    return null;
  }
  const { status } = spawnSync(program, [...args, ...command], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  return status ?? 1;
}
