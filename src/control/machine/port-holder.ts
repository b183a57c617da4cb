/** Who holds a port of an address of this machine, from /proc (Linux); elsewhere nobody can be named. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { formatAddress } from "../../core/address.ts";
import type { Address } from "../../seam/snapshot.ts";

export interface Holder {
  readonly pid: number;
  readonly command: string;
  /** Its unit of the system's systemd, `haproxy.service`; null: none. */
  readonly unit: string | null;
}

export type Transport = "tcp" | "udp";

/** States of sockets that keep others from an address: LISTEN, and of UDP those that are not connected. */
const HOLDING: Readonly<Record<Transport, string>> = { tcp: "0A", udp: "07" };

/** The process that an address cannot be had because of, or null when none is found or its descriptors may not be read. */
export function portHolder(at: Address, over: Transport = "tcp"): Holder | null {
  try {
    const sockets = [...socketsIn(`/proc/net/${over}`, over), ...socketsIn(`/proc/net/${over}6`, over)];
    return holderOf(
      sockets.filter((socket) => socket.port === at.port),
      at.ip,
    );
  } catch {
    return null; // not Linux
  }
}

/** Every TCP socket that listens in this network, where /proc tells. */
export function listeningSockets(): readonly HoldingSocket[] {
  return [...socketsIn("/proc/net/tcp", "tcp"), ...socketsIn("/proc/net/tcp6", "tcp")];
}

/** What to type to be rid of it. */
export function stopLine({ pid, unit }: Holder): string {
  if (unit !== null) return `systemctl stop ${unit}`;
  // systemd listens for a service that is not started yet
  return pid === 1 ? "systemctl list-sockets" : `kill ${pid}`;
}

/** The service that a process belongs to, by its /proc/PID/cgroup; not what runs in a user's session or in a container. */
export function serviceOf(cgroup: string): string | null {
  const path = /^(?:0:|\d+:name=systemd):(.*)$/m.exec(cgroup)?.[1] ?? "";
  if (/\/user@\d+\.service(?:\/|$)/.test(path) || path.endsWith(".scope")) return null;
  return /^.*\/([^/]+\.service)(?:\/|$)/.exec(path)?.[1] ?? null;
}

export interface HoldingSocket {
  /** Canonical. */
  readonly ip: string;
  readonly port: number;
  readonly inode: string;
}

function socketsIn(table: string, over: Transport): HoldingSocket[] {
  return textOf(table)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === HOLDING[over])
    .map((fields) => {
      const [ip = "", port = ""] = (fields[1] ?? "").split(":");
      return { ip: addressOf(ip), port: Number.parseInt(port, 16), inode: fields[9] ?? "" };
    });
}

/** The kernel prints words of four bytes in its own order, which is little-endian wherever edge-lb runs. */
export function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return formatAddress(bytes);
}

/** Who has that very address comes before who has them all, which in IPv6 may or may not include those of IPv4. */
function holderOf(sockets: readonly HoldingSocket[], wanted: string): Holder | null {
  const exact = sockets.filter(({ ip }) => ip === wanted);
  const others = sockets.filter(({ ip }) => ip !== wanted && overlaps(ip, wanted));
  return ownerOf(exact) ?? ownerOf(others);
}

/** Different addresses of which one stands for all of its family, or of both. */
function overlaps(held: string, wanted: string): boolean {
  if (isWildcard(wanted)) return wanted !== "0.0.0.0" || isV4(held) || held === "::";
  return held === "::" || (held === "0.0.0.0" && isV4(wanted));
}

function isWildcard(ip: string): boolean {
  return ip === "" || ip === "::" || ip === "0.0.0.0";
}

function isV4(ip: string): boolean {
  return ip.includes(".");
}

function ownerOf(sockets: readonly HoldingSocket[]): Holder | null {
  if (sockets.length === 0) return null;
  const inodes = new Set(sockets.map(({ inode }) => inode));
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && holds(name, inodes));
  if (pid === undefined) return null;
  const command = textOf(`/proc/${pid}/comm`).trim();
  return { pid: Number(pid), command: command || "?", unit: serviceOf(textOf(`/proc/${pid}/cgroup`)) };
}

function holds(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(inodeOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // it ended, or belongs to somebody else
  }
}

/** Of the socket that a link of /proc/PID/fd leads to; empty: it is none. */
export function inodeOf(link: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? "";
  } catch {
    return "";
  }
}

/** Nothing where it cannot be read: the process ended, or there is no IPv6. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
