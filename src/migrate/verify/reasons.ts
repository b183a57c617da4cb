/** Why the source and edge-lb answer a name differently: the one note of the report that says so. */
import type { ImportResult } from "../import.ts";
import type { Group } from "../plan/groups.ts";
import type { Entry } from "../plan/listeners.ts";
import { matchesLabel, matchesName, type FaultCode } from "../plan/meaning.ts";
import type { NameUse } from "../plan/routes.ts";
import type { Note } from "../source/ledger.ts";
import type { Outcome } from "../source/evaluator.ts";
import type { SourceLine } from "../source/lexer.ts";

export interface Case {
  readonly entry: Entry;
  readonly name: string | null;
  readonly outcome: Outcome;
  /** `` where edge-lb refuses. */
  readonly edgeReaches: string;
  /** The group whose cluster edge-lb chose. */
  readonly group: Group | null;
}

/** Null: nothing in the report explains it. */
export function findReason(result: ImportResult, one: Case): Note | null {
  const { outcome } = one;
  if (outcome.kind === "unknown") return noted(result, outcome.line, ["cannot", "changed"]);
  if (outcome.kind === "redirect-https") return noted(result, outcome.line, ["changed"], ["redirect"]);
  const taken = outcome.kind === "backend" ? whyNotThere(result, one) : whyRefused(result, outcome.line);
  return taken ?? (isOwn(result, one) ? null : whyMore(result, one));
}

/** The same cluster on both sides, but not the same nodes: names explain nothing then. */
function isOwn({ groups }: ImportResult, { entry, outcome, group }: Case): boolean {
  if (outcome.kind !== "backend") return false;
  const owner = groups.find(({ units }) =>
    units.some((unit) => unit.kind === entry.kind && unit.backend === outcome.backend),
  );
  return group !== null && group === owner;
}

type Classes = readonly Note["class"][];

function noted(
  result: ImportResult,
  line: SourceLine | null,
  classes: Classes,
  codes?: readonly string[],
): Note | null {
  const fits = (note: Note): boolean =>
    note.line === line?.line && classes.includes(note.class) && (codes?.includes(note.code) ?? true);
  return result.notes.find(fits) ?? null;
}

/** A rule of the source that refuses, and that edge-lb has not. */
function whyRefused(result: ImportResult, line: SourceLine | null): Note | null {
  return noted(result, line, ["cannot"]);
}

const FEWER: readonly FaultCode[] = ["one-label", "case", "literal-star", "host-port"];
const NARROWED = ["label", "api-wildcard", "mcs-name", "claimed-twice"];

/** The source leads somewhere, edge-lb not there. */
function whyNotThere(result: ImportResult, { entry, name, outcome, edgeReaches }: Case): Note | null {
  if (outcome.kind !== "backend") return null;
  if (entry.kind === "mcs") {
    const closed = entry.binds.map((bind) => noted(result, bind.line, ["cannot"])).find((note) => note !== null);
    if (closed !== undefined && closed !== null) return closed;
  }
  const servers = outcome.backend.servers.map((server) => noted(result, server.line, ["cannot"], ["srv", "address"]));
  const odd = [
    noted(result, outcome.backend.section.head, ["cannot", "changed"], ["ports-differ", "nodes-differ"]),
    ...servers,
  ];
  if (edgeReaches !== "" && name !== null) {
    const pool = odd.find((note) => note !== null);
    if (pool !== undefined) return pool;
  }
  const uses = usesAt(result, entry, outcome.line).filter((use) => name !== null && use.meaning.takes(name));
  const notCarried = noted(result, outcome.line, ["cannot"], ["condition"]);
  if (uses.length === 0 && notCarried !== null) return notCarried;
  if (outcome.byDefault || uses.length === 0) {
    if (name !== null && edgeReaches !== "") return null; // edge-lb knows the name: that is for `whyMore` to explain
    return noted(result, outcome.line, ["cannot", "changed"], ["default", "no-names", "second-default"]);
  }
  for (const use of uses) {
    const meant = name !== null && use.meaning.means(name);
    const fault = meant
      ? null
      : noted(
          result,
          use.line,
          ["mistake"],
          use.meaning.faults.map(({ code }) => code),
        );
    const reason = fault ?? noted(result, use.line, ["cannot", "changed"], NARROWED);
    if (reason !== null) return reason;
  }
  return null;
}

function usesAt(result: ImportResult, entry: Entry, line: SourceLine): NameUse[] {
  const routes = result.units.flatMap((unit) => unit.routes);
  return routes.filter((route) => route.entry === entry && route.line === line).flatMap((route) => route.uses);
}

/** edge-lb leads somewhere that the source does not. */
function whyMore(result: ImportResult, { entry, name, group }: Case): Note | null {
  if (group === null) return null;
  if (name === null) return defaultNote(result, group);
  const lower = name.toLowerCase();
  const routes = group.units.flatMap((unit) => unit.routes);
  const own = routes.filter((route) => route.entry === entry);
  const uses = [...own, ...routes].flatMap((route) => route.uses.map((use) => ({ route, use })));
  for (const { route, use } of uses) {
    if (!use.meaning.means(lower)) continue;
    const fewer = use.meaning.takes(name) ? null : noted(result, use.line, ["mistake"], FEWER);
    const elsewhere = route.entry === entry ? null : noted(result, use.line, ["changed"], ["both-listeners"]);
    const reason = fewer ?? elsewhere ?? noted(result, route.line, ["changed"], ["exception", "condition"]);
    if (reason !== null) return reason;
  }
  return byDomain(result, group, lower);
}

function defaultNote(result: ImportResult, group: Group): Note | null {
  const routes = group.units.flatMap((unit) => unit.routes).filter((route) => route.byDefault);
  const notes = routes.map((route) => noted(result, route.line, ["changed", "cannot"], ["default", "no-names"]));
  return notes.find((note) => note !== null) ?? null;
}

/** Names that come with a cluster's domain, or with its name while the domain is not known. */
function byDomain(result: ImportResult, group: Group, name: string): Note | null {
  const lines = group.units.flatMap((unit) => [
    ...unit.uses.map((use) => use.line),
    ...unit.routes.map((route) => route.line),
  ]);
  const { domain } = group;
  const own = domain === null ? [] : [`api.${domain}`, `api-int.${domain}`, `*.apps.${domain}`];
  const byLabel = (["api", "apps"] as const).some((kind) => matchesLabel({ kind, label: group.name }, name));
  const codes = own.some((pattern) => matchesName(pattern, name)) ? ["domain"] : byLabel ? ["label"] : [];
  for (const line of lines) {
    const note = noted(result, line, ["changed"], codes);
    if (note !== null) return note;
  }
  return null;
}
