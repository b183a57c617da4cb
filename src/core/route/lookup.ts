import { addressBytes } from "../address.ts";
import type { NameClaim, Snapshot } from "../../seam/snapshot.ts";
import { Homes } from "./homes.ts";
import type { RouteMatch, RouteRule } from "./match.ts";
import { NAME_MOST } from "./canonical-name.ts";

/** Names of one service; every map is asked by whole labels. */
export interface NameRoutes {
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

/** Where what comes to one service goes. */
export interface ServiceRoutes extends NameRoutes {
  /** Names of clusters that have no nodes for it, where nobody takes the rest; null: there are none. */
  readonly vacant: NameRoutes | null;
  /** For names that nobody claims. */
  readonly rest: RouteMatch | null;
  /** For what comes without a name. */
  readonly fallback: RouteMatch | null;
  /** Names that say nothing: a client uses them for the cluster that it believes to talk to. */
  readonly empty: ReadonlySet<string>;
}

export interface Routes {
  /** By service. */
  readonly services: readonly ServiceRoutes[];
  readonly homes: Homes;
}

/** What kube-apiserver is called inside of a cluster and on its nodes, whichever cluster it is. */
export const EMPTY_NAMES: ReadonlySet<string> = new Set([
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
]);
const NO_NAMES: ReadonlySet<string> = new Set();

/** First label of the claims that match inside a name. */
const APPS = "apps.";

export type RouteSource = Pick<Snapshot, "services" | "clusters" | "exact" | "below" | "labels" | "rest" | "fallback">;

/** Index a snapshot's names once. Of two claims with one name and service the first counts; config refuses such claims. */
export function buildRoutes(snapshot: RouteSource): Routes {
  const names = new NameIndex({
    exact: snapshot.exact,
    below: snapshot.below,
    start: snapshot.labels.filter((claim) => !claim.name.startsWith(APPS)),
    apps: snapshot.labels.filter((claim) => claim.name.startsWith(APPS)),
  });
  const services = snapshot.services.map(({ index, routedBy }): ServiceRoutes => {
    const rest = restOf(snapshot.rest, index);
    const vacant = rest === null ? names.of(index, "vacant") : null;
    const fallback = snapshot.fallback[index] ?? -1;
    return {
      ...names.of(index, "services"),
      rest: rest ?? restOf(snapshot.rest, index, "vacant"),
      vacant: vacant === null || isEmpty(vacant) ? null : vacant,
      fallback: fallback < 0 ? null : { cluster: fallback, rule: "default", claim: "" },
      // a Host always names a site
      empty: routedBy === "sni" ? EMPTY_NAMES : NO_NAMES,
    };
  });
  return { services, homes: new Homes(snapshot.clusters) };
}

type Counted = "services" | "vacant";

function restOf(claims: readonly NameClaim[], service: number, counted: Counted = "services"): RouteMatch | null {
  const claim = claims.find((each) => each[counted].includes(service));
  return claim === undefined ? null : { cluster: claim.cluster, rule: "rest", claim: claim.name };
}

interface Claims extends Pick<Snapshot, "exact" | "below"> {
  readonly start: readonly NameClaim[];
  readonly apps: readonly NameClaim[];
}

/** Services that serve the same names, as further ones do, share one index. */
class NameIndex {
  private readonly claims: Claims;
  private readonly known: { readonly own: Claims; readonly routes: NameRoutes }[] = [];

  constructor(claims: Claims) {
    this.claims = claims;
  }

