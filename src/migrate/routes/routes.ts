/** Which names lead to which backend: every name that the rules speak of is asked for, and goes where the source sends it. */
import { EMPTY_NAMES } from "../../core/route/lookup.ts";
import { clientsOf } from "../source/clients.ts";
import type { Source } from "../source/configuration.ts";
import { evaluate, type Ask, type Led, type Outcome } from "../source/evaluator.ts";
import type { SourceLine } from "../source/lexer.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";
import { candidatesOf, proxiesBehind, testsOf, type Candidate } from "./candidates.ts";
import type { Entry } from "./entry.ts";
import { matchesName, sampleOf, sampleOfLabel, type LabelName } from "./meaning.ts";
import { ELSEWHERE, LITERAL } from "./near-misses.ts";

/** One pattern that leads to a backend, with what of it really does. */
export interface NameUse extends Candidate {
  readonly names: readonly string[];
  readonly labels: readonly LabelName[];
}

/** Where the rule on one line leads. */
export interface Route {
  readonly entry: Entry;
  readonly backend: Proxy;
  readonly uses: readonly NameUse[];
  /** Takes who asks for no name. */
  readonly nameless: boolean;
  /** Takes names that no rule speaks of. */
  readonly rest: boolean;
  readonly line: SourceLine;
  /** Rules before it, through frontends of the file itself. */
  readonly via: readonly SourceLine[];
}

/** A name that the source does not lead to a cluster. */
export interface Refusal {
  readonly candidate: Candidate;
  /** `shop.lab`, `*.shop.lab`. */
  readonly name: string;
  readonly outcome: Outcome;
  /** The name whose cluster gets it in edge-lb; "*" for a catch-all, null: it is refused there too. */
  readonly takenBy: string | null;
}

/** What a frontend does, as found by asking. */
export interface EntryRoutes {
  readonly entry: Entry;
  readonly candidates: readonly Candidate[];
  readonly routes: readonly Route[];
  readonly refusals: readonly Refusal[];
  /** Who asks for no name, and who asks for a name of nobody. */
  readonly nameless: Outcome;
  readonly rest: Outcome;
  /** The client that was asked with, and all that rules tell apart. */
  readonly client: string;
  readonly clients: readonly string[];
}

/** A name of nobody, that no file speaks of. */
export const NOBODY = `nobody.${ELSEWHERE}`;

export function routesOf(source: Source, entry: Entry): EntryRoutes {
  return new Survey(source, entry).run();
}

/** A name or label with the pattern it is from. */
interface Subject {
  readonly candidate: Candidate;
  readonly name: string | null;
  readonly label: LabelName | null;
  /** What is asked for. */
  readonly sample: string;
}

type Draft = { -readonly [K in keyof Route]: Route[K] } & { uses: NameUse[] };

/** Asks one frontend for all names, and gathers where they lead. */
class Survey {
  private readonly source: Source;
  private readonly entry: Entry;
  private readonly candidates: readonly Candidate[];
  private readonly clients: readonly string[];
  private client: string;
  /** Where connections without a name go. */
  private nameless: Led | null = null;
  private readonly routes = new Map<string, Draft>();
  private readonly refusals: Refusal[] = [];

  constructor(source: Source, entry: Entry) {
    this.source = source;
    this.entry = entry;
    this.candidates = candidatesOf(source, entry);
    this.clients = clientsOf(proxiesBehind(source, entry).flatMap(testsOf));
    this.client = this.clients[0] ?? "";
  }

  run(): EntryRoutes {
    const { entry, candidates, clients, refusals } = this;
    const subjects = subjectsOf(candidates);
    this.client = this.welcomeClient(subjects);
    const [nameless, rest] = [this.ask(null), this.ask(NOBODY)];
    this.nameless = destination(nameless);
    const left = subjects.filter((subject) => !this.grantByRule(subject, rest));
    // Wide names first, so that a name below one is seen as covered.
    for (const subject of left.sort((a, b) => labelsOf(a) - labelsOf(b))) this.settle(subject, rest);
    const [ofNameless, ofRest] = [destination(nameless), destination(rest)];
    if (ofNameless !== null) this.route(ofNameless).nameless = true;
    if (ofRest !== null) this.route(ofRest).rest = true;
    const ofAddress = entry.kind === "http" ? null : destination(this.ask(LITERAL));
    if (ofAddress !== null && ofAddress.backend === ofNameless?.backend) this.route(ofAddress).nameless = true;
    return {
      entry,
      candidates,
      routes: [...this.routes.values()],
      refusals,
      nameless,
      rest,
      client: this.client,
      clients,
    };
  }

  private ask(name: string | null, more: Partial<Ask> = {}): Outcome {
    const { proxy, binds, kind } = this.entry;
    const speaks = kind === "http" ? "http" : "tls";
    const port = binds[0]?.port ?? 0;
    return evaluate(this.source, {
      proxy,
      port,
      name,
      speaks,
      client: this.client,
      doubt: "skip",
      asMeant: true,
      ...more,
    });
  }

