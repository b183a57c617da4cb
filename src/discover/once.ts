/** One look at everything that the sources propose. */
import { sourceText } from "../config/values/discover-source.ts";
import { judgeBelonging, type Belonging } from "../core/discover/belonging.ts";
import { apiDomains, ingressDomains, type Sighting } from "../core/discover/sighting.ts";
import { EdgeError } from "../errors.ts";
import { domainsToAsk, NAMES_MOST, type Looker, type Seen } from "./look.ts";
import type { Source } from "./source.ts";

export interface Outcome {
  readonly seen: readonly Seen[];
  readonly belonging: Belonging;
  /** How many addresses were asked, and how many of them answered. */
  readonly asked: number;
  readonly answered: number;
  /** Of sources that could not be asked. */
  readonly faults: readonly EdgeError[];
}

/** @throws what is no fault of a source */
export async function lookOnce(sources: readonly Source[], looker: Looker): Promise<Outcome> {
  const faults: EdgeError[] = [];
  const first = new Map<string, Seen>();
  for (const source of sources) {
    for (const seen of await lookAt(source, looker, faults)) {
      const before = first.get(seen.ip);
      if (before === undefined || (!showsAny(before) && showsAny(seen))) first.set(seen.ip, seen);
    }
  }
  const all = [...first.values()];
  const showing = all.filter(showsAny);
  const domains = domainsOf(showing);
  const seen = await Promise.all(
    showing.map((each) => looker.lookFor(each, domainsToAsk(each, domains).slice(0, NAMES_MOST))),
  );
  const belonging = judgeBelonging(seen, new Map());
  return { seen, belonging, asked: all.length, answered: all.filter(({ answered }) => answered).length, faults };
}

async function lookAt(source: Source, looker: Looker, faults: EdgeError[]): Promise<readonly Seen[]> {
  try {
    const candidates = await source.find();
    return await Promise.all(candidates.map((candidate) => looker.look(candidate, source.spec.ports, "sweep")));
  } catch (error) {
    if (!(error instanceof EdgeError))
      throw new Error(`${sourceText(source.spec)}: ${String(error)}`, { cause: error });
    faults.push(error);
    return [];
  }
}

export function showsAny({ api, https }: Sighting): boolean {
  return api !== null || https !== null;
}

/** Domains that certificates give away, those of ingresses first: an API may have a certificate for each of them. */
export function domainsOf(sightings: readonly Sighting[]): ReadonlySet<string> {
  return new Set([
    ...sightings.flatMap(({ https }) => (https ?? []).flatMap(ingressDomains)),
    ...sightings.flatMap(({ api }) => (api ?? []).flatMap(apiDomains)),
  ]);
}
