/** A backend in the role of one pool: who is in it, and the names that lead to it. */
import type { ServiceName } from "../../seam/services.ts";
import type { Source } from "../source/configuration.ts";
import type { Server } from "../source/endpoints.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";
import { domainOf, type LabelName } from "../routes/meaning.ts";
import { baseName } from "./naming.ts";
import type { NameUse, Route } from "../routes/routes.ts";

export interface Unit {
  readonly kind: ServiceName;
  readonly backend: Proxy;
  readonly routes: readonly Route[];
  readonly uses: readonly NameUse[];
  readonly names: readonly string[];
  readonly labels: readonly LabelName[];
  /** The domains that names speak of: `api.D`, `*.apps.D`, `x.apps.D`, and `LABEL.` of a label rule. */
  readonly domains: readonly string[];
  /** The cluster's own name, in a file that edge-lb exported; null: the file is somebody's. */
  readonly told: string | null;
  /** What the backend's name says beside roles; "" for nothing. */
  readonly base: string;
  /** The addresses that clients come to it by; "" where it has any. */
  readonly place: string;
  /** Takes who asks for no name. */
  readonly nameless: boolean;
  /** Takes names that no rule speaks of. */
  readonly rest: boolean;
  /** Without those that get no traffic or have no address, and without `leftOut`. */
  readonly servers: readonly Server[];
  /** Servers on another port than most: a pool has one port on all nodes. */
  readonly leftOut: readonly Server[];
  /** `host:port` of each server, sorted: two units with one text are one pool. */
  readonly endpoints: string;
}

/** One unit per listener kind and backend, in the order of the source. */
export function unitsOf({ isOwnExport }: Source, routes: readonly Route[]): Unit[] {
  const groups = new Map<string, Route[]>();
  for (const route of routes) {
    const key = JSON.stringify([route.entry.kind, route.backend.name]);
    groups.set(key, [...(groups.get(key) ?? []), route]);
  }
  return [...groups.values()].flatMap((group) => toUnit(group, isOwnExport) ?? []);
}

function toUnit(routes: readonly Route[], isOwnExport: boolean): Unit | null {
  const [first] = routes;
  if (first === undefined) return null;
  const { entry, backend } = first;
  const uses = routes.flatMap((route) => route.uses);
  const cameTo = entry.binds[0]?.port ?? 0;
  const usable = usableServers(backend);
  const port = mostCommon(usable.map((server) => server.port ?? cameTo));
  const servers = usable.filter((server) => (server.port ?? cameTo) === port);
  const names = [...new Set(uses.flatMap((use) => use.names))];
  const labels = uses.flatMap((use) => use.labels);
  return {
    kind: entry.kind,
    backend,
    routes,
    uses,
    names,
    labels,
    domains: [
      ...new Set([
        ...names.flatMap((name) => domainOf(name, entry.kind) ?? []),
        ...labels.map(({ label }) => `${label}.`),
      ]),
    ],
    told: isOwnExport ? backend.name.slice(backend.name.indexOf("_") + 1) : null,
    base: baseOf(routes, backend),
    place: placeOf(routes),
    nameless: routes.some((route) => route.nameless),
    rest: routes.some((route) => route.rest),
    servers,
    leftOut: usable.filter((server) => !servers.includes(server)),
    endpoints: servers
      .map((server) => endpointText(server, cameTo))
      .sort()
      .join(" "),
  };
}

function placeOf(routes: readonly Route[]): string {
  const ips = new Set(routes.flatMap(({ entry }) => entry.binds.map(({ ip }) => ip)));
  return ips.has("") ? "" : [...ips].sort().join(" ");
}

/** What the backend is called; where that says roles only, what the frontend is called that leads nowhere else. */
function baseOf(routes: readonly Route[], backend: Proxy): string {
  const own = baseName(backend.name);
  const frontends = new Set(
    routes.filter(({ nameless, rest }) => nameless && rest).map(({ entry }) => entry.proxy.name),
  );
  const [only = "", more] = frontends;
  return own !== "" || more !== undefined ? own : baseName(only);
}

/** Whether a unit speaks of names at all. */
export function isNamed({ names, labels }: Unit): boolean {
  return names.length + labels.length > 0;
}

export function hostsOf(units: readonly Unit[]): string[] {
  return [...new Set(units.flatMap((unit) => unit.servers.map((server) => server.host)))];
}

export function sameHosts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((host) => b.includes(host));
}

/** @param cameTo The listener's port, which a server without one is reached at. */
export function endpointText(server: Server, cameTo: number): string {
  const host = server.host.includes(":") ? `[${server.host}]` : server.host;
  return `${host}:${server.port ?? cameTo}`;
}

/** The port of a unit's servers; null: it has none. */
export function portOf({ servers: [first], routes: [route] }: Unit): number | null {
  return first === undefined ? null : (first.port ?? route?.entry.binds[0]?.port ?? 0);
}

/** The first of those that come up most often. */
export function mostCommon<T>(items: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
