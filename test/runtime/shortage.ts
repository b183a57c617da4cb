/** Takes this process's descriptors away, and gives them back. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Address } from "../../src/seam/snapshot.ts";

export interface Shortage {
  /** Clients of another process, which has descriptors. */
  connect(to: Address, count: number): void;
  end(): Promise<void>;
}

/** Connects as often as it is told, then gives the descriptors back. */
const HELPER = `read ip port count
for fd in $(seq 10 $((9 + count))); do eval "exec $fd<>/dev/tcp/$ip/$port"; done
read line; prlimit --pid "$1" --nofile="$2:"`;

/** No descriptor is free from now on; null: not Linux. */
export function shortage(): Shortage | null {
  if (process.platform !== "linux") return null;
  const pid = String(process.pid);
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "";
  // started while it can be
  const helper = spawn("bash", ["-c", HELPER, "helper", pid, soft], { stdio: ["pipe", "ignore", "inherit"] });
  const fillers = [openSync("/dev/null", "r")];
  spawnSync("prlimit", ["--pid", pid, `--nofile=${fillers[0]}:`]);
  for (let full = false; !full;) {
    try {
      fillers.push(openSync("/dev/null", "r"));
    } catch {
      full = true;
    }
  }
  return {
    connect: ({ ip, port }, count) => void helper.stdin.write(`${ip} ${port} ${count}\n`),
    async end() {
      const ended = once(helper, "exit");
      helper.stdin.end("\n");
      await ended;
      for (const fd of fillers) closeSync(fd);
    },
  };
}
