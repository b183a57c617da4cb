/** The table of names that a proof asks for. */
import type { ImportResult } from "../plan/plan.ts";
import { writtenDomain } from "../plan/imported.ts";
import type { Candidate } from "../routes/candidates.ts";
import type { Entry } from "../routes/entry.ts";
import { ANY_DOMAIN, sampleOf } from "../routes/meaning.ts";
import { nearMisses } from "../routes/near-misses.ts";
import { NOBODY } from "../routes/routes.ts";

/** Names that no cluster has, or that say nothing. */
const FOREIGN = ["localhost", "kubernetes.default.svc", "nobody.example", NOBODY];

/**
 * Null asks without a name. Every name that the entry's rules speak of, also those they exclude, with what lies below and beside it;
 * names of other entries, and those that clusters get beyond the source, as they are.
 */
export function namesToAsk({ surveys, groups, imported }: ImportResult, entry: Entry): (string | null)[] {
  const own = surveys.filter((survey) => survey.entry === entry).flatMap(({ candidates }) => candidates);
  const others = surveys.filter((survey) => survey.entry !== entry).flatMap(({ candidates }) => candidates);
  const domains = groups.flatMap((group) => writtenDomain(imported, group) ?? []);
  const clusters = new Set(groups.map(({ name }) => name));
  const names = [
    ...own.flatMap(ownNames),
    ...others.flatMap(({ meaning }) => meaning.names.map(sampleOf)),
    ...domains.flatMap((domain) => [
      `api.${domain}`,
      `api-int.${domain}`,
      `console.apps.${domain}`,
      `a.b.apps.${domain}`,
      `apps.${domain}`,
    ]),
    ...groups.flatMap(({ name }) => labelNames(name)),
    ...[...own, ...others].flatMap(({ meaning }) => meaning.names.flatMap((name) => labelledNames(name, clusters))),
    ...FOREIGN,
  ];
  return [null, ...new Set(names)];
}

function ownNames({ meaning }: Candidate): string[] {
  const fromNames = meaning.names.flatMap((pattern) => {
    const sample = sampleOf(pattern);
    const below = pattern.startsWith("*.")
      ? [`a.b${pattern.slice(1)}`, pattern.slice(2), ...nearMisses(pattern.slice(2))]
      : [];
    return [sample, sample.toUpperCase(), `below.${sample}`, ...nearMisses(sample), ...below];
  });
  return [...fromNames, ...meaning.labels.flatMap(({ label }) => labelNames(label))];
}

/** What a cluster called after one of the name's labels takes by the label rule. */
function labelledNames(name: string, clusters: ReadonlySet<string>): string[] {
  const labels = name.replace(/^\*\./, "").split(".");
  const domains = labels.flatMap((label, index) => (clusters.has(label) ? labels.slice(index).join(".") : []));
  return domains.flatMap((domain) => [`api.${domain}`, `console.apps.${domain}`, `a.b.apps.${domain}`]);
}

function labelNames(label: string): string[] {
  return [
    `api.${label}.${ANY_DOMAIN}`,
    `api-int.${label}.${ANY_DOMAIN}`,
    `console.apps.${label}.${ANY_DOMAIN}`,
    `a.b.apps.${label}.${ANY_DOMAIN}`,
    `api.${label}x.${ANY_DOMAIN}`,
    `console.apps.${label}x.${ANY_DOMAIN}`,
    `console.apps.x${label}.${ANY_DOMAIN}`,
    `www.${label}.${ANY_DOMAIN}`,
  ];
}
