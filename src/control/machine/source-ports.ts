/** Ports that connections to nodes leave from: each is one connection to a node:port, and waits 60 s after it in TIME_WAIT. */
import { isLoopback } from "../../config/values/addresses.ts";
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
  const reuse = reuseOf(read);
  const uses = new Map<string, number>();
  for (const path of ["/proc/net/tcp", "/proc/net/tcp6"]) countUses(read(path), reuse, uses);
  return { count, reused: reuse === "1", busiest: busiestOf(uses) };
}

/** Of nodes: may those in TIME_WAIT towards this one be used again? The kernel's 2 means 1 on loopback. */
export function portsReusedTowards(read: (path: string) => string): (ip: string) => boolean {
  const reuse = reuseOf(read);
  return (ip) => reuse === "1" || (reuse === "2" && isLoopback(ip));
}

function reuseOf(read: (path: string) => string): string {
  return read("/proc/sys/net/ipv4/tcp_tw_reuse").trim();
}

/** Rows are "sl: local:port remote:port state …". There may be 100,000 of them, so nothing is made of a row but its key. */
function countUses(table: string, reuse: string, uses: Map<string, number>): void {
  for (let row = table.indexOf("\n") + 1; row > 0; row = table.indexOf("\n", row) + 1) {
    const slot = table.indexOf(": ", row);
    if (slot < 0) return;
    const local = slot + 2;
    const remote = table.indexOf(" ", local) + 1;
    const end = table.indexOf(" ", remote);
    const state = table.slice(end + 1, end + 3);
    if (state === STATE.listening) continue;
    const to = table.slice(remote, end);
    // 2 means 1 on loopback
    if (state === STATE.waiting && (reuse === "1" || (reuse === "2" && LOOPBACK.test(to)))) continue;
    const way = `${table.slice(local, table.indexOf(":", local))} ${to}`;
    uses.set(way, (uses.get(way) ?? 0) + 1);
  }
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
