import type { Source } from "../source/configuration.ts";
import { evaluate } from "../source/evaluator.ts";
import type { Group } from "./groups.ts";
import type { Entry } from "../routes/entry.ts";
import { sampleOf, sampleOfLabel } from "../routes/meaning.ts";
import { roleFor } from "../routes/services.ts";

/** Whether plain HTTP for a cluster's names is answered with a redirect to https. */
export function redirects(source: Source, entries: readonly Entry[], group: Group): boolean {
  const http = entries.filter((entry) => entry.kind === "http" && entry.proxy.mode === "http");
  const ingress = group.units.filter((unit) => roleFor(unit.kind) === "ingress");
  const names = ingress.flatMap((unit) => [...unit.names.map(sampleOf), ...unit.labels.map(sampleOfLabel)]);
  if (group.domain !== null) names.push(`www.apps.${group.domain}`);
  // A cluster known by its default only: any name will do.
  if (names.length === 0) names.push("www.example");
  if (http.length === 0 || ingress.length === 0) return false;
  return http.every((entry) =>
    names.every((name) => {
      const outcome = evaluate(source, { proxy: entry.proxy, port: entry.binds[0]?.port ?? 80, name });
      return outcome.kind === "redirect-https";
    }),
  );
}
