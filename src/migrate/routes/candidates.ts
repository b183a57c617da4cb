/** Every name that the rules of a frontend, and of what lies behind it, speak of. */
import { findBackend, type Source } from "../source/configuration.ts";
import type { Condition, Term } from "../source/conditions.ts";
import { mapMethod, readMap } from "../source/converters.ts";
import { innerFrontend } from "../source/inner-frontends.ts";
import type { SourceLine } from "../source/lexer.ts";
import type { Proxy, SwitchRule } from "../source/proxies.ts";
import { readSample, type AclTest, type Call, type MatchMethod, type Sample } from "../source/samples.ts";
import { nameSample } from "../source/variables.ts";
import type { Entry } from "./entry.ts";
import { isName, type Meaning } from "./meaning.ts";
import { labelMeaning, patternMeaning } from "./patterns.ts";

/** One pattern that a rule compares the client's name with. */
export interface Candidate {
  /** As written. */
  readonly text: string;
  readonly meaning: Meaning;
  /** The `acl` line, or the rule with its own braces or map. */
  readonly line: SourceLine;
}

/** What an ACL test says of names; a problem where it says something that edge-lb cannot hold. */
export interface TestNames {
  readonly candidates: readonly Candidate[];
  readonly problem: string | null;
}

/** Of all proxies that connections of an entry may pass, each candidate once. */
export function candidatesOf(source: Source, entry: Entry): Candidate[] {
  const proxies = proxiesBehind(source, entry);
  return proxies.flatMap((proxy) => [
    ...testsOf(proxy).flatMap((test) => namesOfTest(source, proxy, test, entry.kind).candidates),
    ...proxy.rules.flatMap((rule) => namesOfRule(source, proxy, rule, entry.kind).candidates),
  ]);
}

/** The frontend, the backends its rules name, and the frontends of this file behind those. */
export function proxiesBehind(source: Source, { proxy, binds }: Entry): Proxy[] {
  const found = new Set<Proxy>([proxy]);
  for (const one of found) {
    for (const name of backendNames(source, one)) {
      const backend = findBackend(source, name);
      if (backend !== null) found.add(backend);
    }
    for (const { serverName } of one.serverRules) {
      const pool = source.serverPools.get(`${one.name}/${serverName}`);
      if (pool !== undefined) found.add(pool);
    }
    const inner = innerFrontend(source, one, binds[0]?.port ?? 0);
    if (inner !== null) found.add(inner.proxy);
  }
  return [...found];
}

/** Backends that a proxy's rules and default can lead to. */
export function backendNames(source: Source, proxy: Proxy): string[] {
  const computed = proxy.rules.flatMap(
    (rule) => computedKeys(source, proxy, rule)?.map(({ backend }) => backend) ?? [],
  );
  const plain = proxy.rules.map((rule) => rule.backendText);
  return [...plain, ...computed, ...(proxy.defaultBackend === null ? [] : [proxy.defaultBackend.name])];
}

export function testsOf(proxy: Proxy): AclTest[] {
  const conditions = [...proxy.rules, ...proxy.steps, ...proxy.serverRules].map((rule) => rule.condition);
  return [...[...proxy.acls.values()].flat(), ...conditions.flatMap(inlineTests)];
}

function inlineTests(condition: Condition | null): AclTest[] {
  return condition?.anyOf.flat().flatMap(({ test }) => (typeof test === "string" ? [] : [test])) ?? [];
}

/** The tests of one term of a condition. */
export function testsOfTerm(term: Term, proxy: Proxy): readonly AclTest[] {
  return typeof term.test === "string" ? (proxy.acls.get(term.test) ?? []) : [term.test];
}

const NO_NAMES: TestNames = { candidates: [], problem: null };

export function namesOfTest(source: Source, proxy: Proxy, test: AclTest, kind: Entry["kind"]): TestNames {
  const sample = nameSample(source, proxy, test.sample);
  // a test for addresses asks for no name
  if (sample === null || test.method === "ip") return NO_NAMES;
  if (test.problem !== null) return { candidates: [], problem: test.problem };
  const reading = readConverters(source, sample);
  if ("problem" in reading) return { candidates: [], problem: reading.problem };
  const keys = reading.keys ?? test.patterns.map(({ text }) => ({ method: test.method, text }));
  if (reading.keys === null && test.method === "found") return NO_NAMES;
  return keyNames(keys, { ...reading, ignoreCase: reading.ignoreCase || test.ignoreCase }, test.line, kind);
}

interface Key {
  readonly method: MatchMethod;
  readonly text: string;
}

/** What the converters after the name do to it. */
interface Converted {
  readonly ignoreCase: boolean;
  /** Which label of the name is looked at, from 1; null: the whole name. */
  readonly label: number | null;
  /** Keys of a map at its end; null: no map. */
  readonly keys: readonly Key[] | null;
}

