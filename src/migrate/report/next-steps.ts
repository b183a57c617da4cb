/** What to do with an import, in the order of doing it. */
import type { ImportResult } from "../plan/plan.ts";
import { nodeDomain, type Group } from "../plan/groups.ts";
import { takesRest } from "../plan/catch-alls.ts";
import { isNamed } from "../plan/units.ts";
import type { ServiceName } from "../../seam/services.ts";
import { roleFor } from "../routes/services.ts";

/** @param out Where the configuration was written; null: to standard output. */
export function nextSteps(result: ImportResult, file: string, out: string | null): string[] {
  const { unusedDomains, groups } = result;
  return [
    ...unusedDomains.map(({ given, why }) => `--domain ${given.domain} was not used: ${why}`),
    ...result.notes.filter(({ code }) => code === "own-address").map(({ why, line }) => `line ${line}: ${why}`),
    ...groups
      .filter(({ units, httpOf }) => httpOf === null && !units.some(isNamed))
      .map((one) => nameless(one, result)),
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
function nameless(group: Group, { groups, catchAlls }: ImportResult): string {
  const { name, domain, units } = group;
  const [isApi, isIngress] = [
    units.some(({ kind }) => kind === "api"),
    units.some(({ kind }) => roleFor(kind) === "ingress"),
  ];
  if (domain !== null) {
    const names = [...(isApi ? [`api.${domain}`] : []), ...(isIngress ? [`*.apps.${domain}`] : [])];
    return `cluster ${name} is reached as ${names.join(" and ")}, as --domain says`;
  }
  const keys = [...(isApi ? ["api-names=API.EXAMPLE.ORG"] : []), ...(isIngress ? ["names=*.EXAMPLE.ORG"] : [])];
  const guess = nodeDomain(units) ?? "DOMAIN";
  const told = groups.every((one) => one === group || one.httpOf === name)
    ? `--domain ${guess}`
    : `--domain ${name}=${guess}`;
  const takes = takesText(
    units.filter(({ rest, kind }) => rest && kind !== "mcs").map(({ kind }) => kind),
    (kind) => takesRest(catchAlls, group, kind),
  );
  return `cluster ${name} ${takes}; say which are its own: ${keys.join(", ")} (OpenShift: import again with ${told})`;
}

/** @param inSource Services on which the source leads every name there. */
function takesText(inSource: readonly ServiceName[], takes: (kind: ServiceName) => boolean): string {
  if (inSource.length === 0) return "has no names in the source";
  const [taken, lost] = [inSource.filter(takes), inSource.filter((kind) => !takes(kind))];
  if (lost.length === 0) return "takes every name, as in the source";
  const onlyHere = `is told by the address of its listener in the source, and takes no name of ${lost.join(" and ")} yet`;
  return taken.length === 0 ? onlyHere : `takes every name of ${taken.join(" and ")}, but ${onlyHere}`;
}
