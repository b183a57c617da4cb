/** From addresses that are somebody's to clusters: which there are, what they are called, and what is left to others. */
import type { Belonging, Foreign, Member, Nameless } from "./belonging.ts";
import { API_NAMES_MOST } from "./sighting.ts";

/** A cluster that an operator gave: discovery leaves it what it has. */
export interface Given {
  readonly name: string;
  /** Null: not known; the label rule serves it. */
  readonly domain: string | null;
  /** Further names, exact or `*.suffix`. */
  readonly names: readonly string[];
  /** Of its nodes. */
  readonly addresses: readonly string[];
}

export interface FoundCluster {
  readonly name: string;
  readonly domain: string | null;
  readonly apiNames: readonly string[];
  /** Every address, and by what it serves. */
  readonly nodes: readonly string[];
  readonly api: readonly string[];
  readonly ingress: readonly string[];
  /** By address, what its sources call the machine. */
  readonly labels: ReadonlyMap<string, string>;
}

/** What belongs to a cluster that was given. */
export interface Taken {
  readonly ip: string;
  readonly what: string;
  readonly cluster: string;
}

export interface Findings {
  readonly clusters: readonly FoundCluster[];
  readonly foreign: readonly Foreign[];
  readonly nameless: readonly Nameless[];
  readonly taken: readonly Taken[];
}

/** A cluster has one name for as long as it is seen. By domain or first API name. */
export type NamesBefore = ReadonlyMap<string, string>;

interface Group {
  /** The domain, else the first API name. */
  readonly key: string;
  readonly domain: string | null;
  readonly members: readonly Member[];
  readonly apiNames: readonly string[];
}

export function findClusters(belonging: Belonging, given: readonly Given[], before: NamesBefore = new Map()): Findings {
  const { members, foreign, nameless } = belonging;
  const owned = new GivenNames(given);
  const taken: Taken[] = [];
  const groups = groupsOf(members).flatMap((group) => {
    const owner = group.domain === null ? null : owned.ofDomain(group.domain);
    const apiNames = group.apiNames.filter((name) => owned.ofName(name) === null);
    const owners = owner ?? (group.domain === null && apiNames.length === 0 ? owned.ofName(group.key) : null);
    if (owners === null) return [{ ...group, apiNames }];
    taken.push(...group.members.map(({ ip }) => ({ ip, what: group.key, cluster: owners })));
    return [];
  });
  return { clusters: nameGroups(withoutOthersNames(groups), given, before), foreign, nameless, taken };
}

function groupsOf(members: readonly Member[]): readonly Group[] {
  const byDomain = new Map<string, Member[]>();
  const others: Member[] = [];
  for (const member of members) {
    const domains = new Set([member.apiDomain, member.ingressDomain].filter((domain) => domain !== null));
    for (const domain of domains) byDomain.set(domain, [...(byDomain.get(domain) ?? []), member]);
    if (domains.size === 0) others.push(member);
  }
  const named = [...byDomain].map(([domain, own]) => groupOf(domain, domain, own));
  const all = [...named, ...groupsByName(others)];
  return all.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** APIs that have a name and an authority in common are one cluster's. */
function groupsByName(members: readonly Member[]): readonly Group[] {
  const groups = new Map<string, Set<Member>>();
  for (const member of members) {
    const keys = member.apiNames.map((name) => `${member.issuer} ${name}`);
    const met = new Set(keys.flatMap((key) => groups.get(key) ?? []));
    const group = new Set([...[...met].flatMap((each) => [...each]), member]);
    const known = [...group].flatMap((each) => each.apiNames.map((name) => `${each.issuer} ${name}`));
    for (const key of known) groups.set(key, group);
  }
  return [...new Set(groups.values())].map((group) => {
    const own = [...group];
    return groupOf(own.flatMap(({ apiNames }) => apiNames).sort()[0] ?? "", null, own);
  });
}

function groupOf(key: string, domain: string | null, members: readonly Member[]): Group {
  const ofApi = members.filter(({ apiDomain }) => apiDomain === domain || apiDomain === null);
  const names = [...new Set(ofApi.flatMap(({ apiNames }) => apiNames))].sort();
  return { key, domain, members, apiNames: names.slice(0, API_NAMES_MOST) };
}

/** A name has one cluster: that of its domain, else the first that shows it. */
function withoutOthersNames(groups: readonly Group[]): readonly Group[] {
  const domains = new Map(groups.flatMap(({ domain }) => (domain === null ? [] : [[domain, domain] as const])));
  const used = new Set<string>();
  return groups.flatMap((group) => {
    const apiNames = group.apiNames.filter((name) => {
      const owner = domains.get(name.replace(/^api(-int)?\./, ""));
      return !used.has(name) && (owner === undefined || owner === group.domain);
    });
    for (const name of apiNames) used.add(name);
    const key = group.domain ?? apiNames[0];
    return key === undefined ? [] : [{ ...group, key, apiNames }];
  });
}

function nameGroups(groups: readonly Group[], given: readonly Given[], before: NamesBefore): readonly FoundCluster[] {
  const used = new Set(given.map(({ name }) => name));
  const named = new Map<Group, string>();
  const take = (group: Group, name: string): void => {
    used.add(name);
    named.set(group, name);
  };
  for (const group of groups) {
    const name = before.get(group.key);
    if (name !== undefined && !used.has(name)) take(group, name);
  }
  for (const group of groups) {
    if (named.has(group)) continue;
    const short = group.key.split(".")[0] ?? group.key;
    if (!used.has(short)) take(group, short);
    else if (!used.has(group.key)) take(group, group.key);
  }
  return groups.flatMap((group) => {
    const name = named.get(group);
    return name === undefined ? [] : [clusterOf(name, group)];
  });
}

function clusterOf(name: string, { domain, members, apiNames }: Group): FoundCluster {
  const ips = (own: readonly Member[]): readonly string[] => own.map(({ ip }) => ip);
  const isApi = (member: Member): boolean =>
    domain === null || member.apiDomain === domain || (member.apiDomain === null && member.apiNames.length > 0);
  return {
    name,
    domain,
    apiNames,
    nodes: ips(members),
    api: ips(members.filter(isApi)),
    ingress: domain === null ? [] : ips(members.filter(({ ingressDomain }) => ingressDomain === domain)),
    labels: new Map(members.flatMap(({ ip, label }) => (label === null ? [] : [[ip, label] as const]))),
  };
}

/** Who has a name among the clusters that were given. */
class GivenNames {
  private readonly given: readonly Given[];

  constructor(given: readonly Given[]) {
    this.given = given;
  }

  ofDomain(domain: string): string | null {
    const owner = this.given.find((each) =>
      each.domain === null ? domain === each.name || domain.startsWith(`${each.name}.`) : each.domain === domain,
    );
    return owner?.name ?? null;
  }

  ofName(name: string): string | null {
    const api = /^api(?:-int)?\.(.+)$/.exec(name)?.[1];
    const owner = this.given.find(({ domain, names }) => {
      if (domain !== null && (api === domain || name.endsWith(`.apps.${domain}`))) return true;
      return names.some((own) => own === name || (own.startsWith("*.") && name.endsWith(own.slice(1))));
    });
    return owner?.name ?? (api === undefined ? null : this.ofDomain(api));
  }
}
