/** The names each group serves as keys of a cluster, and what becomes of the names that do not fit. */
import { SERVICES, type ServiceName } from "../../seam/services.ts";
import type { Ledger } from "../source/ledger.ts";
import type { Group } from "./groups.ts";
import type { NameUse } from "../routes/routes.ts";
import type { Unit } from "./units.ts";
import { isFurther, roleFor } from "../routes/services.ts";

const API: readonly ServiceName[] = ["api"];
const INGRESS: readonly ServiceName[] = SERVICES.filter(({ role }) => role === "ingress").map(({ name }) => name);

export interface ClusterNames {
  readonly domain: string | null;
  readonly names: readonly string[];
  readonly apiNames: readonly string[];
  /** Of further services alone. */
  readonly ownNames: ReadonlyMap<ServiceName, readonly string[]>;
}

/** Names that a cluster has claimed so far on a service, `https NAME`: claimed twice is an error at start. */
export type Claims = Map<string, string>;

/** Services that a cluster gets nodes for, and those of them that somebody listens for. */
export interface Served {
  readonly all: ReadonlySet<ServiceName>;
  readonly listening: ReadonlySet<ServiceName>;
}

export function clusterNames(
  group: Group,
  standIns: readonly string[],
  { all: served, listening }: Served,
  claims: Claims,
  ledger: Ledger,
): ClusterNames {
  const told = group.domain === null ? [] : [group.domain];
  const domain = [...told, ...standIns].find((one) => claimDomain(one, group, served, claims)) ?? null;
  const ingress = group.units.filter((unit) => roleFor(unit.kind) === "ingress");
  const further = group.units.filter((unit) => isFurther(unit.kind));
  const api = group.units.filter((unit) => !ingress.includes(unit) && !further.includes(unit));
  const apiNames = new Set<string>();
  const names = new Set<string>();
  for (const { unit, use, name } of everyName(api)) {
    if (domain !== null && (name === `api.${domain}` || name === `api-int.${domain}`)) continue;
    if (name.startsWith("*.")) wideApiName(name, domain, use, ledger);
    else if (unit.kind === "mcs") otherMcsName(name, use, ledger);
    else if (claim(claims, served, API, name, group, use, ledger)) apiNames.add(name);
  }
  for (const { use, name } of everyName(ingress)) {
    if (domain !== null && (name === `*.apps.${domain}` || name.endsWith(`.apps.${domain}`))) continue;
    if (claim(claims, served, INGRESS, name, group, use, ledger)) names.add(name);
  }
  const ownNames = new Map<ServiceName, string[]>();
  for (const { unit, use, name } of everyName(further)) {
    if (apiNames.has(name) || (domain !== null && (name === `api.${domain}` || name === `api-int.${domain}`))) continue;
    if (claim(claims, served, [unit.kind], name, group, use, ledger))
      ownNames.set(unit.kind, [...(ownNames.get(unit.kind) ?? []), name]);
  }
  for (const unit of group.units) for (const use of unit.uses) noteLabels(group, domain, use, ledger);
  noteMore(group, listening, domain, ledger);
  return { domain, names: [...names], apiNames: [...apiNames], ownNames };
}

/** Names that the cluster gets beyond those of the source. */
function noteMore(group: Group, listening: ReadonlySet<ServiceName>, domain: string | null, ledger: Ledger): void {
  const first = group.units[0];
  const line = group.units.flatMap((unit) => unit.uses)[0]?.line ?? first?.routes[0]?.line;
  if (line === undefined) return;
  if (domain !== null && domain !== group.domain) {
    const why = `domain: ${domain} keeps the label rule from taking api.${group.name}.… and ….apps.${group.name}.…: in the source they are not the cluster's`;
    ledger.note(line, "changed", why, { code: "domain" });
  } else if (domain !== null) {
    const why = `cluster ${group.name} has the domain ${domain}: api, api-int and everything below apps are its names`;
    ledger.note(line, "changed", why, { code: "domain" });
  } else {
    const why = `while its domain is not known, cluster ${group.name} also takes api.${group.name}.… and ….apps.${group.name}.…`;
    ledger.note(line, "changed", why, { code: "label", todo: `give cluster ${group.name} its domain` });
  }
  if (INGRESS.every((kind) => listening.has(kind))) for (const unit of group.units) noteBoth(group, unit, ledger);
}

