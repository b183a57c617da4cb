/** Rules that count connections: of one client, or of a backend. */
import { CLUSTER } from "../../config/options/cluster-options.ts";
import { GLOBAL } from "../../config/options/options.ts";
import type { Ledger } from "../source/ledger.ts";
import { wordAt, type SourceLine } from "../source/lexer.ts";
import type { Proxy } from "../source/proxies.ts";
import type { Step } from "../source/steps.ts";
import type { Entry } from "../routes/entry.ts";
import type { Group } from "./groups.ts";
import { optionTexts, type OptionTexts } from "./imported.ts";

const OF_CLIENT = /^(sc[012]?_conn_cur|src_conn_cur)$/;
const OF_BACKEND = /^be_conn$/;

interface Limit {
  readonly most: number;
  readonly line: SourceLine;
}

/** `reject if { sc_conn_cur(0) gt N }` of every listener alike is `max-connections-per-client`. */
export function clientLimitOptions(entries: readonly Entry[], ledger: Ledger): OptionTexts[] {
  const lists = entries.map(({ proxy }) => limitsOf(proxy, OF_CLIENT));
  const [first] = lists.flat();
  if (first === undefined || lists.some((list) => list.length !== 1 || list[0]?.most !== first.most)) return [];
  for (const { line } of lists.flat()) ledger.note(line, "carried", `max-connections-per-client ${first.most}`);
  for (const line of entries.flatMap(({ proxy }) => proxy.section.lines)) {
    if (wordAt(line, 0) === "tcp-request" && wordAt(line, 2).startsWith("track-sc"))
      ledger.note(line, "carried", "edge-lb counts the connections of each client");
  }
  return optionTexts(GLOBAL.maxConnectionsPerClient, [String(first.most)]);
}

/** `reject if { be_conn gt N }` of every pool is the cluster's `max-connections`, which counts them all together. */
export function clusterLimitOptions({ name, units }: Group, ledger: Ledger): OptionTexts[] {
  const lists = units.map(({ backend }) => limitsOf(backend, OF_BACKEND));
  const [first] = lists.flat();
  if (first === undefined || lists.some((list) => list.length !== 1 || list[0]?.most !== first.most)) return [];
  const why = `max-connections ${first.most} of cluster ${name}, on all its services together`;
  for (const { line } of lists.flat()) ledger.note(line, "changed", why, { code: "limit" });
  return optionTexts(CLUSTER.maxConnections, [String(first.most)]);
}

function limitsOf({ steps }: Proxy, fetch: RegExp): Limit[] {
  return steps.flatMap((step) => {
    const most = limitOf(step, fetch);
    return most === null ? [] : [{ most, line: step.line }];
  });
}

/** N of `gt N`, N - 1 of `ge N`; null for another rule. */
function limitOf({ effect, condition }: Step, fetch: RegExp): number | null {
  const [terms, more] = condition?.anyOf ?? [];
  const [term, other] = terms ?? [];
  if (effect !== "reject" || condition?.unless !== false || more !== undefined || other !== undefined) return null;
  if (term === undefined || term.negated || typeof term.test === "string") return null;
  const [operator, operand] = term.test.patterns.map(({ text }) => text);
  if (!fetch.test(term.test.sample.fetch.name) || !/^\d+$/.test(operand ?? "")) return null;
  const most = operator === "gt" ? Number(operand) : operator === "ge" ? Number(operand) - 1 : 0;
  return most >= 1 ? most : null;
}
