/** The table of names that a proof asks for. */
import type { ImportResult } from "../import.ts";
import type { Entry } from "../plan/listeners.ts";
import { sampleOf } from "../plan/meaning.ts";
import { nearMisses } from "../plan/near-misses.ts";
import type { NameUse } from "../plan/routes.ts";

/** Stands for a domain that a label rule leaves open. */
const ANY_DOMAIN = "lab.example";

/** Null asks without a name. Names of the entry come with their near misses, those of other entries as they are. */
export function namesToAsk({ units, groups }: ImportResult, entry: Entry): (string | null)[] {
  const own = units.flatMap((unit) =>
    unit.routes.filter((route) => route.entry === entry).flatMap((route) => route.uses),
  );
  const other = units.flatMap((unit) => unit.uses).filter((use) => !own.includes(use));
  const domains = groups.flatMap((group) => (group.domain === null ? [] : [group.domain]));
  const names = [
    ...own.flatMap(ownNames),
    ...other.flatMap(({ meaning }) => meaning.names.map(sampleOf)),
    ...domains.flatMap((domain) => [
      `api.${domain}`,
      `api-int.${domain}`,
      `console.apps.${domain}`,
      `a.b.apps.${domain}`,
      `apps.${domain}`,
    ]),
    ...groups.flatMap(({ name }) => labelNames(name)),
    "nobody.example",
  ];
  return [null, ...new Set(names)];
}

function ownNames({ meaning }: NameUse): string[] {
  const fromNames = meaning.names.flatMap((pattern) => {
    const sample = sampleOf(pattern);
    const below = pattern.startsWith("*.")
      ? [`a.b${pattern.slice(1)}`, pattern.slice(2), ...nearMisses(pattern.slice(2))]
      : [];
    return [sample, sample.toUpperCase(), `below.${sample}`, ...nearMisses(sample), ...below];
  });
  return [...fromNames, ...meaning.labels.flatMap(({ label }) => labelNames(label))];
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
