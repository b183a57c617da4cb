import { editDistance } from "./edit-distance.ts";
import type { NameRoutes, Routes } from "./lookup.ts";
import { NAME_MOST } from "./canonical-name.ts";

/** Further apart than this, or than a third of the known name, is no slip of the keyboard. */
const DISTANCE_MOST = 8;
/** `apps` of a label rule is looked for behind this many labels of the asked name. */
const APPS_DEPTH = 3;

/** One known name or pattern, and what of the asked name stands against it. */
interface Candidate {
  /** What to show: `api.hub.lab`, `*.apps.hub.lab`, `api.hub.*`. */
  readonly shown: string;
  readonly known: string;
  readonly asked: string;
}

/**
 * The known name that an unknown one probably meant, for log lines and `explain`; null when none is close. Close is a slip of
 * the keyboard, or the right cluster with the wrong domain. The cost grows with the number of claims (about 1 us each), so this
 * is not for the byte path.
 * @param name Canonical, see `canonicalName`.
 * @returns a name, or a pattern such as `*.apps.hub.lab`
 */
export function nearestName(routes: Routes, service: number, name: string): string | null {
  const own = routes.services[service];
  if (own === undefined || name.length > NAME_MOST) return null;
  const candidates = [...candidatesFor(own, name)];
  return nearestBySpelling(candidates) ?? nearestByLabels(candidates, name);
}

function nearestBySpelling(candidates: readonly Candidate[]): string | null {
  let best: string | null = null;
  let bound = DISTANCE_MOST;
  for (const { shown, known, asked } of candidates) {
    const most = Math.min(bound, Math.max(1, Math.floor(known.length / 3)));
    const distance = editDistance(asked, known, most);
    if (distance > most || (distance === bound && best !== null && best <= shown)) continue;
    best = shown;
    bound = distance;
  }
  return best;
}

/** The first claim whose first two labels (`api.hub`, `apps.hub`) stand somewhere in the asked name. */
function nearestByLabels(candidates: readonly Candidate[], name: string): string | null {
  const haystack = `.${name}.`;
  const found = candidates.find(({ known }) => known.includes(".") && haystack.includes(`.${firstLabels(known, 2)}.`));
  return found?.shown ?? null;
}

function* candidatesFor(routes: NameRoutes, name: string): Generator<Candidate> {
  const labels = name.split(".");
  for (const claim of routes.exact.keys()) yield { shown: claim, known: claim, asked: name };
  for (const claim of routes.below.keys()) {
    yield { shown: `*.${claim}`, known: claim, asked: labels.slice(-claim.split(".").length).join(".") };
  }
  for (const claim of routes.start.keys()) yield { shown: `${claim}.*`, known: claim, asked: firstLabels(name, 2) };
  for (const { claim } of routes.apps.values()) {
    for (let at = 1; at <= APPS_DEPTH && at + 1 < labels.length; at++) {
      yield { shown: `*.${claim}.*`, known: claim, asked: labels.slice(at, at + 2).join(".") };
    }
  }
}

function firstLabels(name: string, count: number): string {
  return name.split(".", count).join(".");
}
