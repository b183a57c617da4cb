/** Routes that never get a connection, because a rule before them takes the name. */
import type { Ledger } from "../source/ledger.ts";
import type { Source } from "../source/configuration.ts";
import { evaluate } from "../source/evaluator.ts";
import { sampleOf } from "./meaning.ts";
import type { NameUse, Route } from "./routes.ts";

/** The routes without patterns whose names lead elsewhere in the source; each is a mistake there. */
export function withoutShadowed(source: Source, routes: readonly Route[], ledger: Ledger): Route[] {
  const earlier: Route[] = [];
  return routes.flatMap((route) => {
    const uses = route.uses.filter((use) => !isShadowed(source, route, use, ledger));
    const dead = route.byDefault && earlier.some((one) => one.entry === route.entry && one.byDefault);
    if (dead) never(route, `${route.backend.name} is never reached: an earlier rule takes everything`, ledger);
    earlier.push(route);
    if (uses.length === 0 && (dead || !route.byDefault)) return [];
    return [{ ...route, uses, byDefault: route.byDefault && !dead }];
  });
}

function isShadowed(source: Source, route: Route, use: NameUse, ledger: Ledger): boolean {
  const [name] = use.meaning.names;
  if (name === undefined) return false;
  const port = route.entry.binds[0]?.port ?? 0;
  const outcome = evaluate(source, { proxy: route.entry.proxy, port, name: sampleOf(name) });
  if (outcome.kind !== "backend" || outcome.byDefault || outcome.backend === route.backend) return false;
  const why = `${use.text} never leads to ${route.backend.name}: line ${outcome.line.line} sends it to ${outcome.backend.name} before`;
  never(route, why, ledger);
  return true;
}

function never(route: Route, why: string, ledger: Ledger): void {
  ledger.mistake(route.line, "never-matches", why, "drop the rule, or put it first");
  ledger.note(route.line, "not-needed", "no connection ever gets here");
}
