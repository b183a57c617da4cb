import type { Ledger } from "../source/ledger.ts";
import type { Group } from "./groups.ts";

/** The cluster for connections without a name: one for all listeners, so the first default counts. */
export function chooseDefault(groups: readonly Group[], ledger: Ledger): string[] {
  const owners = groups.filter((group) => group.units.some((unit) => unit.byDefault && unit.kind !== "mcs"));
  const [first, ...others] = owners;
  if (first === undefined) return [];
  for (const group of others) {
    for (const route of group.units.flatMap((unit) => unit.routes).filter((one) => one.byDefault)) {
      const why = `connections without a name go to one cluster on every listener: ${first.name}`;
      ledger.note(route.line, "cannot", why, { code: "second-default", todo: `name what ${group.name} serves` });
    }
  }
  return [first.name];
}
