/** The routes of a frontend: which names lead to which backend. */
import { findBackend, type Source } from "../source/configuration.ts";
import type { Term } from "../source/conditions.ts";
import { mapMethod, readMap } from "../source/converters.ts";
import { isNameSample, termHolds, type Ask } from "../source/evaluator.ts";
import type { SourceLine } from "../source/lexer.ts";
import { usableServers, type Proxy, type SwitchRule } from "../source/proxies.ts";
import { readSample, type AclTest, type MatchMethod } from "../source/samples.ts";
import type { Ledger } from "../source/ledger.ts";
import type { Entry } from "./listeners.ts";
import { isName, sampleOf, type Meaning } from "./meaning.ts";
import { patternMeaning } from "./patterns.ts";

/** One pattern that leads to a backend. */
export interface NameUse {
  /** As written. */
  readonly text: string;
  readonly meaning: Meaning;
  /** The `acl` line, or the rule with its own braces or map. */
  readonly line: SourceLine;
}

export interface Route {
  readonly entry: Entry;
  readonly backend: Proxy;
  readonly uses: readonly NameUse[];
  /** Takes what no name led elsewhere. */
  readonly byDefault: boolean;
  readonly line: SourceLine;
}

/** Reads every rule of an entry; what cannot be a route is noted. */
export function routesOf(source: Source, entry: Entry, ledger: Ledger): Route[] {
  const routes = entry.proxy.rules.flatMap((rule) => ruleRoutes(source, entry, rule, ledger));
  const fallback = defaultRoute(source, entry, ledger);
  return fallback === null ? routes : [...routes, fallback];
}

function defaultRoute(source: Source, entry: Entry, ledger: Ledger): Route | null {
  const { proxy } = entry;
  if (proxy.defaultBackend !== null) {
    const { name, line } = proxy.defaultBackend;
    const backend = reach(source, name, line, ledger);
    return backend === null ? null : { entry, backend, uses: [], byDefault: true, line };
  }
  if (usableServers(proxy).length === 0) return null;
  return { entry, backend: proxy, uses: [], byDefault: true, line: proxy.section.head };
}

/** The backend, if it has servers; a missing one is a mistake. */
function reach(source: Source, name: string, line: SourceLine, ledger: Ledger): Proxy | null {
  const backend = findBackend(source, name);
  if (backend === null) {
    ledger.mistake(
      line,
      "missing-backend",
      `there is no backend ${name}; HAProxy refuses to start`,
      "add it or drop the rule",
    );
    ledger.note(line, "cannot", `leads to the missing backend ${name}`, { code: "missing-backend" });
    return null;
  }
  if (usableServers(backend).length > 0) return backend;
  if (backend.servers.length + backend.unusable.length > 0) {
    const why = `backend ${name} has no server that edge-lb can use`;
    ledger.note(line, "cannot", why, { code: "no-servers", todo: "give it nodes with addresses or host names" });
    return null;
  }
  if (!ledger.hasFate(line)) {
    ledger.note(line, "not-needed", `backend ${name} has no servers: edge-lb answers unknown names itself, in words`);
  }
  return null;
}

function ruleRoutes(source: Source, entry: Entry, rule: SwitchRule, ledger: Ledger): Route[] {
  const ask: Ask = { proxy: entry.proxy, port: entry.binds[0]?.port ?? 0, name: null };
  if (rule.backendText.includes("%[")) return computedRoutes(source, entry, rule, ledger);
  const alternatives = rule.condition?.anyOf.map((terms) => alternativeUses(terms, ask, source)) ?? ["all" as const];
  if (rule.condition?.unless === true) return unlessRoute(source, entry, rule, ledger);
  const backend = reach(source, rule.backendText, rule.line, ledger);
  if (backend === null) return [];
  const uses: NameUse[] = [];
  for (const alternative of alternatives) {
    if (typeof alternative === "object" && "problem" in alternative) cannotRoute(rule, alternative.problem, ledger);
    else if (typeof alternative === "object") uses.push(...alternative);
  }
  const byDefault = alternatives.includes("all");
  noteExceptions(rule, entry.proxy, ledger);
  if (alternatives.every((one) => Array.isArray(one) && one.length === 0)) {
    ledger.mistake(rule.line, "never-matches", "its tests contradict each other: it never matches", "drop the rule");
    ledger.note(rule.line, "not-needed", "no connection ever gets here");
  }
  return uses.length > 0 || byDefault ? [{ entry, backend, uses, byDefault, line: rule.line }] : [];
}

/** `if apps !console`: where the exception goes is said by the rules that name it. */
function noteExceptions(rule: SwitchRule, proxy: Proxy, ledger: Ledger): void {
  const excepted = rule.condition?.anyOf
    .flat()
    .some((term) => term.negated && testsOf(term, proxy).some((test) => isNameSample(test.sample)));
  if (excepted !== true) return;
  const why = "exceptions need no word: of two names that fit, the more exact one wins";
  ledger.note(rule.line, "changed", why, { code: "exception" });
}

function cannotRoute(rule: SwitchRule, problem: string, ledger: Ledger): void {
  const todo = "route by name, or keep a proxy of your own behind edge-lb for this rule";
  ledger.note(rule.line, "cannot", `edge-lb routes by the name asked for; this rule depends on ${problem}`, {
    code: "condition",
    todo,
  });
}

/** `unless NAMES`: everything else, which is what a default is. */
function unlessRoute(source: Source, entry: Entry, rule: SwitchRule, ledger: Ledger): Route[] {
  const backend = reach(source, rule.backendText, rule.line, ledger);
  return backend === null ? [] : [{ entry, backend, uses: [], byDefault: true, line: rule.line }];
}

