/** Who takes what names no cluster: connections without a name, and names that no rule speaks of. */
import type { ServiceName } from "../../seam/services.ts";
import type { Outcome } from "../source/evaluator.ts";
import type { Group } from "./groups.ts";
import { destination, type EntryRoutes } from "../routes/routes.ts";
import { servicesOf } from "../routes/services.ts";

/** For one service; null: nobody, or not one cluster alone. */
export interface Takers {
  readonly nameless: Group | null;
  readonly rest: Group | null;
  /** Its listeners disagree: the source tells clusters apart by address or port. */
  readonly disagree: boolean;
}

export type CatchAlls = ReadonlyMap<ServiceName, Takers>;

export function findCatchAlls(surveys: readonly EntryRoutes[], groups: readonly Group[]): CatchAlls {
  return new Map(
    servicesOf(surveys.map(({ entry }) => entry)).flatMap(({ name }) => {
      const own = surveys.filter(({ entry }) => entry.kind === name);
      return own.length === 0 ? [] : [[name, takersOf(own, groups)] as const];
    }),
  );
}

function takersOf(surveys: readonly EntryRoutes[], groups: readonly Group[]): Takers {
  const nameless = surveys.map((survey) => ownerOf(survey.nameless, groups));
  const rest = surveys.map((survey) => ownerOf(survey.rest, groups));
  const [one, other] = [only(nameless), only(rest)];
  return { nameless: one ?? null, rest: other ?? null, disagree: one === undefined || other === undefined };
}

/** The one that all have; undefined: they differ. */
function only(owners: readonly (Group | null)[]): Group | null | undefined {
  const [first, more] = new Set(owners);
  return more === undefined ? (first ?? null) : undefined;
}

function ownerOf(outcome: Outcome, groups: readonly Group[]): Group | null {
  const backend = destination(outcome)?.backend;
  return groups.find(({ units }) => units.some((unit) => unit.backend === backend)) ?? null;
}

/**
 * Whether a cluster takes, with `*` among its names, what nobody claims on a service, as in the source. `*` of `names` counts on https
 * and on http: where the cluster has nodes for the other one too, nobody else may take the rest there, see `takesMore`.
 */
export function takesRest(catchAlls: CatchAlls, group: Group, service: ServiceName): boolean {
  if (catchAlls.get(service)?.rest !== group) return false;
  const other = otherIngress(service);
  const taker = other === null ? undefined : catchAlls.get(other);
  if (taker === undefined || taker.rest === group || !servesIngress(group, other)) return true;
  return taker.rest === null && !taker.disagree;
}

/** Whether its `*` also takes names on the other ingress service, where the source refuses them. */
export function takesMore(catchAlls: CatchAlls, group: Group, service: ServiceName): boolean {
  const other = otherIngress(service);
  if (other === null || !takesRest(catchAlls, group, service) || !servesIngress(group, other)) return false;
  return catchAlls.get(other)?.rest === null;
}

function otherIngress(service: ServiceName): ServiceName | null {
  return service === "https" ? "http" : service === "http" ? "https" : null;
}

function servesIngress({ units }: Group, service: ServiceName | null): boolean {
  return units.some(({ kind }) => kind === service);
}
