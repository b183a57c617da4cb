/**
 * What the kernel has to be told for `source=client`: answers of nodes to a client's address are for a socket of edge-lb. nftables marks
 * the packets that such a socket waits for, and a routing table of their own delivers marked ones here. nft(8), ip-rule(8)
 */
import type { Config } from "../../config/model.ts";
import { nodesFor } from "../../config/clusters/service-settings.ts";

/** Mark, table and preference alike: no other program is likely to use it. */
const NUMBER = 6_443;
const MARK = `0x${NUMBER.toString(16)}`;
const TABLE = "edge_lb";
const CHAIN = ["inet", TABLE, "prerouting"];

/** One thing that has to be there. */
export interface ClientRule {
  /** For people. */
  readonly what: string;
  /** Asks for it: its output has to match. */
  readonly asked: readonly string[];
  readonly wanted: RegExp;
  /** Make it. Once it is there, the first one may fail without harm. */
  readonly add: readonly (readonly string[])[];
  readonly remove: readonly string[];
}

/** Nothing where no cluster needs it. */
export function clientRules(config: Config): readonly ClientRule[] {
  const clusters = config.clusters.filter(({ source }) => source === "client");
  if (clusters.length === 0) return [];
  const nodes = clusters.flatMap((cluster) => config.services.flatMap((service) => nodesFor(cluster, service)));
  const families = ([4, 6] as const).filter((family) =>
    nodes.some(({ host, isName }) => isName || host.includes(":") === (family === 6)),
  );
  return rulesOf(families);
}

/** All that `clientRules` may have asked for. */
export function everyRule(): readonly ClientRule[] {
  return rulesOf([4, 6]);
}

function rulesOf(families: readonly (4 | 6)[]): readonly ClientRule[] {
  return [...families.flatMap((family) => [ruleOf(family), routeOf(family)]), nftables()];
}

function ruleOf(family: 4 | 6): ClientRule {
  const ip = ["ip", `-${family}`];
  const rule = ["fwmark", MARK, "lookup", String(NUMBER), "priority", String(NUMBER)];
  return {
    what: `the rule that IPv${family} packets with mark ${MARK} use table ${NUMBER}`,
    asked: [...ip, "rule", "show"],
    wanted: new RegExp(`fwmark ${MARK} lookup ${NUMBER}\\b`),
    add: [[...ip, "rule", "add", ...rule]],
    remove: [...ip, "rule", "del", ...rule],
  };
}

function routeOf(family: 4 | 6): ClientRule {
  const ip = ["ip", `-${family}`, "route"];
  const route = ["local", "default", "dev", "lo", "table", String(NUMBER)];
  return {
    what: `the route in table ${NUMBER} that delivers IPv${family} here`,
    asked: [...ip, "show", "table", String(NUMBER)],
    wanted: /^local default dev lo\b/m,
    add: [[...ip, "replace", ...route]],
    remove: [...ip, "del", ...route],
  };
}

function nftables(): ClientRule {
  const chain = ["type", "filter", "hook", "prerouting", "priority", "mangle", ";"];
  return {
    what: `the chain that marks packets for sockets with a client's address`,
    asked: ["nft", "list", "chain", ...CHAIN],
    wanted: new RegExp(`socket transparent 1 (?:meta )?mark set 0x0*${NUMBER.toString(16)}\\b`),
    add: [
      ["nft", "add", "table", "inet", TABLE],
      ["nft", "add", "chain", ...CHAIN, "{", ...chain, "}"],
      ["nft", "flush", "chain", ...CHAIN],
      ["nft", "add", "rule", ...CHAIN, "socket", "transparent", "1", "meta", "mark", "set", MARK],
    ],
    remove: ["nft", "delete", "table", "inet", TABLE],
  };
}

/** As a shell takes it. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`)).join(" ");
}
