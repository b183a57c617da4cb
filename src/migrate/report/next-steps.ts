/** What to do with an import, in the order of doing it. */
import type { ImportResult } from "../plan/plan.ts";
import { nodeDomain, type Group } from "../plan/groups.ts";
import { isNamed } from "../plan/units.ts";
import { roleFor } from "../routes/services.ts";

/** @param out Where the configuration was written; null: to standard output. */
export function nextSteps(result: ImportResult, file: string, out: string | null): string[] {
  const { unusedDomains, groups } = result;
  return [
    ...unusedDomains.map(({ given, why }) => `--domain ${given.domain} was not used: ${why}`),
    ...groups.filter(({ units }) => !units.some(isNamed)).map((group) => nameless(group, groups)),
    ...runIt(file, out),
  ];
}

function runIt(file: string, out: string | null): string[] {
  if (out === null)
    return [
      `write it to a file: edge-lb import ${file} --out edge-lb.yaml`,
      "then: edge-lb check --live --config edge-lb.yaml",
    ];
  return [`look at names, ports and nodes: edge-lb check --live --config ${out}`, `run it: edge-lb --config ${out}`];
}

/** Its names are not in the file: for OpenShift one word tells them all, for anything else they are listed. */
function nameless({ name, domain, units }: Group, groups: readonly Group[]): string {
  if (domain !== null) return `cluster ${name} is reached as api.${domain} and *.apps.${domain}, as --domain says`;
  const keys = [
    ...(units.some(({ kind }) => kind === "api") ? [`api-names=API.EXAMPLE.ORG`] : []),
    ...(units.some(({ kind }) => roleFor(kind) === "ingress") ? ["names=*.EXAMPLE.ORG"] : []),
  ];
  const guess = nodeDomain(units) ?? "DOMAIN";
  const told = groups.length === 1 ? `--domain ${guess}` : `--domain ${name}=${guess}`;
  const takes = units.some(({ rest }) => rest) ? "takes every name, as in the source" : "has no names in the source";
  return `cluster ${name} ${takes}; say which are its own: ${keys.join(", ")} (OpenShift: import again with ${told})`;
}
