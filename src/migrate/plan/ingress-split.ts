/**
 * One cluster has one list of names for https and http alike. Where the source leads names elsewhere on one of the two, the pools are
 * two clusters: each one's claims give way on the service that it has no nodes for.
 */
import type { BuiltInName } from "../../seam/services.ts";
import type { Source } from "../source/configuration.ts";
import { sampleOf, sampleOfLabel } from "../routes/meaning.ts";
import { askEntry, reached, type EntryRoutes } from "../routes/routes.ts";
import { findCatchAlls, type CatchAlls } from "./catch-alls.ts";
import { chooseDomain, type Group } from "./groups.ts";
import { proxyVersion } from "./proxy-version.ts";
import type { Unit } from "./units.ts";

type Ingress = Extract<BuiltInName, "https" | "http">;

export function splitIngress(source: Source, surveys: readonly EntryRoutes[], groups: readonly Group[]): Group[] {
  const catchAlls = findCatchAlls(surveys, groups);
  const taken = new Set(groups.map(({ name }) => name));
  const apart: Group[] = [];
  const whole = groups.map((group) => {
    if (!isTwo(source, surveys, catchAlls, group)) return group;
    const http = httpOf(group, catchAlls, taken);
    taken.add(http.name);
    apart.push(http);
    return { ...group, units: group.units.filter((unit) => !http.units.includes(unit)) };
  });
  return [...whole, ...apart];
}

function httpOf(group: Group, catchAlls: CatchAlls, taken: ReadonlySet<string>): Group {
  const units = unitsOfKind(group, "http");
  const takesAll = catchAlls.get("http")?.rest === group;
  const wish = `${group.name.slice(0, 50)}-http`;
  const name = taken.has(wish) ? `${wish}-2` : wish;
  return { name, httpOf: group.name, domain: takesAll ? group.domain : chooseDomain(units), units };
}

function isTwo(source: Source, surveys: readonly EntryRoutes[], catchAlls: CatchAlls, group: Group): boolean {
  const [https, http] = [unitsOfKind(group, "https"), unitsOfKind(group, "http")];
  if (https.length === 0 || http.length === 0) return false;
  const takes = (kind: Ingress): boolean => catchAlls.get(kind)?.rest === group;
  if (takes("https") !== takes("http") || versionOf(https) !== versionOf(http)) return true;
  const names = samplesOf([...https, ...http]);
  return surveys.some((survey) => {
    const own = survey.entry.kind === "https" ? https : survey.entry.kind === "http" ? http : null;
    return own !== null && names.some((name) => leadsElsewhere(source, survey, own, name));
  });
}

function unitsOfKind({ units }: Group, kind: Ingress): Unit[] {
  return units.filter((unit) => unit.kind === kind);
}

function versionOf(units: readonly Unit[]): string {
  return [...new Set(units.flatMap(({ servers }) => servers.map(proxyVersion)))].join();
}

/** Without bare names beside the wide ones: sloppy patterns take both, and nobody asks for `apps.D`. */
function samplesOf(units: readonly Unit[]): string[] {
  const names = new Set(units.flatMap((unit) => unit.names));
  const told = [...names].filter((name) => !names.has(`*.${name}`));
  return [...told.map(sampleOf), ...units.flatMap(({ labels }) => labels.map(sampleOfLabel))];
}

/** To somebody else's nodes: what is refused there is served on both, as is usual. */
function leadsElsewhere(source: Source, survey: EntryRoutes, own: readonly Unit[], name: string): boolean {
  const outcome = askEntry(source, survey, name);
  return reached(outcome) && !own.some(({ backend }) => backend === outcome.backend);
}
