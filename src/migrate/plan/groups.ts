/** Puts pools together that are one cluster: by domain, by the name in the backends' names, by shared nodes. */
import type { ServiceName } from "../../seam/services.ts";
import { ADDRESS_FAMILY, isDualStack } from "./dual-stack.ts";
import { domainOf } from "../routes/meaning.ts";
import { nameOfHost, weakName } from "./naming.ts";
import { hostsOf, isNamed, mostCommon, portOf, sameHosts, type Unit } from "./units.ts";
import { roleFor } from "../routes/services.ts";

export interface Group {
  readonly name: string;
  /** The cluster whose plain HTTP this is, see `splitIngress`; null: it is whole. */
  readonly httpOf: string | null;
  readonly domain: string | null;
  readonly units: readonly Unit[];
}

/** `--domain DOMAIN`, or `--domain CLUSTER=DOMAIN` where several clusters have no names. */
export interface GivenDomain {
  /** Null: the one cluster without names. */
  readonly cluster: string | null;
  readonly domain: string;
}

export interface Grouping {
  readonly groups: readonly Group[];
  /** Domains that no cluster got, and why. */
  readonly unused: readonly { readonly given: GivenDomain; readonly why: string }[];
}

/** Who names the cluster comes first; further services have the API's nodes. */
const ORDER: readonly ServiceName[] = ["api", "https", "http", "mcs"];

export function groupUnits(units: readonly Unit[], given: readonly GivenDomain[]): Grouping {
  const groups: Unit[][] = [];
  const places = new Set(units.map(({ place }) => place).filter((place) => place !== "")).size;
  for (const kind of new Set([...ORDER, ...units.map((unit) => unit.kind)])) {
    for (const unit of units.filter((one) => one.kind === kind)) {
      const best = bestGroup(unit, groups, places) ?? onlyGroup(unit, groups, units);
      if (best === null) groups.push([unit]);
      else best.push(unit);
    }
  }
  return giveDomains(nameGroups(groups), given);
}

