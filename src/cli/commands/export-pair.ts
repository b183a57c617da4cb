/** What `edge-lb export keepalived` asks for: two machines, and the address they share. */
import { basename } from "node:path";
import type { Config } from "../../config/model.ts";
import { Problems, fit, quote, unfit, type Reading } from "../../config/values/text.ts";
import { addressBytes, canonicalIp } from "../../core/address.ts";
import type { KeepalivedInput } from "../../migrate/export/keepalived.ts";
import { several, single, type ValuesOf } from "../line/command-option.ts";

export const PAIR = {
  vip: single("ADDR/LEN", "keepalived: the address that the two machines share", readVip),
  interface: single("IF", "keepalived: the interface it is on", readInterface),
  peer: several("ADDR", "keepalived: the address of a machine, this one first", readPeer),
};

type Vip = KeepalivedInput["vip"];

/** Where `edge-lb install` puts the binary; for what runs from source. */
const INSTALLED = "/usr/local/bin/edge-lb";

/** @throws EdgeErrors with everything that is missing or does not fit */
export function pairOf({ vip, interface: device, peer }: ValuesOf<typeof PAIR>, config: Config): KeepalivedInput {
  const problems = new Problems();
  const add = (message: string, hint?: string): void => problems.add("export keepalived", message, hint, "USAGE");
  if (vip === null) add("Cannot export without --vip: ADDR/LEN wanted, such as 192.168.125.5/24");
  if (device === null) add("Cannot export without --interface: the name of one wanted, such as br0");
  const [self, other, ...more] = peer;
  if (self === undefined || other === undefined || more.length > 0) {
    add(`Cannot export a pair: ${peer.length} --peer found, 2 wanted`, "the first one is this machine");
  } else checkAddresses(vip, self, other, add);
  problems.throwIfAny();
  const healthcheck = `${programPath()} healthcheck${controlFlag(config)}`;
  return { vip: vip ?? { ip: "", bits: 0 }, interface: device ?? "", peers: [self ?? "", other ?? ""], healthcheck };
}

function checkAddresses(
  vip: Vip | null,
  self: string,
  other: string,
  add: (message: string, hint?: string) => void,
): void {
  if (self === other) add(`Cannot export a pair: both --peer are ${self}, two machines wanted`);
  if (vip === null) return;
  if ([self, other].includes(vip.ip)) add(`Cannot share ${vip.ip}: it is a --peer, an address of no machine wanted`);
  const families = new Set([vip.ip, self, other].map((ip) => ip.includes(":")));
  if (families.size > 1)
    add("Cannot export a pair: IPv4 and IPv6 addresses found, one family wanted for --vip and --peer");
}

function readVip(text: string): Reading<Vip> {
  const [, host = "", length = ""] = /^\[?([0-9A-Fa-f.:]+)\]?\/(\d{1,3})$/.exec(text) ?? [];
  const bytes = addressBytes(host);
  const ip = canonicalIp(host);
  const bits = Number(length);
  if (bytes === null || ip === null || bits < 1 || bits > bytes.length * 8) {
    return unfit("an address with the length of its network, such as 192.168.125.5/24");
  }
  return fit({ ip, bits });
}

/** As the kernel takes it: IFNAMSIZ less the closing zero; keepalived's configuration splits at blanks. */
function readInterface(text: string): Reading<string> {
  return /^[^\s/{}"#!]{1,15}$/.test(text) ? fit(text) : unfit("the name of an interface, such as br0");
}

function readPeer(text: string): Reading<string> {
  const ip = canonicalIp(text);
  return ip === null ? unfit("an IPv4 or IPv6 address") : fit(ip);
}

/** This binary; keepalived starts it by its path. */
function programPath(): string {
  const path = process.execPath;
  return /^(bun|node|deno)/.test(basename(path)) ? INSTALLED : path;
}

/** Two that share a machine are told apart by their sockets. */
function controlFlag({ control, controlGiven }: Config): string {
  return controlGiven && control !== null ? ` --control ${quote(control).slice(1, -1)}` : "";
}