  /** The client for whom most names lead somewhere: one that an allow list lets in. */
  private welcomeClient(subjects: readonly Subject[]): string {
    const names = [...subjects.map(({ sample }) => sample), null, NOBODY];
    const scores = this.clients.map(
      (client) => names.filter((name) => destination(this.ask(name, { client })) !== null).length,
    );
    return this.clients[scores.indexOf(Math.max(...scores))] ?? this.client;
  }

  /** Led by a rule that does not take every name: true. */
  private grantByRule(subject: Subject, rest: Outcome): boolean {
    const led = destination(this.askSubject(subject));
    if (led === null || led.byDefault) return false;
    if (this.isSilent(subject) && led.backend === this.nameless?.backend) {
      this.route(led).nameless = true;
      return true;
    }
    const all = destination(rest);
    if (all?.line === led.line && all.backend === led.backend) return false;
    this.grant(led, subject);
    return true;
  }

  /** edge-lb takes it for no name: what every cluster calls its own API server. */
  private isSilent({ name }: Subject): boolean {
    return this.entry.kind !== "http" && name !== null && EMPTY_NAMES.has(name);
  }

  /** Where its own test fails on what it is meant for, as if it did not: HAProxy does not see the name there, or in other letters. */
  private askSubject({ candidate, sample }: Subject): Outcome {
    const outcome = this.ask(sample);
    if (destination(outcome)?.byDefault === false) return outcome;
    const meant = this.ask(sample, {
      meant: (test) => test.line === candidate.line && test.patterns.some(({ text }) => text === candidate.text),
    });
    return destination(meant)?.byDefault === false ? meant : outcome;
  }

  /** A name left to the default, or refused: it needs a word where edge-lb would send it elsewhere. */
  private settle(subject: Subject, rest: Outcome): void {
    const outcome = this.askSubject(subject);
    const cover = subject.name === null ? null : this.cover(subject.name);
    const restOf = destination(rest)?.backend ?? null;
    const { candidate, name } = subject;
    const led = destination(outcome);
    if (led !== null) {
      const gets = cover?.backend ?? restOf;
      if (gets !== led.backend) this.grant(led, subject);
    } else if (name !== null) {
      this.refusals.push({ candidate, name, outcome, takenBy: cover?.name ?? (restOf === null ? null : "*") });
    }
  }

  /** Who gets the name by a name above it. */
  private cover(name: string): { readonly name: string; readonly backend: Proxy } | null {
    const above = [...this.routes.values()].flatMap(({ backend, uses }) =>
      uses.flatMap((use) => use.names.map((one) => ({ name: one, backend }))),
    );
    const sample = sampleOf(name);
    return (
      above
        .filter((one) => one.name !== name && matchesName(one.name, sample))
        .sort((a, b) => b.name.length - a.name.length)[0] ?? null
    );
  }

  private grant(outcome: Led, { candidate, name, label }: Subject): void {
    const route = this.route(outcome);
    const at = route.uses.findIndex((use) => use.line === candidate.line && use.text === candidate.text);
    const before = route.uses[at];
    const use: NameUse = {
      ...candidate,
      names: [...(before?.names ?? []), ...(name === null ? [] : [name])],
      labels: [...(before?.labels ?? []), ...(label === null ? [] : [label])],
    };
    if (before === undefined) route.uses.push(use);
    else route.uses[at] = use;
  }

  private route({ backend, line, via }: Led): Draft {
    const key = `${line.line} ${backend.name}`;
    const route = this.routes.get(key) ?? {
      entry: this.entry,
      backend,
      uses: [],
      nameless: false,
      rest: false,
      line,
      via,
    };
    this.routes.set(key, route);
    return route;
  }
}

/** Where a frontend leads a name, for the client that its survey was made with. */
export function askEntry(source: Source, { entry, client }: EntryRoutes, name: string | null): Outcome {
  const { proxy, binds, kind } = entry;
  const speaks = kind === "http" ? "http" : "tls";
  return evaluate(source, { proxy, port: binds[0]?.port ?? 0, name, speaks, client, doubt: "skip", asMeant: true });
}

/** Where a name belongs: also where that backend itself redirects it to https. Null: to no server that edge-lb can dial. */
export function destination(outcome: Outcome): Led | null {
  const led = outcome.kind === "redirect-https" ? outcome.before : outcome;
  return led !== null && reached(led) ? led : null;
}

/** Leads to a server that edge-lb can dial. */
export function reached(outcome: Outcome): outcome is Led {
  return outcome.kind === "backend" && usableServers(outcome.backend).length > 0;
}

/** Each name and label once, by the first pattern that says it. */
function subjectsOf(candidates: readonly Candidate[]): Subject[] {
  const subjects = new Map<string, Subject>();
  for (const candidate of candidates) {
    for (const name of candidate.meaning.names) {
      if (!subjects.has(name)) subjects.set(name, { candidate, name, label: null, sample: sampleOf(name) });
    }
    for (const label of candidate.meaning.labels) {
      const sample = sampleOfLabel(label);
      if (!subjects.has(sample)) subjects.set(sample, { candidate, name: null, label, sample });
    }
  }
  return [...subjects.values()];
}

function labelsOf({ name }: Subject): number {
  return name?.startsWith("*.") === true ? name.split(".").length : Number.MAX_SAFE_INTEGER;
}
