/** A fate for every line that no step before has spoken of: no line of the source is passed over in silence. */
import { backendNames, proxiesBehind, testsOfTerm } from "../routes/candidates.ts";
import type { OtherRole } from "../routes/listeners.ts";
import type { Parts } from "../plan/plan.ts";
import type { Source } from "../source/configuration.ts";
import type { Outcome } from "../source/evaluator.ts";
import { fetchIsKnown } from "../source/fetches.ts";
import { innerFrontend } from "../source/inner-frontends.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import type { Proxy } from "../source/proxies.ts";
import type { Section } from "../source/sections.ts";
import type { Step } from "../source/steps.ts";
import { nameSample } from "../source/variables.ts";
import { PREDEFINED } from "./rule-notes.ts";
import { redirectFate } from "./redirect-fate.ts";
import { DIRECTIVES, PREFIXES, OTHER_SECTIONS, type Fate } from "./directives.ts";
import type { Ledger } from "../source/ledger.ts";

export function noteEverythingElse(parts: Parts, ledger: Ledger): void {
  noteOthers(parts, ledger);
  noteInner(parts, ledger);
  for (const proxy of parts.source.proxies) {
    for (const step of proxy.steps) noteStep(parts, proxy, step, ledger);
  }
  for (const section of parts.source.sections) noteSection(parts, section, ledger);
}

function give(line: SourceLine, [fate, why, todo]: Fate, ledger: Ledger, code = ""): void {
  if (!ledger.hasFate(line)) ledger.note(line, fate, why, todo === undefined ? { code } : { code, todo });
}

const WHOLE: Readonly<Record<OtherRole, Fate>> = {
  "tls-ends-here": [
    "cannot",
    "TLS ends here; edge-lb passes TLS through to the clusters and holds no keys",
    "let the cluster's ingress hold the certificate, or keep this frontend on another address",
  ],
  sample: [
    "cannot",
    "not a listener of clusters: this is the example that the haproxy package ships",
    "drop it, or keep this frontend where it is",
  ],
  other: [
    "cannot",
    "not a listener of clusters: edge-lb serves api, https, http and mcs, routed by name",
    "keep this frontend where it is",
  ],
};

/** Frontends that stay behind, and the backends that only they use. */
function noteOthers({ source, others, entries }: Parts, ledger: Ledger): void {
  const carried = new Set(entries.map((entry) => entry.proxy));
  for (const { proxy, role } of others) {
    if (carried.has(proxy)) {
      for (const bind of proxy.binds.filter((one) => !ledger.hasFate(one.line)))
        give(bind.line, WHOLE[role], ledger, role);
    } else giveAll(source, proxy, role, ledger);
  }
}

function giveAll(source: Source, proxy: Proxy, role: OtherRole, ledger: Ledger): void {
  const names = new Set(backendNames(source, proxy));
  const behind = source.proxies.filter((one) => names.has(one.name) && !ledger.hasFate(one.section.head));
  for (const { section } of [proxy, ...behind]) {
    for (const line of [section.head, ...section.lines]) give(line, WHOLE[role], ledger, role);
  }
}

/** Frontends of the file that it connects to itself: they are on the way, or end TLS. */
function noteInner({ source, entries }: Parts, ledger: Ledger): void {
  for (const proxy of new Set(entries.flatMap((entry) => proxiesBehind(source, entry)))) {
    const inner = innerFrontend(source, proxy, proxy.binds[0]?.port ?? 0);
    if (inner === null) continue;
    const { section } = proxy;
    const role = inner.bind.ssl ? ("tls-ends-here" as const) : null;
    const why = `leads to frontend ${inner.proxy.name} of the same file: its rules were followed`;
    const fate: Fate = role === null ? ["carried", why] : WHOLE[role];
    for (const line of [section.head, ...section.lines]) give(line, fate, ledger, role ?? "");
    if (role !== null) giveAll(source, inner.proxy, role, ledger);
    else give(inner.proxy.section.head, ["carried", "reached from this file itself: its rules were followed"], ledger);
    for (const { line } of inner.proxy.binds) give(line, ["carried", "reached from this file itself"], ledger);
  }
}

const BY_NAME: Fate = [
  "cannot",
  "edge-lb decides by the name asked for and the client's address only",
  "use allow for client addresses; for the rest keep a proxy of your own behind edge-lb",
];

const BY_HAPROXY: Fate = [
  "cannot",
  "HAProxy answers this itself; edge-lb answers only what it cannot lead to a cluster, in words of its own",
  "let a cluster answer it, or keep a proxy of your own for it on another address",
];

function noteStep(parts: Parts, proxy: Proxy, step: Step, ledger: Ledger): void {
  if (ledger.hasFate(step.line)) return;
  const [fate, code] = fateOfStep(parts, proxy, step);
  give(step.line, fate, ledger, code);
  if (neverRuns(parts, proxy, step)) {
    const why = "a rule before it accepts every connection, and what accepts ends the list: this one never runs";
    ledger.mistake(step.line, "never-matches", why, "put it first");
  }
}

