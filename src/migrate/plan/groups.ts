/** Puts pools together that are one cluster: by domain, by the name in the backends' names, by shared nodes. */
import type { BuiltInName } from "../../seam/services.ts";
import { domainOf } from "./meaning.ts";
import { weakName } from "./naming.ts";
import type { Unit } from "./units.ts";

export interface Group {
  readonly name: string;
  readonly domain: string | null;
  readonly units: readonly Unit[];
}

const ORDER: readonly BuiltInName[] = ["api", "https", "http", "mcs"];

/** @param givenDomain For the one group whose names the source does not tell. */
export function groupUnits(units: readonly Unit[], givenDomain: string | null): Group[] {
  const groups: Unit[][] = [];
  for (const kind of ORDER) {
    for (const unit of units.filter((one) => one.kind === kind)) {
      const best = bestGroup(unit, groups) ?? onlyGroup(unit, groups, units);
      if (best === null) groups.push([unit]);
      else best.push(unit);
    }
  }
  return nameGroups(groups, givenDomain);
}

function bestGroup(unit: Unit, groups: readonly Unit[][]): Unit[] | null {
  const scored = groups
    .map((group) => ({ group, score: fits(unit, group) ? likeness(unit, group) : 0 }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  return scored[0]?.group ?? null;
}

/** A pool that no name leads to is the one cluster's, where the source speaks of one only. */
function onlyGroup(unit: Unit, groups: readonly Unit[][], units: readonly Unit[]): Unit[] | null {
  const [only, more] = groups;
  const isNameless = unit.names.length + unit.labels.length === 0;
  if (only === undefined || more !== undefined || !isNameless || domainsOf(units).length > 1) return null;
  return fits(unit, only) && !otherName(unit, only) ? only : null;
}

/** Do the backends' names speak of two clusters? */
function otherName(unit: Unit, group: readonly Unit[]): boolean {
  const base = unit.base;
  const others = group.map((other) => other.base).filter((other) => other !== "");
  return base !== "" && others.length > 0 && !others.includes(base);
}

/** One cluster has one pool per listener. */
function fits(unit: Unit, group: readonly Unit[]): boolean {
  return group.every((other) => other.kind !== unit.kind || other.endpoints === unit.endpoints);
}

function likeness(unit: Unit, group: readonly Unit[]): number {
  const [mine, theirs] = [domainsOf([unit]), domainsOf(group)];
  if (mine.some((domain) => theirs.includes(domain))) return 4;
  const base = unit.base;
  if (base !== "" && group.some((other) => other.base === base)) return 3;
  // Nodes of two clusters can be the same machine on other ports; two domains say that they are.
  if (mine.length > 0 && theirs.length > 0) return 0;
  const hosts = new Set(group.flatMap((other) => other.servers.map((server) => server.host)));
  if (unit.servers.some((server) => hosts.has(server.host))) return 2;
  const bothDefault = unit.byDefault && group.some((other) => other.byDefault);
  return bothDefault && mine.length + theirs.length === 0 && !otherName(unit, group) ? 1 : 0;
}

/** Each domain once. */
export function domainsOf(units: readonly Unit[]): string[] {
  return [...new Set(units.flatMap((unit) => unit.domains))];
}

function nameGroups(groups: readonly Unit[][], givenDomain: string | null): Group[] {
  const taken = new Set<string>();
  const nameless = groups.filter((group) => group.every((unit) => unit.names.length + unit.labels.length === 0));
  return groups.map((units) => {
    const given = nameless.length === 1 && nameless[0] === units ? givenDomain : null;
    const domain = given ?? chooseDomain(units);
    const name = clusterName(units, domain, taken);
    taken.add(name);
    return { name, domain, units };
  });
}

/** The API's names first: its certificate is what clients check; then a wildcard under `apps`, then one that covers both. */
function chooseDomain(units: readonly Unit[]): string | null {
  const api = units.filter((unit) => unit.kind === "api" || unit.kind === "mcs").flatMap((unit) => unit.names);
  const ingress = units.filter((unit) => unit.kind === "https" || unit.kind === "http").flatMap((unit) => unit.names);
  const byApi = api.flatMap((name) => domainOf(name, "api") ?? [])[0];
  const byApps = ingress.flatMap((name) => /^\*\.apps\.(.+)$/.exec(name)?.[1] ?? [])[0];
  const both = api.find((name) => name.startsWith("*.") && ingress.includes(name))?.slice(2);
  const wide = api.find((name) => name.startsWith("*."))?.slice(2);
  return byApi ?? byApps ?? both ?? wide ?? null;
}

/** A label of at most 63 characters that no cluster has yet. */
function clusterName(units: readonly Unit[], domain: string | null, taken: ReadonlySet<string>): string {
  const bases = units.map((unit) => unit.base).filter((base) => base !== "");
  const label = units.flatMap((unit) => unit.labels)[0]?.label;
  const weak = units.flatMap((unit) => weakName(unit.backend.name) ?? [])[0];
  const hostName = units.flatMap((unit) => unit.names)[0]?.replace(/^\*\./, "");
  const wish = label ?? mostCommon(bases) ?? domain?.split(".")[0] ?? hostName?.split(".")[0] ?? weak ?? "cluster";
  const plain = wish.slice(0, 50).replace(/^-+|-+$/g, "");
  const start = plain === "" ? "cluster" : plain;
  for (let number = 1; ; number++) {
    const name = number === 1 ? start : `${start}-${number}`;
    if (!taken.has(name)) return name;
  }
}

function mostCommon(words: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
