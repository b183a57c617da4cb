/** Who holds a TCP port on this machine, from /proc (Linux); elsewhere nobody can be named. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const LISTENING = "0A";

export interface Holder {
  readonly pid: number;
  readonly command: string;
}

/** The process that listens on this port, or null when none is found or its descriptors may not be read. */
export function portHolder(port: number): Holder | null {
  try {
    const inodes = new Set([...listeningInodes("/proc/net/tcp", port), ...listeningInodes("/proc/net/tcp6", port)]);
    return inodes.size === 0 ? null : holderOf(inodes);
  } catch {
    return null; // not Linux
  }
}

function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync(table, "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTENING && fields[1]?.endsWith(wanted))
    .flatMap((fields) => fields[9] ?? []);
}

function holderOf(inodes: ReadonlySet<string>): Holder | null {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (holds(pid, inodes)) return { pid: Number(pid), command: commandOf(pid) };
  }
  return null;
}

function holds(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(inodeOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // it ended, or belongs to somebody else
  }
}

function inodeOf(link: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? "";
  } catch {
    return "";
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "?";
  }
}