/** A refusal by name that refuses none of the names it was written for, nor any other. */
function neverRuns({ source, surveys }: Parts, proxy: Proxy, { effect, condition, line }: Step): boolean {
  const tests = condition?.anyOf.flat().flatMap((term) => testsOfTerm(term, proxy)) ?? [];
  const own = surveys.filter(({ entry }) => entry.proxy === proxy);
  if (effect !== "reject" || own.length === 0) return false;
  if (!tests.some(({ sample }) => nameSample(source, proxy, sample) !== null)) return false;
  const refuses = (outcome: Outcome): boolean => "line" in outcome && outcome.line === line;
  return own.every(
    ({ refusals, rest, nameless }) => ![...refusals.map(({ outcome }) => outcome), rest, nameless].some(refuses),
  );
}

function fateOfStep(parts: Parts, proxy: Proxy, step: Step): readonly [fate: Fate, code: string] {
  switch (step.effect) {
    case "accept":
      return [["carried", "edge-lb always waits for the hello or the request's head"], ""];
    case "capture":
      return [DIRECTIVES["capture"] ?? BY_NAME, ""];
    case "set":
      return [fateOfVariable(parts.source, proxy, step), ""];
    case "redirect-https":
      return [redirectFate(parts, step.line), "redirect"];
    case "answer":
      return [BY_HAPROXY, "rule"];
    case "reject":
      return decidesByName(parts.source, proxy, step) ? refusal(parts, step) : [BY_NAME, "rule"];
  }
}

function fateOfVariable(source: Source, proxy: Proxy, { sample, variable }: Step): Fate {
  const isName = sample !== null && nameSample(source, proxy, sample) !== null;
  return isName
    ? [
        "carried",
        `${variable} is the name asked for: rules that read it were followed, and every line of the log has it`,
      ]
    : ["not-needed", `no route depends on the variable ${variable}`];
}

/** Whether all that a rule asks for is the name, or whether there is a hello or request at all. */
function decidesByName(source: Source, proxy: Proxy, { condition }: Step): boolean {
  return (condition?.anyOf.flat() ?? []).every((term) => {
    const tests = testsOfTerm(term, proxy);
    if (tests.length === 0) return typeof term.test === "string" && PREDEFINED.test(term.test);
    return tests.every(({ problem, sample }) => {
      const { name } = sample.fetch;
      return problem === null && (nameSample(source, proxy, sample) !== null || (fetchIsKnown(name) && name !== "src"));
    });
  });
}

/** Refused there, and here too, unless a wider name takes it. */
function refusal({ surveys }: Parts, step: Step): readonly [fate: Fate, code: string] {
  const refused = surveys.flatMap(({ refusals }) => refusals);
  const taken = refused.find(
    ({ outcome, takenBy }) => takenBy !== null && "line" in outcome && outcome.line === step.line,
  );
  if (taken === undefined)
    return [["carried", "refused here too: what is no hello or request, and names no cluster has"], ""];
  return [["cannot", `edge-lb gives ${taken.name} to the cluster that has ${taken.takenBy}`], "exception"];
}

function noteSection(parts: Parts, section: Section, ledger: Ledger): void {
  const lines = [section.head, ...section.lines];
  if (section.kind === "other") {
    for (const line of lines)
      give(line, OTHER_SECTIONS[section.keyword] ?? ["not-needed", "no part of routing"], ledger);
    return;
  }
  if (section.lines.some((line) => line.words.length === 1 && wordAt(line, 0) === "disabled")) {
    for (const line of lines) give(line, ["not-needed", `${section.keyword} ${section.name} is disabled`], ledger);
    return;
  }
  if (parts.stats.some((proxy) => proxy.section === section)) {
    for (const line of lines)
      give(line, ["changed", "the status page, JSON, metrics and HAProxy's CSV are at the admin address"], ledger);
    return;
  }
  const isUsed = section.kind === "global" || section.kind === "defaults" || ledger.hasFate(section.head);
  const unused: Fate = ["not-needed", `no route of this file leads to ${section.keyword} ${section.name}`];
  for (const line of lines) give(line, isUsed ? fateOf(line) : unused, ledger, isUsed ? unknownCode(line) : "");
}

const HEADS: Fate = ["carried", "read"];
const UNKNOWN: Fate = [
  "cannot",
  "this directive is not known to edge-lb",
  "look up what it does; edge-lb has no word for it",
];

function unknownCode(line: SourceLine): string {
  return fateOf(line) === UNKNOWN ? "unknown-directive" : "";
}

/** By two words, then one, then a prefix; `no option X` is as `option X`. */
function fateOf(line: SourceLine): Fate {
  const words = wordsFrom(line, 0);
  const [first = "", second = "", third = ""] = words[0] === "no" && words[1] === "option" ? words.slice(1) : words;
  if (first === "global" || first === "defaults") return HEADS;
  if (first === "acl") return ["not-needed", "no route depends on this ACL"];
  const forwarded =
    first === "http-request" &&
    ((/^(set|add|del)-header$/.test(second) && /^x-forwarded-/i.test(third)) ||
      // what a client says of itself goes no further, unless it is a trusted proxy
      (second === "del-header" && /^(forwarded|x-real-ip)$/i.test(third)));
  const action = first === "tcp-request" && third !== "" && second !== "inspect-delay" ? third : second;
  const table = /^(track-sc|sc-)/.test(action) ? "track-sc" : action;
  return (
    (forwarded ? DIRECTIVES["http-request set-header X-Forwarded"] : undefined) ??
    DIRECTIVES[`${first} ${table}`] ??
    DIRECTIVES[first] ??
    PREFIXES.find(([prefix]) => first.startsWith(prefix))?.[1] ??
    UNKNOWN
  );
}