/** Converters that leave a canonical name as it is. */
const KEEPS_NAME = new Set(["lower", "upper", "host_only", "ltrim", "rtrim", "regsub"]);

function readConverters(source: Source, { converters }: Sample): Converted | { readonly problem: string } {
  let label: number | null = null;
  let ignoreCase = false;
  for (const converter of converters) {
    if (converter.name === "lower") ignoreCase = true;
    const method = mapMethod(converter.name);
    if (method !== null) {
      const entries = readMap(converter.args[0] ?? "", source.readSide);
      if (entries === null) return { problem: `the map ${converter.args[0] ?? ""}, which cannot be read here` };
      return { ignoreCase, label, keys: entries.map(({ key }) => ({ method, text: key })) };
    }
    if (KEEPS_NAME.has(converter.name) || isPortCut(converter)) continue;
    const at = labelAt(converter);
    if (at === null || label !== null) return { problem: `a part of the host name (${converter.name})` };
    label = at;
  }
  return { ignoreCase, label, keys: null };
}

/** `field(1,:)` takes the port away. */
function isPortCut({ name, args }: Call): boolean {
  return (name === "field" || name === "word") && args[0] === "1" && args[1] === ":" && args.length === 2;
}

/** `field(3,.)`. */
function labelAt({ name, args }: Call): number | null {
  const [number = "", separator] = args;
  return (name === "field" || name === "word") && separator === "." && args.length === 2 && /^[1-9]$/.test(number)
    ? Number(number)
    : null;
}

function keyNames(
  keys: readonly Key[],
  { label, ignoreCase }: Converted,
  line: SourceLine,
  kind: Entry["kind"],
): TestNames {
  const candidates: Candidate[] = [];
  for (const { method, text } of keys) {
    const meaning = label === null ? patternMeaning(method, text, ignoreCase) : labelMeaning(method, text, label, kind);
    if (meaning === null) return { candidates, problem: problemOf(method, text, label) };
    candidates.push({ text, meaning, line });
  }
  return { candidates, problem: null };
}

function problemOf(method: MatchMethod, text: string, label: number | null): string {
  return label === null
    ? `the pattern ${text} (-m ${method}), which is no list of names`
    : `label ${label} of the host name alone`;
}

/** `use_backend %[…map(FILE)]` and `use_backend bk_%[req.ssl_sni,lower]`. */
export function namesOfRule(source: Source, proxy: Proxy, rule: SwitchRule, kind: Entry["kind"]): TestNames {
  const computed = readComputed(source, proxy, rule);
  if (computed === null) return NO_NAMES;
  if ("problem" in computed) return { candidates: [], problem: computed.problem };
  const keys = computed.keys ?? backendKeys(source, computed);
  return keyNames(keys, computed, rule.line, kind);
}

interface Computed extends Converted {
  readonly before: string;
  readonly after: string;
  readonly map: Call | null;
}

const COMPUTED = /^([^%]*)%\[((?:[^[\]]|\[[^\]]*\])*)\]([^%]*)$/;

/** Null: the rule names its backend. */
function readComputed(source: Source, proxy: Proxy, rule: SwitchRule): Computed | { readonly problem: string } | null {
  if (!rule.backendText.includes("%[")) return null;
  const [, before = "", expression = "", after = ""] = COMPUTED.exec(rule.backendText) ?? [];
  const sample = expression === "" ? null : nameSample(source, proxy, readSample(expression));
  if (sample === null) return { problem: `the computed name ${rule.backendText}` };
  const reading = readConverters(source, sample);
  if ("problem" in reading) return reading;
  const map = sample.converters.find((converter) => mapMethod(converter.name) !== null) ?? null;
  return { ...reading, before, after, map };
}

/** Backends called after a host name, or after one label of it. */
function backendKeys(source: Source, { before, after, label }: Computed): Key[] {
  return [...source.backends.keys()].flatMap((name) => {
    const middle = name.slice(before.length, name.length - after.length);
    const fits = name === before + middle + after && isName(middle) && middle.includes(".") === (label === null);
    return fits ? [{ method: "str" as const, text: middle }] : [];
  });
}

/** The backends that a computed name stands for, with the map's key; null: the rule names its backend, or nobody can tell. */
export function computedKeys(
  source: Source,
  proxy: Proxy,
  rule: SwitchRule,
): { readonly key: string; readonly backend: string }[] | null {
  const computed = readComputed(source, proxy, rule);
  if (computed === null || "problem" in computed) return null;
  const { before, after, map } = computed;
  if (map === null)
    return backendKeys(source, computed).map(({ text }) => ({ key: text, backend: before + text + after }));
  const [path = "", fallback] = map.args;
  const entries = readMap(path, source.readSide) ?? [];
  return [
    ...entries.map(({ key, value }) => ({ key, backend: before + value + after })),
    ...(fallback === undefined ? [] : [{ key: "", backend: before + fallback + after }]),
  ];
}
