/** What becomes of a redirect to https: edge-lb redirects all names of a cluster on port 80, or none. */
import type { Group } from "../plan/groups.ts";
import type { Parts } from "../plan/plan.ts";
import { redirects } from "../plan/redirects.ts";
import { matchesLabel, matchesName, sampleOf, sampleOfLabel } from "../routes/meaning.ts";
import { askEntry, destination, NOBODY } from "../routes/routes.ts";
import { roleFor } from "../routes/services.ts";
import type { Outcome } from "../source/evaluator.ts";
import type { SourceLine } from "../source/lexer.ts";
import type { Fate } from "./directives.ts";

const OF_NOBODY: Fate = [
  "changed",
  "the source redirects names that no cluster has; edge-lb answers them with a page that says so",
];

export function redirectFate(parts: Parts, line: SourceLine): Fate {
  const { source, entries } = parts;
  const owned = redirectedNames(parts, line).flatMap(({ name, outcome }) => {
    const group = ownerOf(parts, name, outcome);
    return group === null ? [] : [{ name, group }];
  });
  const partly = owned.find(({ group }) => !redirects(source, entries, group));
  if (partly !== undefined) {
    const { name, group } = partly;
    const why = `the source redirects ${name} to https; edge-lb redirects all names of a cluster or none, and serves those of ${group.name} in plain text too`;
    return ["cannot", why, `redirect-https: on for cluster ${group.name}, if all of its names may be redirected`];
  }
  const names = [...new Set(owned.map(({ group }) => group.name))];
  if (names.length === 0) return OF_NOBODY;
  return ["changed", `redirect-https on, for the names of ${names.join(", ")}; ACME paths are let through`];
}

interface Redirected {
  readonly name: string;
  readonly outcome: Outcome;
}

/** Names that the rule on a line redirects. */
function redirectedNames({ source, surveys, groups }: Parts, line: SourceLine): Redirected[] {
  const ofGroups = groups.flatMap(({ domain, units }) => [
    ...units.flatMap((unit) => [...unit.names.map(sampleOf), ...unit.labels.map(sampleOfLabel)]),
    ...(domain === null ? [] : [`www.apps.${domain}`]),
  ]);
  return surveys
    .filter(({ entry }) => entry.kind === "http")
    .flatMap((survey) => {
      const own = survey.candidates.flatMap(({ meaning }) => meaning.names.map(sampleOf));
      return [...new Set([...own, ...ofGroups, NOBODY])].map((name) => ({
        name,
        outcome: askEntry(source, survey, name),
      }));
    })
    .filter(({ outcome }) => outcome.kind === "redirect-https" && outcome.line === line);
}

/** The cluster whose name it is in edge-lb. */
function ownerOf({ groups, catchAlls }: Parts, name: string, outcome: Outcome): Group | null {
  const backend = destination(outcome)?.backend;
  const takes = ({ domain, units }: Group): boolean =>
    (domain !== null && matchesName(`*.apps.${domain}`, name)) ||
    units.some(
      (unit) =>
        roleFor(unit.kind) === "ingress" &&
        (unit.backend === backend ||
          unit.names.some((pattern) => matchesName(pattern, name)) ||
          unit.labels.some((label) => matchesLabel(label, name))),
    );
  return groups.find(takes) ?? catchAlls.get("http")?.rest ?? null;
}
