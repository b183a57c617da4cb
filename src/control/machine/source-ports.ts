/** Ports that connections to nodes leave from: each is one connection to a node:port, and waits 60 s after it in TIME_WAIT. */
import { formatEndpoint } from "../../core/address.ts";
import { addressOf } from "./port-holder.ts";

export interface SourcePorts {
  /** So many towards each node:port at a time: net.ipv4.ip_local_port_range. */
  readonly count: number;
  /** One in TIME_WAIT may be used again: net.ipv4.tcp_tw_reuse is 1. */
  readonly reused: boolean;
  /** The most that are in use from one address to one ip:port; those that may be used again are not. Null: nothing is connected. */
  readonly busiest: { readonly to: string; readonly used: number } | null;
}

/** Beyond this part of them, soon none is left. */
export const MANY_PORTS = 0.75;
export const REUSE_PORTS = "sysctl -w net.ipv4.tcp_tw_reuse=1";

const STATE = { waiting: "06", listening: "0A" } as const;
/** 127.0.0.0/8 as the kernel writes it. */
const LOOPBACK = /^[0-9A-F]{6}7F:/;

/** @param read A file's text; "": there is none. @returns null: this system does not tell */
export function readSourcePorts(read: (path: string) => string): SourcePorts | null {
  const count = sourcePortCount(read);
  if (count === 0) return null;
  const reuse = read("/proc/sys/net/ipv4/tcp_tw_reuse").trim();
  const uses = new Map<string, number>();
  for (const row of ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => read(path).split("\n").slice(1))) {
    const [, local = "", remote, state] = row.trim().split(/\s+/);
    if (remote === undefined || state === STATE.listening) continue;
    // 2 means 1 on loopback
    if (state === STATE.waiting && (reuse === "1" || (reuse === "2" && LOOPBACK.test(remote)))) continue;
    const way = `${local.split(":")[0]} ${remote}`;
    uses.set(way, (uses.get(way) ?? 0) + 1);
  }
  return { count, reused: reuse === "1", busiest: busiestOf(uses) };
}

/** How many there are towards each node:port; 0: this system does not tell. */
export function sourcePortCount(read: (path: string) => string): number {
  const [low = 0, high = 0] = read("/proc/sys/net/ipv4/ip_local_port_range").trim().split(/\s+/).map(Number);
  return high > low && low > 0 ? high - low + 1 : 0;
}

function busiestOf(uses: ReadonlyMap<string, number>): SourcePorts["busiest"] {
  let busiest: [string, number] | null = null;
  for (const use of uses) if (busiest === null || use[1] > busiest[1]) busiest = use;
  if (busiest === null) return null;
  const [ip = "", port = ""] = (busiest[0].split(" ")[1] ?? "").split(":");
  return { to: formatEndpoint(addressOf(ip), Number.parseInt(port, 16)), used: busiest[1] };
}