  of(service: number, counted: Counted): NameRoutes {
    const own = (claims: readonly NameClaim[]): readonly NameClaim[] =>
      claims.filter((claim) => claim[counted].includes(service));
    const { exact, below, start, apps } = this.claims;
    const mine: Claims = { exact: own(exact), below: own(below), start: own(start), apps: own(apps) };
    const before = this.known.find((each) => KINDS.every((kind) => sameClaims(each.own[kind], mine[kind])));
    if (before !== undefined) return before.routes;
    const routes = indexNames(mine);
    this.known.push({ own: mine, routes });
    return routes;
  }
}

const KINDS = ["exact", "below", "start", "apps"] as const;

function sameClaims(a: readonly NameClaim[], b: readonly NameClaim[]): boolean {
  return a.length === b.length && a.every((claim, at) => claim === b[at]);
}

function indexNames(claims: Claims): NameRoutes {
  const below = indexClaims(claims.below, "below", wholeName);
  return {
    exact: indexClaims(claims.exact, "exact", wholeName),
    below,
    belowLabels: [...below.keys()].reduce((most, name) => Math.max(most, countLabels(name)), 0),
    start: indexClaims(claims.start, "labels", wholeName),
    apps: indexClaims(claims.apps, "labels", (name) => name.slice(APPS.length)),
  };
}

function isEmpty({ exact, below, start, apps }: NameRoutes): boolean {
  return exact.size + below.size + start.size + apps.size === 0;
}

/**
 * Where a connection or request goes: to who claims its name; if it says no name that means anything, to the client's own cluster;
 * to who takes the rest; without a name to the default. Null: nowhere.
 * The cost is a few map probes (the labels of the longest suffix claim at most), however many clusters there are and however many
 * labels the name has: exact names first, then the longest suffix with a label before it, then the label rule.
 * @param service Its index.
 * @param name Canonical, see `canonicalName`; null: none.
 * @param client Its address, canonical.
 */
export function route(routes: Routes, service: number, name: string | null, client: string): RouteMatch | null {
  const own = routes.services[service];
  if (own === undefined) return null;
  const claimed = name === null ? undefined : find(own, name);
  if (claimed !== undefined) return claimed;
  const isNameless = name === null || own.empty.has(name);
  const home = isNameless ? routes.homes.of(client) : null;
  if (home !== null) return home;
  if (name !== null && own.rest !== null) return own.rest;
  if (isNameless && own.fallback !== null) return own.fallback;
  return name === null || own.vacant === null ? null : (find(own.vacant, name) ?? null);
}

/** The same for the host of a request: an address is no name there either, though a catch-all takes it where there is no default. */
export function routeHost(routes: Routes, service: number, host: string | null, client: string): RouteMatch | null {
  const isAddress = host !== null && (host.startsWith("[") || addressBytes(host) !== null);
  const nameless = isAddress ? route(routes, service, null, client) : null;
  return nameless ?? route(routes, service, host, client);
}

function find(routes: NameRoutes, name: string): RouteMatch | undefined {
  // No claim is longer than a DNS name can be, and a Host field of 8 KB must not cost more than one that is.
  if (name.length > NAME_MOST) return undefined;
  const exact = routes.exact.get(name);
  if (exact !== undefined) return exact;
  // a label is never empty, whatever the grammar of Host lets through
  if (name.includes("..")) return undefined;
  return findBelow(routes, name) ?? findByStart(routes, name) ?? findByApps(routes, name);
}

function findBelow(routes: NameRoutes, name: string): RouteMatch | undefined {
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
function findByStart(routes: NameRoutes, name: string): RouteMatch | undefined {
  if (routes.start.size === 0) return undefined;
  const second = name.indexOf(".", name.indexOf(".") + 1);
  return second > 0 && second < name.length - 1 ? routes.start.get(name.slice(0, second)) : undefined;
}

/** `….apps.hub.…`: leftmost, with at least one label before and one after. */
function findByApps(routes: NameRoutes, name: string): RouteMatch | undefined {
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
  rule: RouteRule,
  keyOf: (name: string) => string,
): ReadonlyMap<string, RouteMatch> {
  const index = new Map<string, RouteMatch>();
  for (const { name, cluster } of claims) {
    const key = keyOf(name);
    if (!index.has(key)) index.set(key, { cluster, rule, claim: name });
  }
  return index;
}

function wholeName(name: string): string {
  return name;
}

function countLabels(name: string): number {
  return name.split(".").length;
}