/** Names of the ingress are served over TLS and plain HTTP alike. */
function noteBoth(group: Group, unit: Unit, ledger: Ledger): void {
  const other = unit.kind === "https" ? "http" : "https";
  if (roleFor(unit.kind) === "api") return;
  const theirs = new Set(group.units.filter((one) => one.kind === other).flatMap((one) => one.names));
  for (const use of unit.uses.filter(({ names }) => names.some((name) => !theirs.has(name)))) {
    ledger.note(use.line, "changed", "names of the ingress are served on https and on http", {
      code: "both-listeners",
    });
  }
}

/** False: another cluster has it. */
function claimDomain(domain: string, group: Group, served: ReadonlySet<ServiceName>, claims: Claims): boolean {
  const keys = [
    ...[...API, ...[...served].filter(isFurther)].flatMap((kind) =>
      served.has(kind) ? [`${kind} api.${domain}`, `${kind} api-int.${domain}`] : [],
    ),
    ...INGRESS.flatMap((kind) => (served.has(kind) ? [`${kind} *.apps.${domain}`] : [])),
  ];
  if (keys.some((key) => claims.has(key))) return false;
  for (const key of keys) claims.set(key, group.name);
  return true;
}

interface Named {
  readonly unit: Unit;
  readonly use: NameUse;
  readonly name: string;
}

function everyName(units: readonly Unit[]): Named[] {
  return units.flatMap((unit) => unit.uses.flatMap((use) => use.names.map((name) => ({ unit, use, name }))));
}

/** On a service that the cluster has no nodes for, its names give way. */
function claim(
  claims: Claims,
  served: ReadonlySet<ServiceName>,
  kinds: readonly ServiceName[],
  name: string,
  group: Group,
  use: NameUse,
  ledger: Ledger,
): boolean {
  const keys = kinds.filter((kind) => served.has(kind)).map((kind) => `${kind} ${name}`);
  const owner = keys.map((key) => claims.get(key)).find((other) => other !== undefined && other !== group.name);
  if (owner === undefined) {
    for (const key of keys) claims.set(key, group.name);
    return true;
  }
  ledger.note(use.line, "cannot", `${name} belongs to cluster ${owner} already; edge-lb gives a name to one cluster`, {
    code: "claimed-twice",
    todo: "send the name to one of the two",
  });
  return false;
}

function wideApiName(name: string, domain: string | null, use: NameUse, ledger: Ledger): void {
  if (domain === null) {
    const todo = "name the API's hosts in api-names, or give the cluster a domain";
    ledger.note(use.line, "cannot", `the API listener takes exact names, not ${name}`, { code: "api-wildcard", todo });
  } else {
    const why = `the API listener takes api.${domain} and api-int.${domain} instead of ${name}`;
    ledger.note(use.line, "changed", why, { code: "api-wildcard", todo: "further names go into api-names" });
  }
}

function otherMcsName(name: string, use: NameUse, ledger: Ledger): void {
  const why = `the machine-config listener takes api-int.DOMAIN only, not ${name}`;
  ledger.note(use.line, "changed", why, { code: "mcs-name" });
}

/** The label rule works by the cluster's name, and only as long as no domain is given. */
function noteLabels(group: Group, domain: string | null, use: NameUse, ledger: Ledger): void {
  for (const { kind, label } of use.labels) {
    if (domain !== null) {
      const names = kind === "api" ? `api.${domain} and api-int.${domain}` : `names below apps.${domain}`;
      ledger.note(use.line, "changed", `takes ${names}, not every name with ${kind}.${label} in it`, { code: "label" });
    } else if (label === group.name) {
      const names = kind === "api" ? `api.${label}.… and api-int.${label}.…` : `….apps.${label}.…`;
      const why = `the label rule of cluster ${label} takes ${names} until the nodes' certificate tells the domain`;
      ledger.note(use.line, "changed", why, { code: "label", todo: `give cluster ${label} its domain` });
    } else {
      const todo = "give each cluster its domain";
      ledger.note(use.line, "cannot", `one cluster has one label; ${label} is a second one`, { code: "label", todo });
    }
  }
}
