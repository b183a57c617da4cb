/** What clusters' names may resolve to: the addresses by which clients reach this machine, the likeliest first. */
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import type { Config } from "../../config/model.ts";
import { listenOf } from "../../config/clusters/service-settings.ts";
import { defaultAddress } from "../../control/machine/default-route.ts";

export interface OwnAddress {
  readonly ip: string;
  /** The service that is bound to it, or its interface. */
  readonly at: string;
}

export interface OwnNetwork {
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** Of the default route's interface; null: there is none. */
  readonly routed: string | null;
}

/** A host with many bridges has many; more help nobody. */
const TOLD_MOST = 8;

export function ownNetwork(): OwnNetwork {
  return { interfaces: networkInterfaces(), routed: defaultAddress() };
}

/**
 * What listeners are bound to; else this machine's, first where the default route leads, as a bridge of VMs alone is reached by
 * nobody else. Never empty.
 */
export function ownAddresses(config: Config, { interfaces, routed }: OwnNetwork): readonly OwnAddress[] {
  const bound = config.services
    .filter(({ privateOnly }) => !privateOnly)
    .flatMap((service) => listenOf(config, service).map(({ ip }) => ({ ip, at: service.name })))
    .filter(({ ip }) => ip !== "" && ip !== "::" && ip !== "0.0.0.0");
  if (bound.length > 0) return distinct(bound);
  const outside = Object.entries(interfaces).flatMap(([at, addresses = []]) =>
    addresses.filter(isReachable).map(({ address, family }) => ({ ip: address, at, family })),
  );
  const rank = ({ ip, family }: (typeof outside)[number]): number => (ip === routed ? 0 : family === "IPv4" ? 1 : 2);
  const found = outside.toSorted((a, b) => rank(a) - rank(b)).map(({ ip, at }) => ({ ip, at }));
  return found.length > 0 ? distinct(found) : [{ ip: "127.0.0.1", at: "lo" }];
}

/** Which of several was taken, and how to take another; null: there is one. */
export function choiceText(candidates: readonly OwnAddress[]): string | null {
  const [first, ...others] = candidates.map(({ ip, at }) => `${ip} (${at})`);
  if (first === undefined || others.length === 0) return null;
  const told = others.slice(0, TOLD_MOST).join(", ");
  const more = others.length > TOLD_MOST ? ` and ${others.length - TOLD_MOST} more` : "";
  return `for ${first}; or with --for ADDRESS for ${told}${more}`;
}

/** IPv6 addresses of a link are no use without the interface they are on. */
function isReachable({ internal, scopeid }: NetworkInterfaceInfo): boolean {
  return !internal && (scopeid === undefined || scopeid === 0);
}

function distinct(addresses: readonly OwnAddress[]): readonly OwnAddress[] {
  return addresses.filter(({ ip }, at) => addresses.findIndex((each) => each.ip === ip) === at);
}
