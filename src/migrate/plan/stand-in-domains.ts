/**
 * A cluster without a domain takes `api.NAME.…` and `….apps.NAME.…` by the label rule, whatever follows. The source has no such rule, so
 * a cluster that does not take every name anyway gets one of its own names as its domain: that ends the label rule.
 */
import type { Source } from "../source/configuration.ts";
import { askEntry, reached, type EntryRoutes } from "../routes/routes.ts";
import { roleFor } from "../routes/services.ts";
import { takesRest, type CatchAlls } from "./catch-alls.ts";
import type { Group } from "./groups.ts";

export class StandInDomains {
  private readonly source: Source;
  private readonly surveys: readonly EntryRoutes[];
  private readonly catchAlls: CatchAlls;

  constructor(source: Source, surveys: readonly EntryRoutes[], catchAlls: CatchAlls) {
    this.source = source;
    this.surveys = surveys;
    this.catchAlls = catchAlls;
  }

  /** The best first; none: the label rule does no harm, or the cluster has no names to take one from. */
  of(group: Group): readonly string[] {
    const { domain, units } = group;
    if (domain !== null || units.some(({ labels }) => labels.length > 0)) return [];
    if (units.every(({ kind }) => takesRest(this.catchAlls, group, kind))) return [];
    const names = [...new Set(units.flatMap((unit) => unit.names.map((name) => name.replace(/^\*\./, ""))))];
    const fates = names.map((name) => ({ name, fate: this.fateOf(group, name) }));
    const fit = (["own", "nobody's"] as const).flatMap((wanted) =>
      fates.filter(({ fate }) => fate === wanted).map(({ name }) => name),
    );
    // nobody asks for names there (RFC 6761 §6.4)
    return names.length === 0 ? [] : [...fit, `${group.name}.invalid`];
  }

  /** Whose the names are that the domain would bring along. */
  private fateOf(group: Group, domain: string): "own" | "nobody's" | "another's" {
    const own = new Set(group.units.map(({ backend }) => backend));
    const kinds = new Set(group.units.map(({ kind }) => kind));
    const outcomes = this.surveys
      .filter(({ entry }) => kinds.has(entry.kind))
      .flatMap((survey) => {
        const names =
          roleFor(survey.entry.kind) === "ingress" ? [`www.apps.${domain}`] : [`api.${domain}`, `api-int.${domain}`];
        return names.map((name) => askEntry(this.source, survey, name));
      });
    if (outcomes.every((outcome) => reached(outcome) && own.has(outcome.backend))) return "own";
    const isLed = outcomes.some((outcome) => reached(outcome) && !outcome.byDefault && !own.has(outcome.backend));
    return isLed ? "another's" : "nobody's";
  }
}
