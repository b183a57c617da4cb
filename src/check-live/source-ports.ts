/** Ports that connections to nodes leave from: each is one connection to a node:port, and waits 60 s after it in TIME_WAIT. */
import { type Finding, ok, warn } from "./finding.ts";

export interface SourcePorts {
  /** So many towards each node:port at a time: net.ipv4.ip_local_port_range. */
  readonly count: number;
  /** One in TIME_WAIT may be used again: net.ipv4.tcp_tw_reuse is 1. */
  readonly reused: boolean;
  /** The most that are in use towards one ip:port now, as the kernel writes it. */
  readonly busiest: number;
}

const WAIT_SECONDS = 60;
/** Beyond this part of them, soon none is left. */
const MANY = 0.75;
/** Columns of /proc/net/tcp: number, local, remote, state. */
const REMOTE = 2;
const STATE = 3;
const LISTENING = "0A";

/** @param read A file's text; "": there is none. @returns null: this system does not tell */
export function readSourcePorts(read: (path: string) => string): SourcePorts | null {
  const [low = 0, high = 0] = read("/proc/sys/net/ipv4/ip_local_port_range").trim().split(/\s+/).map(Number);
  if (!(high > low && low > 0)) return null;
  const towards = new Map<string, number>();
  for (const row of ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => read(path).split("\n").slice(1))) {
    const columns = row.trim().split(/\s+/);
    const remote = columns[REMOTE];
    if (remote === undefined || columns[STATE] === LISTENING) continue;
    towards.set(remote, (towards.get(remote) ?? 0) + 1);
  }
  return {
    count: high - low + 1,
    reused: read("/proc/sys/net/ipv4/tcp_tw_reuse").trim() === "1",
    busiest: Math.max(0, ...towards.values()),
  };
}

export function checkSourcePorts(ports: SourcePorts | null | undefined): readonly Finding[] {
  if (ports === null || ports === undefined) return [];
  const { count, reused, busiest } = ports;
  const text = `source ports: ${count} towards each node, at most ${busiest} in use`;
  const reuse = "sudo sysctl -w net.ipv4.tcp_tw_reuse=1";
  if (busiest > count * MANY) {
    return [warn(text, ...(reused ? [] : [reuse]), 'sudo sysctl -w net.ipv4.ip_local_port_range="1024 65535"')];
  }
  if (reused) return [ok(`${text}, and used again at once (tcp_tw_reuse)`)];
  const rate = Math.floor(count / WAIT_SECONDS);
  return [ok(`${text}; enough for ${rate} short connections a second to each, more with net.ipv4.tcp_tw_reuse=1`)];
}