type Alternative = "all" | "never" | NameUse[] | { readonly problem: string };

/** One AND: names of its first test on the name, kept where its other tests agree. */
function alternativeUses(terms: readonly Term[], ask: Ask, source: Source): Alternative {
  const named = terms.filter((term) => testsOf(term, ask.proxy).some((test) => isNameSample(test.sample)));
  for (const term of terms.filter((one) => !named.includes(one))) {
    const holds = termHolds(term, ask, source);
    if (holds === null || testsOf(term, ask.proxy).some(isOfRequest)) return { problem: problemOf(term, ask.proxy) };
    if (!holds) return "never";
  }
  const [first, ...others] = named.filter((term) => !term.negated);
  if (first === undefined) return "all";
  const uses = testsOf(first, ask.proxy).map((test) => testUses(test));
  const problem = uses.find((use) => "problem" in use);
  if (problem !== undefined && "problem" in problem) return problem;
  return uses
    .flatMap((use) => ("problem" in use ? [] : use))
    .filter(({ meaning }) => {
      const sample = meaning.names[0];
      const asked = { ...ask, name: sample === undefined ? null : sampleOf(sample) };
      return sample === undefined || others.every((term) => termHolds(term, asked, source) === true);
    });
}

/** The evaluator asks for `/` with GET; a route must not depend on that. */
function isOfRequest(test: AclTest): boolean {
  return ["path", "url", "method"].includes(test.sample.fetch.name);
}

function testsOf(term: Term, proxy: Proxy): readonly AclTest[] {
  return typeof term.test === "string" ? (proxy.acls.get(term.test) ?? []) : [term.test];
}

function problemOf(term: Term, proxy: Proxy): string {
  const [test] = testsOf(term, proxy);
  if (test === undefined) return `the ACL ${String(term.test)}, which is not declared`;
  return test.problem ?? test.sample.fetch.name;
}

function testUses(test: AclTest): NameUse[] | { readonly problem: string } {
  if (test.problem !== null) return { problem: test.problem };
  const ignoreCase = test.ignoreCase || test.sample.converters.some((converter) => converter.name === "lower");
  const uses: NameUse[] = [];
  for (const pattern of test.patterns) {
    const meaning = patternMeaning(test.method, pattern.text, ignoreCase);
    if (meaning === null)
      return { problem: `the pattern ${pattern.text} (-m ${test.method}), which is no list of names` };
    uses.push({ text: pattern.text, meaning, line: test.line });
  }
  return uses;
}

const COMPUTED = /^([^%]*)%\[((?:[^[\]]|\[[^\]]*\])*)\]([^%]*)$/;

/** `use_backend %[…map(FILE)]` and `use_backend bk_%[req.ssl_sni,lower]`. */
function computedRoutes(source: Source, entry: Entry, rule: SwitchRule, ledger: Ledger): Route[] {
  const [, before = "", expression = "", after = ""] = COMPUTED.exec(rule.backendText) ?? [];
  const sample = readSample(expression);
  if (expression === "" || !isNameSample(sample)) {
    cannotRoute(rule, `the computed name ${rule.backendText}`, ledger);
    return [];
  }
  if (rule.condition !== null) {
    ledger.note(rule.line, "changed", "the names of the map decide alone; the condition is dropped", {
      code: "condition",
    });
  }
  const map = sample.converters.find((converter) => mapMethod(converter.name) !== null);
  const keys = map === undefined ? backendKeys(source, before, after) : mapKeys(map, source);
  if (keys === null) {
    cannotRoute(rule, `the map ${map?.args[0] ?? ""}, which cannot be read here`, ledger);
    return [];
  }
  const ignoreCase = sample.converters.some((converter) => converter.name === "lower");
  const routes = keys.flatMap((key) => keyRoute(source, entry, rule, { ...key, before, after, ignoreCase }, ledger));
  const fallback = map?.args[1];
  const backend = fallback === undefined ? null : findBackend(source, before + fallback + after);
  if (backend === null || usableServers(backend).length === 0) return routes;
  return [...routes, { entry, backend, uses: [], byDefault: true, line: rule.line }];
}

interface Key {
  readonly method: MatchMethod;
  readonly text: string;
  readonly value: string;
}

function mapKeys(map: { readonly name: string; readonly args: readonly string[] }, source: Source): Key[] | null {
  const method = mapMethod(map.name) ?? "str";
  return readMap(map.args[0] ?? "", source.readSide)?.map(({ key, value }) => ({ method, text: key, value })) ?? null;
}

/** Backends called after a host name. */
function backendKeys(source: Source, before: string, after: string): Key[] {
  return source.proxies.flatMap(({ name, section }) => {
    const middle = name.slice(before.length, name.length - after.length);
    const fits =
      section.kind !== "frontend" && name === before + middle + after && middle.includes(".") && isName(middle);
    return fits ? [{ method: "str" as const, text: middle, value: middle }] : [];
  });
}

function keyRoute(
  source: Source,
  entry: Entry,
  rule: SwitchRule,
  key: Key & { readonly before: string; readonly after: string; readonly ignoreCase: boolean },
  ledger: Ledger,
): Route[] {
  const name = key.before + key.value + key.after;
  const backend = findBackend(source, name);
  if (backend === null) {
    ledger.mistake(rule.line, "missing-backend", `the map sends ${key.text} to ${name}, which does not exist`);
    return [];
  }
  const meaning = patternMeaning(key.method, key.text, key.ignoreCase);
  if (meaning === null) {
    cannotRoute(rule, `the map's key ${key.text}`, ledger);
    return [];
  }
  if (usableServers(backend).length === 0) return [];
  return [{ entry, backend, uses: [{ text: key.text, meaning, line: rule.line }], byDefault: false, line: rule.line }];
}