/** @param places How many addresses the source tells clusters apart by. */
function bestGroup(unit: Unit, groups: readonly Unit[][], places: number): Unit[] | null {
  const scored = groups
    .map((group) => ({ group, score: fits(unit, group) ? likeness(unit, group, places) : 0 }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score);
  return scored[0]?.group ?? null;
}

/** A pool that no name leads to is the one cluster's, where the source speaks of one only. */
function onlyGroup(unit: Unit, groups: readonly Unit[][], units: readonly Unit[]): Unit[] | null {
  const [only, more] = groups;
  if (only === undefined || more !== undefined || isNamed(unit) || domainsOf(units).length > 1) return null;
  return fits(unit, only) && !otherName(unit, only) && !otherIngress(unit, only) ? only : null;
}

/** Do the backends' names speak of two clusters? */
function otherName(unit: Unit, group: readonly Unit[]): boolean {
  const base = unit.base;
  const others = group.map((other) => other.base).filter((other) => other !== "");
  return base !== "" && others.length > 0 && !others.includes(base);
}

/** Are the group's routers other machines? Then this is somebody else's web server, unless a name says otherwise. */
function otherIngress(unit: Unit, group: readonly Unit[]): boolean {
  const other = unit.kind === "https" ? "http" : unit.kind === "http" ? "https" : null;
  const theirs = hostsOf(group.filter(({ kind }) => kind === other));
  return theirs.length > 0 && !hostsOf([unit]).some((host) => theirs.includes(host));
}

/** One cluster has one pool per listener; both families of addresses may be in it. */
function fits(unit: Unit, group: readonly Unit[]): boolean {
  return group.every(
    (other) =>
      unit.told === other.told &&
      (other.kind !== unit.kind || other.endpoints === unit.endpoints || isDualStack(unit, other)),
  );
}

const SAME = { told: 64, domain: 32, base: 16, place: 12, dualStack: 8, host: 2, hosts: 1, takesAll: 1 } as const;

/** How much speaks for one cluster; 0: nothing, or something against it. */
function likeness(unit: Unit, group: readonly Unit[], places: number): number {
  const [mine, theirs] = [domainsOf([unit]), domainsOf(group)];
  const more = nodesAlike(unit, group) - (isApiPort(unit) === group.some(isApiPort) ? 0 : 3);
  // `fits` has it that all are told alike
  if (unit.told !== null) return SAME.told;
  if (mine.some((domain) => theirs.includes(domain))) return SAME.domain + more;
  if (unit.base !== "" && group.some((other) => other.base === unit.base)) return SAME.base + more;
  if (isDefaultBeside(unit, group, (other) => places > 1 && unit.place !== "" && other.place === unit.place))
    return SAME.place + more;
  if (isDefaultBeside(unit, group, (other) => sameHosts(hostsOf([unit]), hostsOf([other])))) return more;
  // Nodes of two clusters can be the same machine on other ports; two domains or two names say that they are.
  if ((mine.length > 0 && theirs.length > 0) || otherName(unit, group)) return 0;
  if (group.some((other) => isDualStack(unit, other))) return SAME.dualStack + more;
  if (more > SAME.takesAll) return more;
  return mine.length + theirs.length === 0 && !otherIngress(unit, group) ? more : 0;
}

/** Everything on two listeners goes there, and no name tells the two apart; what they are called is no name of a cluster then. */
function isDefaultBeside(unit: Unit, group: readonly Unit[], isAlike: (other: Unit) => boolean): boolean {
  if ([unit, ...group].some((one) => isNamed(one) || !takesEverything(one))) return false;
  return group.some((other) => other.kind !== unit.kind && isAlike(other));
}

/** Nodes in common, and both taking everything. */
function nodesAlike(unit: Unit, group: readonly Unit[]): number {
  const hosts = hostsOf(group);
  const shared = hostsOf([unit]).some((host) => hosts.includes(host));
  const nodes = shared ? SAME.host + (sameHosts(hostsOf([unit]), hosts) ? SAME.hosts : 0) : 0;
  return nodes + (takesEverything(unit) && group.some(takesEverything) ? SAME.takesAll : 0);
}

/** An API server that is reached on the ingress's port, by its name. */
function isApiPort(unit: Unit): boolean {
  const port = portOf(unit);
  return unit.kind === "https" && (port === 6443 || port === 8443);
}

function takesEverything(unit: Unit): boolean {
  return unit.nameless && unit.rest;
}

/** Each domain once. */
export function domainsOf(units: readonly Unit[]): string[] {
  return [...new Set(units.flatMap((unit) => unit.domains))];
}

function nameGroups(groups: readonly Unit[][]): Group[] {
  const taken = new Set<string>();
  return groups.map((units) => {
    const domain = chooseDomain(units);
    const others = groups.filter((group) => group !== units).flatMap((group) => group.map(({ base }) => base));
    const name = units[0]?.told ?? clusterName(units, domain, new Set([...taken, ...others]), taken);
    taken.add(name);
    return { name, httpOf: null, domain, units };
  });
}

/** The API's names first: its certificate is what clients check; then a wildcard under `apps`, then one that covers both. */
export function chooseDomain(units: readonly Unit[]): string | null {
  const api = units.filter((unit) => roleFor(unit.kind) === "api").flatMap((unit) => unit.names);
  const ingress = units.filter((unit) => roleFor(unit.kind) === "ingress").flatMap((unit) => unit.names);
  const byApi = api.flatMap((name) => domainOf(name, "api") ?? [])[0];
  const byApps = ingress.flatMap((name) => /^\*\.apps\.(.+)$/.exec(name)?.[1] ?? [])[0];
  const both = api.find((name) => name.startsWith("*.") && ingress.includes(name))?.slice(2);
  const wide = api.find((name) => name.startsWith("*."))?.slice(2);
  return byApi ?? byApps ?? both ?? wide ?? null;
}

/**
 * A label of at most 63 characters that no cluster has yet.
 * @param reserved What other clusters are called in the source: no made-up number may give one of those.
 */
function clusterName(
  units: readonly Unit[],
  domain: string | null,
  reserved: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): string {
  const wish = wishedName(units, domain);
  const plain = wish.slice(0, 50).replace(/^-+|-+$/g, "");
  const start = plain === "" ? "cluster" : /^\d+$/.test(plain) ? `cluster-${plain}` : plain;
  if (!taken.has(start)) return start;
  for (let number = 2; ; number++) {
    const name = `${start}-${number}`;
    if (!reserved.has(name) && !taken.has(name)) return name;
  }
}

function wishedName(units: readonly Unit[], domain: string | null): string {
  const bases = units.map((unit) => unit.base.replace(ADDRESS_FAMILY, "")).filter((base) => base !== "");
  const label = units.flatMap((unit) => unit.labels)[0]?.label;
  const weak = units.flatMap((unit) => weakName(unit.backend.name) ?? [])[0];
  const [host] = units.flatMap((unit) => unit.names);
  const ofHost = host === undefined ? undefined : nameOfHost(host);
  const ofNodes = nodeDomain(units)?.split(".")[0];
  return label ?? mostCommon(bases) ?? domain?.split(".")[0] ?? ofHost ?? ofNodes ?? weak ?? "cluster";
}

/** What the host names of a cluster's nodes have in common behind their first label: of OpenShift's nodes its domain. */
export function nodeDomain(units: readonly Unit[]): string | null {
  const servers = units.flatMap((unit) => unit.servers);
  const tails = new Set(servers.map(({ host, isName }) => (isName ? host.split(".").slice(1).join(".") : "")));
  const [only = ""] = tails;
  return tails.size === 1 && /^[a-z][a-z0-9-]*\./i.test(only) ? only : null;
}

/** A domain goes to the cluster that was named with it, else to the one cluster whose names the source does not tell. */
function giveDomains(groups: readonly Group[], given: readonly GivenDomain[]): Grouping {
  const unused: Grouping["unused"][number][] = [];
  const domains = new Map<string, string>();
  for (const one of given) {
    const target = targetOf(one, groups);
    if (typeof target === "string") unused.push({ given: one, why: target });
    else domains.set(target.name, one.domain);
  }
  const taken = new Set(groups.map(({ name }) => name));
  return { groups: groups.map((group) => withDomain(group, domains.get(group.name), taken)), unused };
}

/** A cluster that nothing in the file names is called after its domain. */
function withDomain(group: Group, domain: string | undefined, taken: ReadonlySet<string>): Group {
  if (domain === undefined) return group;
  const [label = ""] = domain.split(".");
  const isTold = group.units.some((unit) => unit.base !== "" || isNamed(unit));
  return { ...group, domain, name: isTold || taken.has(label) ? group.name : label };
}

function targetOf({ cluster, domain }: GivenDomain, groups: readonly Group[]): Group | string {
  const names = (some: readonly Group[]): string => some.map(({ name }) => name).join(", ");
  if (cluster !== null) {
    return groups.find(({ name }) => name === cluster) ?? `there is no cluster ${cluster}, only ${names(groups)}`;
  }
  const nameless = groups.filter(({ units }) => !units.some(isNamed));
  const [only, more] = nameless;
  if (only === undefined) return "the source tells the names of every cluster";
  if (more === undefined) return only;
  const called = nameless.find(({ name }) => name === domain.split(".")[0]);
  const example = `--domain ${only.name}=${domain}`;
  return called ?? `${nameless.length} clusters have no names (${names(nameless)}); say whose it is: ${example}`;
}
