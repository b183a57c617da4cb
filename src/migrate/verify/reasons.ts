/** Why the source and edge-lb answer a name differently: the one note of the report that says so. */
import type { ImportResult } from "../plan/plan.ts";
import { proxiesBehind } from "../routes/candidates.ts";
import { writtenDomain } from "../plan/imported.ts";
import type { Group } from "../plan/groups.ts";
import { matchesLabel, matchesName, type FaultCode } from "../routes/meaning.ts";
import { reached, type EntryRoutes, type NameUse, type Route } from "../routes/routes.ts";
import type { Outcome } from "../source/evaluator.ts";
import type { Note } from "../source/ledger.ts";
import type { SourceLine } from "../source/lexer.ts";

export interface Case {
  readonly survey: EntryRoutes;
  readonly name: string | null;
  readonly client: string;
  /** As the source is meant. */
  readonly outcome: Outcome;
  /** edge-lb does what is meant: the source does not, by a mistake. */
  readonly asMeant: boolean;
  /** `` where edge-lb refuses. */
  readonly edgeReaches: string;
  /** The group whose cluster edge-lb chose. */
  readonly group: Group | null;
}

/** Null: nothing in the report explains it. */
export function findReason(result: ImportResult, one: Case): Note | null {
  return new Reasons(result, one).find();
}

type Classes = readonly Note["class"][];

/** What the source takes too little of; edge-lb takes what was meant. */
const FEWER: readonly FaultCode[] = ["one-label", "case", "literal-star", "host-port"];
/** Codes that say why a name of the source does not reach its cluster. */
const NARROWED = ["label", "api-wildcard", "mcs-name", "claimed-twice"];
const OTHER_NODES = ["ports-differ", "dual-stack"];

const SAYS_NOTHING = /^(?:[\d.]+|[\da-f:]+|localhost|kubernetes(?:\.default(?:\.svc(?:\.cluster\.local)?)?)?)$/;

/** The notes of one import, asked about one difference. */
class Reasons {
  private readonly result: ImportResult;
  private readonly one: Case;

  constructor(result: ImportResult, one: Case) {
    this.result = result;
    this.one = one;
  }

  find(): Note | null {
    return this.one.asMeant ? this.byMistake() : (this.byRules() ?? this.saysNothing() ?? this.byMistake());
  }

  /** Nothing waits for the hello, or TLS is read as a request. */
  private byMistake(): Note | null {
    const { survey, outcome } = this.one;
    const led = outcome.kind === "backend" ? [outcome.line] : [];
    const lines = [...led, survey.entry.proxy.section.head];
    return this.firstNoted(lines, ["mistake"], ["http-backend", "no-inspect-delay"]);
  }

  /** A name that edge-lb takes for none. */
  private saysNothing(): Note | null {
    const { name, survey } = this.one;
    if (name === null || survey.entry.kind === "http" || !SAYS_NOTHING.test(name)) return null;
    const lines = survey.routes.filter((route) => route.nameless || route.rest).map((route) => route.line);
    return this.firstNoted(lines, ["changed"], ["no-name"]);
  }

  private byRules(): Note | null {
    const { outcome } = this.one;
    switch (outcome.kind) {
      case "unknown":
        return this.noted(outcome.line, ["cannot", "changed"]);
      case "redirect-https":
        return this.noted(outcome.line, ["cannot", "changed"], ["redirect"]);
      case "tls-ends":
        return this.noted(outcome.line, ["cannot"], ["tls-ends-here"]);
      case "backend":
        return this.ofClient() ?? this.whyNotThere(outcome) ?? (this.isOwn(outcome) ? null : this.whyMore());
      case "answer":
      case "none":
        return this.ofClient() ?? this.whyRefused(outcome.line) ?? this.whyMore();
    }
  }

  private noted(line: SourceLine | null, classes: Classes, codes?: readonly string[]): Note | null {
    const fits = (note: Note): boolean =>
      note.line === line?.line && classes.includes(note.class) && (codes?.includes(note.code) ?? true);
    return this.result.notes.find(fits) ?? null;
  }

  private firstNoted(lines: readonly SourceLine[], classes: Classes, codes: readonly string[]): Note | null {
    for (const line of lines) {
      const note = this.noted(line, classes, codes);
      if (note !== null) return note;
    }
    return null;
  }

  /** A rule on the client's address that edge-lb has not: it tells this client from the usual one. */
  private ofClient(): Note | null {
    const { survey, client } = this.one;
    if (client === survey.client) return null;
    const proxies = proxiesBehind(this.result.source, survey.entry);
    const lines = proxies.flatMap(({ steps, rules }) => [...steps, ...rules].map(({ line }) => line));
    return this.firstNoted(lines, ["cannot"], ["allow", "rule", "condition"]);
  }

  /** A rule of the source that refuses, and that edge-lb has not. */
  private whyRefused(line: SourceLine | null): Note | null {
    return this.excluded() ?? this.noted(line, ["cannot"]);
  }

  /** A name that the source refuses below one that it serves. */
  private excluded(): Note | null {
    const { name, survey } = this.one;
    if (name === null) return null;
    const lower = name.toLowerCase();
    const refusal = survey.refusals.find((one) => matchesName(one.name, lower) || one.candidate.meaning.takes(name));
    return refusal === undefined ? null : this.noted(refusal.candidate.line, ["cannot"], ["exception"]);
  }

