import type { NameClaim, Snapshot } from "../../seam/snapshot.ts";
import { NAME_MOST } from "./canonical-name.ts";

/** The kind of claim that matched a name. */
export type RouteRule = "exact" | "below" | "labels";

/** The claim that a name matched, as `explain` shows it. */
export interface RouteMatch {
  /** Index into the snapshot's clusters. */
  readonly cluster: number;
  readonly rule: RouteRule;
  /** The claim's name as in the snapshot: `api.hub.lab`, `apps.hub.lab`, `api.hub`, `apps.hub`. */
  readonly claim: string;
}

/** The names of one service; every map is asked by whole labels. */
export interface ServiceRoutes {
  /** By whole name. */
  readonly exact: ReadonlyMap<string, RouteMatch>;
  /** By the name's last labels. */
  readonly below: ReadonlyMap<string, RouteMatch>;
  /** Labels of the longest claim in `below`: more of them need not be asked for. */
  readonly belowLabels: number;
  /** Label rule at the start, by the first two labels: `api.hub`. */
  readonly start: ReadonlyMap<string, RouteMatch>;
  /** Label rule inside, by the label after `apps`: `hub`. */
  readonly apps: ReadonlyMap<string, RouteMatch>;
}

/** By service. */
export type Routes = readonly ServiceRoutes[];

/** First label of the claims that match inside a name. */
const APPS = "apps.";

/** Index a snapshot's names once. Of two claims with one name and service the first counts; config refuses such claims. */
export function buildRoutes(snapshot: Pick<Snapshot, "services" | "exact" | "below" | "labels">): Routes {
  const start = snapshot.labels.filter((claim) => !claim.name.startsWith(APPS));
  const apps = snapshot.labels.filter((claim) => claim.name.startsWith(APPS));
  return snapshot.services.map(({ index }) => {
    const below = indexClaims(snapshot.below, index, "below", wholeName);
    return {
      exact: indexClaims(snapshot.exact, index, "exact", wholeName),
      below,
      belowLabels: [...below.keys()].reduce((most, name) => Math.max(most, countLabels(name)), 0),
      start: indexClaims(start, index, "labels", wholeName),
      apps: indexClaims(apps, index, "labels", (name) => name.slice(APPS.length)),
    };
  });
}

/**
 * The cluster that a name belongs to, as index into the snapshot's clusters, or -1.
 * Exact names first, then the longest suffix with a label before it, then the label rule. The cost is a few map probes (the
 * labels of the longest suffix claim at most), however many clusters there are and however many labels the name has.
 * @param service Its index.
 * @param name Canonical, see `canonicalName`.
 */
export function lookup(routes: Routes, service: number, name: string): number {
  return explainLookup(routes, service, name)?.cluster ?? -1;
}

/** Like `lookup`, but says which claim matched; null when none did. */
export function explainLookup(routes: Routes, service: number, name: string): RouteMatch | null {
  const own = routes[service];
  return own === undefined ? null : (find(own, name) ?? null);
}

function find(routes: ServiceRoutes, name: string): RouteMatch | undefined {
  // No claim is longer than a DNS name can be, and a Host field of 8 KB must not cost more than one that is.
  if (name.length > NAME_MOST) return undefined;
  const exact = routes.exact.get(name);
  if (exact !== undefined) return exact;
  // a label is never empty, whatever the grammar of Host lets through
  if (name.includes("..")) return undefined;
  return findBelow(routes, name) ?? findByStart(routes, name) ?? findByApps(routes, name);
}

function findBelow(routes: ServiceRoutes, name: string): RouteMatch | undefined {
  for (let dot = firstDot(name, routes.belowLabels); dot > 0; dot = name.indexOf(".", dot + 1)) {
    const match = routes.below.get(name.slice(dot + 1));
    if (match !== undefined) return match;
  }
  return undefined;
}

/** The leftmost dot that has at most `labels` labels after it; -1 without one. */
function firstDot(name: string, labels: number): number {
  let dot = -1;
  let before = name.length;
  for (let count = 0; count < labels && before > 0; count++) {
    before = name.lastIndexOf(".", before - 1);
    if (before > 0) dot = before;
  }
  return dot;
}

/** `api.hub.…`: the first two labels, and at least one more after them. */
function findByStart(routes: ServiceRoutes, name: string): RouteMatch | undefined {
  if (routes.start.size === 0) return undefined;
  const second = name.indexOf(".", name.indexOf(".") + 1);
  return second > 0 && second < name.length - 1 ? routes.start.get(name.slice(0, second)) : undefined;
}

/** `….apps.hub.…`: leftmost, with at least one label before and one after. */
function findByApps(routes: ServiceRoutes, name: string): RouteMatch | undefined {
  if (routes.apps.size === 0) return undefined;
  for (let at = name.indexOf(`.${APPS}`); at >= 0; at = name.indexOf(`.${APPS}`, at + 1)) {
    const from = at + 1 + APPS.length;
    const end = name.indexOf(".", from);
    if (at === 0 || end < 0 || end === name.length - 1) continue;
    const match = routes.apps.get(name.slice(from, end));
    if (match !== undefined) return match;
  }
  return undefined;
}

function indexClaims(
  claims: readonly NameClaim[],
  service: number,
  rule: RouteRule,
  keyOf: (name: string) => string,
): ReadonlyMap<string, RouteMatch> {
  const index = new Map<string, RouteMatch>();
  for (const claim of claims) {
    if (!claim.services.includes(service)) continue;
    const key = keyOf(claim.name);
    if (!index.has(key)) index.set(key, { cluster: claim.cluster, rule, claim: claim.name });
  }
  return index;
}

function wholeName(name: string): string {
  return name;
}

function countLabels(name: string): number {
  return name.split(".").length;
}
