/** The sockets that systemd has passed, as /proc describes them; sd_listen_fds(3). */
import { readFileSync } from "node:fs";
import type { PassedSocket } from "../../config/options/option.ts";
import { inodeOf, listeningSockets } from "./port-holder.ts";

/** SD_LISTEN_FDS_START. */
const FIRST = 3;
/** More is a mistake of whoever set the variable. */
const MOST = 4_096;
const VARIABLES = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];
/** __SO_ACCEPTCON and SOCK_STREAM as /proc/net/unix writes them. */
const UNIX_LISTENING = /^\S+ \S+ \S+ 00010000 0001 \S+ +(\d+)(?: (.*))?$/;

/**
 * What is meant for this process. The variables are taken out, so that no child believes they are its own.
 * @param env Of this process.
 */
export function takePassedSockets(
  env: Record<string, string | undefined>,
  pid: number = process.pid,
): readonly PassedSocket[] {
  const { LISTEN_PID: wanted, LISTEN_FDS: fds = "", LISTEN_FDNAMES: names } = env;
  if (wanted !== String(pid) || !/^\d{1,4}$/.test(fds)) return [];
  for (const variable of VARIABLES) delete env[variable];
  const called = names === undefined ? [] : names.split(":");
  const count = Math.min(Number(fds), MOST);
  return Array.from({ length: count }, (_, at) => ({
    name: called[at] ?? "",
    fd: FIRST + at,
    ...socketAt(FIRST + at),
  }));
}

/** Nothing where it is no listening socket, or there is no /proc. */
function socketAt(fd: number): Pick<PassedSocket, "at" | "path"> {
  const inode = inodeOf(`/proc/self/fd/${fd}`);
  const tcp = listeningSockets().find((socket) => socket.inode === inode && inode !== "");
  if (tcp !== undefined) return { at: { ip: tcp.ip, port: tcp.port }, path: null };
  return { at: null, path: inode === "" ? null : unixPath(inode) };
}

function unixPath(inode: string): string | null {
  try {
    for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
      const [, found, path = ""] = UNIX_LISTENING.exec(line) ?? [];
      if (found === inode) return path;
    }
  } catch {
    // not Linux
  }
  return null;
}