  /** The same cluster on both sides, but not the same nodes: names explain nothing then. */
  private isOwn(outcome: Outcome & { kind: "backend" }): boolean {
    const { group, survey } = this.one;
    const owner = this.result.groups.find(({ units }) =>
      units.some((unit) => unit.kind === survey.entry.kind && unit.backend === outcome.backend),
    );
    return group !== null && group === owner;
  }

  /** The source leads somewhere, edge-lb not there. */
  private whyNotThere(outcome: Outcome & { kind: "backend" }): Note | null {
    const { survey, name, edgeReaches } = this.one;
    const { entry } = survey;
    const isServed: boolean = reached(outcome);
    if (!isServed) return this.excluded() ?? this.noted(outcome.line, ["cannot"]);
    const closed =
      entry.kind === "mcs"
        ? this.firstNoted(
            entry.binds.map((bind) => bind.line),
            ["cannot"],
            ["mcs-public"],
          )
        : null;
    const pool = edgeReaches === "" ? null : this.otherNodes(outcome);
    const early = closed ?? pool;
    if (early !== null) return early;
    const uses = this.usesAt(outcome.line).filter((use) => name !== null && use.meaning.takes(name));
    if (uses.length > 0) return this.faultOf(uses);
    const dropped = this.noted(outcome.line, ["cannot"], ["condition"]);
    if (dropped !== null) return dropped;
    // edge-lb knows the name: that is for `whyMore` to explain
    if (name !== null && edgeReaches !== "" && outcome.byDefault)
      return this.notTaken(outcome.line, ["second-default"]);
    return this.notTaken(outcome.line, ["default", "second-default"]);
  }

  private notTaken(line: SourceLine, codes: readonly string[]): Note | null {
    return this.noted(line, ["cannot", "changed"], codes);
  }

  /** Nodes that edge-lb has there and the source not, or the other way round. */
  private otherNodes({ backend }: Outcome & { kind: "backend" }): Note | null {
    if (!this.one.group?.units.some((unit) => unit.backend === backend)) return null;
    const servers = backend.servers.map(({ line }) => line);
    return (
      this.firstNoted([backend.section.head], ["cannot", "changed"], OTHER_NODES) ??
      this.firstNoted(servers, ["cannot"], ["srv", "address", "ports-differ", "api-proxy", "send-proxy"])
    );
  }

  /** Why a name that a pattern takes does not reach the pattern's cluster. */
  private faultOf(uses: readonly NameUse[]): Note | null {
    const { name } = this.one;
    for (const use of uses) {
      const meant = name !== null && use.meaning.means(name);
      const codes = use.meaning.faults.map(({ code }) => code);
      const reason =
        (meant ? null : this.noted(use.line, ["mistake"], codes)) ??
        this.noted(use.line, ["cannot", "changed"], NARROWED);
      if (reason !== null) return reason;
    }
    return null;
  }

  private usesAt(line: SourceLine): NameUse[] {
    return this.one.survey.routes.filter((route) => route.line === line).flatMap((route) => route.uses);
  }

  /** edge-lb leads somewhere that the source does not. */
  private whyMore(): Note | null {
    const { group, name, survey } = this.one;
    if (group === null) return null;
    const routes = group.units.flatMap((unit) => unit.routes);
    if (name === null) return this.takesAll(routes);
    const lower = name.toLowerCase();
    const own = routes.filter((route) => route.entry === survey.entry);
    const uses = [...own, ...routes].flatMap((route) => route.uses.map((use) => ({ route, use })));
    for (const { route, use } of uses.filter(({ use: { meaning } }) => meaning.means(lower))) {
      const fewer = use.meaning.takes(name) ? null : this.noted(use.line, ["mistake"], FEWER);
      const unseen = route.entry === survey.entry ? this.noted(use.line, ["mistake"], ["never-matches"]) : null;
      const isIngress = survey.entry.kind === "https" || survey.entry.kind === "http";
      const elsewhere =
        route.entry === survey.entry || !isIngress ? null : this.noted(use.line, ["changed"], ["both-listeners"]);
      const reason = fewer ?? unseen ?? elsewhere ?? this.noted(route.line, ["changed"], ["exception", "condition"]);
      if (reason !== null) return reason;
    }
    return this.byDomain(group, lower) ?? this.excluded() ?? this.takesAll(routes);
  }

  private takesAll(routes: readonly Route[]): Note | null {
    const lines = routes.filter((route) => route.nameless || route.rest).map((route) => route.line);
    return this.firstNoted(lines, ["changed", "cannot"], ["default"]);
  }

  /** Names that come with a cluster's domain, or with its name while the domain is not known. */
  private byDomain(group: Group, name: string): Note | null {
    const lines = group.units.flatMap((unit) => [
      ...unit.uses.map((use) => use.line),
      ...unit.routes.map((route) => route.line),
    ]);
    const domain = writtenDomain(this.result.imported, group);
    const own = domain === null ? [] : [`api.${domain}`, `api-int.${domain}`, `*.apps.${domain}`];
    const byLabel = (["api", "apps"] as const).some((kind) => matchesLabel({ kind, label: group.name }, name));
    const codes = own.some((pattern) => matchesName(pattern, name)) ? ["domain"] : byLabel ? ["label"] : [];
    return this.firstNoted(lines, ["changed"], codes);
  }
}
