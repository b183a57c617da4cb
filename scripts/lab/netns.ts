/**
 * A network of its own for edge-lb, with the nodes on this side: machines there can lose their power without a word,
 * as no process on loopback can. Made with `ip` from iproute2; needs root.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATH, program } from "./programs.ts";

export interface FarNetwork {
  /** The first three bytes of every address. */
  readonly block: string;
  /** edge-lb's address there. */
  readonly edge: string;
  /** The name server that edge-lb asks: this side, port 53. */
  readonly nameServer: string;
  /** Put before a command line, it runs there. */
  readonly prefix: readonly string[];
  /** What is sent to this address reaches nobody, and nothing says so: no RST, no ICMP. */
  vanish(ip: string): void;
  comeBack(ip: string): void;
  close(): void;
}

/** Why there can be no such network here; null: there can. */
export function whyNoNetwork(): string | null {
  if (process.platform !== "linux") return "network namespaces are Linux'";
  if (process.getuid?.() !== 0) return "a network namespace needs root";
  if (Bun.which("ip", { PATH }) === null) return null; // then opening one says what to install
  const name = `edge-lb-try-${process.pid}`;
  const { status, stderr } = spawnSync(program("ip"), ["netns", "add", name], { encoding: "utf8" });
  if (status === 0) ip("netns", "delete", name);
  return status === 0 ? null : `no network namespace: ${stderr.trim()}`;
}

/** An Ethernet address that no interface has. */
const NOBODY = "02:00:00:00:00:01";
let made = 0;

/** @param hosts Last bytes of the addresses that nodes listen on. */
export function openFarNetwork(hosts: readonly number[]): FarNetwork {
  made += 1;
  program("ip"); // before anything is made
  const id = `${process.pid % 100_000}x${made}`;
  const [name, near, far] = [`edge-lb-${id}`, `en${id}`, `ef${id}`];
  const block = `10.${200 + (process.pid % 50)}.${(Math.floor(process.pid / 50) + made) % 250}`;
  const [edge, nameServer] = [`${block}.1`, `${block}.254`];
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-netns-"));
  const resolver = join(folder, "resolv.conf");
  writeFileSync(resolver, `nameserver ${nameServer}\noptions timeout:1 attempts:1\n`);
  const inside = (...args: readonly string[]): void => ip("-netns", name, ...args);
  const close = (): void => {
    spawnSync(program("ip"), ["link", "delete", near]);
    spawnSync(program("ip"), ["netns", "delete", name]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    ip("netns", "add", name);
    ip("link", "add", near, "type", "veth", "peer", "name", far);
    ip("link", "set", far, "netns", name);
    // the first is where this side's own connections come from, and no node may vanish with it
    for (const last of [254, ...hosts]) ip("address", "add", `${block}.${last}/24`, "dev", near);
    ip("link", "set", near, "up");
    inside("address", "add", `${edge}/24`, "dev", far);
    inside("link", "set", "lo", "up");
    inside("link", "set", far, "up");
  } catch (error) {
    close();
    throw error;
  }
  // `ip netns exec` makes a mount namespace too, so the other resolv.conf is seen there alone
  const shell = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return {
    block,
    edge,
    nameServer,
    prefix: ["ip", "netns", "exec", name, "sh", "-c", shell, resolver],
    vanish: (lost) => inside("neighbour", "replace", lost, "lladdr", NOBODY, "dev", far, "nud", "permanent"),
    comeBack: (lost) => inside("neighbour", "delete", lost, "dev", far),
    close,
  };
}

/** A machine with load balancers, and one that has the addresses of all nodes. */
export interface TwoMachines {
  /** Put before a command line, it runs on that machine. */
  readonly near: readonly string[];
  readonly far: readonly string[];
  close(): void;
}

/**
 * Two networks of their own that reach each other, where every address can be listened on.
 * @param near Addresses of the machine with the load balancers, beside loopback.
 * @param far Addresses of the nodes.
 */
export function openTwoMachines(near: readonly string[], far: readonly string[]): TwoMachines {
  made += 1;
  program("ip");
  const id = `${process.pid % 100_000}x${made}`;
  const [one, two, link] = [`edge-lb-${id}a`, `edge-lb-${id}b`, `el${id}`];
  const close = (): void => {
    for (const name of [one, two]) spawnSync(program("ip"), ["netns", "delete", name]);
  };
  try {
    for (const name of [one, two]) ip("netns", "add", name);
    ip("link", "add", link, "netns", one, "type", "veth", "peer", "name", link, "netns", two);
    openMachine(one, link, "1", "2", near);
    openMachine(two, link, "2", "1", far);
  } catch (error) {
    close();
    throw error;
  }
  return { near: ["ip", "netns", "exec", one], far: ["ip", "netns", "exec", two], close };
}

/** The addresses between the two are in blocks kept for documentation: no file has them. RFC 5737, RFC 3849 */
function openMachine(name: string, link: string, own: string, other: string, addresses: readonly string[]): void {
  const inside = (...args: readonly string[]): void => ip("-netns", name, ...args);
  const add = (address: string, bits: string, device: string): void =>
    inside("address", "add", `${address}/${bits}`, "dev", device, ...(address.includes(":") ? ["nodad"] : []));
  for (const device of ["lo", link]) inside("link", "set", device, "up");
  add(`192.0.2.${own}`, "30", link);
  add(`2001:db8::${own}`, "64", link);
  for (const address of addresses) add(address, address.includes(":") ? "128" : "32", "lo");
  inside("route", "add", "default", "via", `192.0.2.${other}`);
  inside("-6", "route", "add", "default", "via", `2001:db8::${other}`);
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program("ip"), args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${args.join(" ")}: ${stderr.trim()}`);
}
