/** Lists of client addresses as `allow`: of the whole program where all listeners agree, else of a cluster. */
import { cidrText, readCidr } from "../../config/values/addresses.ts";
import { CLUSTER } from "../../config/options/cluster-options.ts";
import { GLOBAL } from "../../config/options/options.ts";
import { readsClient } from "../source/clients.ts";
import type { Source } from "../source/configuration.ts";
import type { Condition, Term } from "../source/conditions.ts";
import type { Ledger } from "../source/ledger.ts";
import type { SourceLine } from "../source/lexer.ts";
import type { Proxy } from "../source/proxies.ts";
import type { Step } from "../source/steps.ts";
import { testsOfTerm } from "../routes/candidates.ts";
import type { Entry } from "../routes/entry.ts";
import type { Group } from "./groups.ts";
import { optionTexts, type OptionTexts } from "./imported.ts";
import type { NameUse, Route } from "../routes/routes.ts";

export function allowOptions(entries: readonly Entry[], ledger: Ledger): OptionTexts[] {
  const lists = entries.map(({ proxy }) => allowSteps(proxy).flatMap(({ networks }) => networks));
  const texts = new Set(lists.map((list) => [...list].sort().join(" ")));
  const [only = ""] = texts;
  const shared = texts.size === 1 && only !== "";
  for (const { line } of entries.flatMap(({ proxy }) => allowSteps(proxy))) {
    if (shared) ledger.note(line, "carried", `allow ${only}`);
    else {
      const why = "edge-lb limits clients for all listeners or per cluster, not per listener";
      ledger.note(line, "cannot", why, { code: "allow", todo: "give each cluster its own allow list" });
    }
  }
  return shared ? optionTexts(GLOBAL.allow, only.split(" ")) : [];
}

/** What every pool of a cluster asks of its clients: in its backends, or in the rules that lead there. */
export function clusterAllow(source: Source, group: Group, ledger: Ledger): OptionTexts[] {
  const lists = group.units.map((unit) => {
    const own = allowSteps(unit.backend);
    const ruled = unit.routes.map((route) => ruleNetworks(source, route));
    const [first] = ruled;
    const all =
      first !== undefined && first !== null && ruled.every((one) => one !== null && same(one.networks, first.networks));
    return [...own, ...(all ? ruled.flatMap((one) => one ?? []) : [])];
  });
  const [first = []] = lists;
  const texts = networksOf(first);
  const shared = texts.length > 0 && lists.every((list) => same(networksOf(list), texts));
  const ofBackends = new Set(group.units.flatMap(({ backend }) => allowSteps(backend)).map(({ line }) => line));
  for (const { line } of lists.flat()) {
    if (shared) ledger.note(line, "carried", `cluster ${group.name}: allow ${texts.join(" ")}`);
    else if (ofBackends.has(line)) {
      const why = "edge-lb limits the clients of a cluster on all its listeners alike";
      ledger.note(line, "cannot", why, { code: "allow", todo: `cluster ${group.name}: allow=` });
    }
  }
  return shared ? optionTexts(CLUSTER.allow, texts) : [];
}

interface AllowList {
  readonly networks: readonly string[];
  readonly line: SourceLine;
}

function networksOf(lists: readonly AllowList[]): string[] {
  return [...new Set(lists.flatMap(({ networks }) => networks))];
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join(" ") === [...b].sort().join(" ");
}

export function allowSteps(proxy: Proxy): AllowList[] {
  return proxy.steps.flatMap((step) => {
    const networks = allowedBy(step, proxy);
    return networks === null ? [] : [{ networks, line: step.line }];
  });
}

/** The networks of `reject if !{ src NETWORKS }`, or null for another rule. */
function allowedBy({ condition, effect }: Step, proxy: Proxy): string[] | null {
  const term = onlyTerm(condition);
  if (effect !== "reject" || condition === null || term === null) return null;
  return term.negated === condition.unless ? null : networksOfTerm(term, proxy);
}

function onlyTerm(condition: Condition | null): Term | null {
  const [terms, more] = condition?.anyOf ?? [];
  const [term, other] = terms ?? [];
  return more === undefined && other === undefined ? (term ?? null) : null;
}

/** The networks of `use_backend X if NAME { src NETWORKS }`, in every alternative the same. */
function ruleNetworks(source: Source, { line, uses, nameless, rest }: Route): AllowList | null {
  const proxy = source.proxies.find(({ rules }) => rules.some((rule) => rule.line === line));
  const rule = proxy?.rules.find((one) => one.line === line);
  if (proxy === undefined || rule?.condition == null || rule.condition.unless || !namesOnly(uses, nameless, rest))
    return null;
  const lists = rule.condition.anyOf.map((terms) =>
    terms.flatMap((term) => (term.negated ? [] : (networksOfTerm(term, proxy) ?? []))),
  );
  const [first = []] = lists;
  return first.length > 0 && lists.every((list) => same(list, first)) ? { networks: first, line } : null;
}

function namesOnly(uses: readonly NameUse[], nameless: boolean, rest: boolean): boolean {
  return uses.length > 0 && !nameless && !rest;
}

function networksOfTerm(term: Term, proxy: Proxy): string[] | null {
  const tests = testsOfTerm(term, proxy);
  const patterns = tests.flatMap((test) => test.patterns.map((pattern) => readCidr(pattern.text)));
  const usable = tests.length > 0 && tests.every((test) => readsClient(test) && test.problem === null);
  if (!usable || patterns.some((reading) => !reading.ok)) return null;
  return patterns.flatMap((reading) => (reading.ok ? [cidrText(reading.value)] : []));
}
