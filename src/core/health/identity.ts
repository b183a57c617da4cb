/**
 * Whose certificate is this? Nodes get their addresses from DHCP, so an address may belong to another cluster tomorrow;
 * the names in a certificate say whose node answers, without any secret and without a request.
 */

import { isDomain } from "../route/canonical-name.ts";

/** What is known of a cluster's names. */
export interface ClusterNames {
  readonly name: string;
  /** D, given or learnt; null: not known. */
  readonly domain: string | null;
  /** Further names, exact or `*.suffix`, lower case. */
  readonly names: readonly string[];
}

/** What is kept of a certificate that a node showed. */
export interface ShownCertificate {
  /** DNS names in lower case, `*.` included. */
  readonly names: readonly string[];
  /** End of validity, ms since 1970. */
  readonly notAfterMs: number;
  readonly fingerprint: string;
  /** The authority's key id in hex, else its name. */
  readonly issuer: string;
  /** The server would speak HTTP/2 on this connection. */
  readonly offersH2: boolean;
}

export type Identity =
  | { readonly kind: "proven" }
  /** No name of any cluster: the usual case outside OpenShift. Shown, used. */
  | { readonly kind: "unproven" }
  | { readonly kind: "foreign"; readonly cluster: string };

/** Clusters by name or suffix: two that serve different services may have the same names. */
type ByName = Map<string, readonly string[]>;

/** Which clusters a certificate's names belong to. Built once per configuration: a name costs a few map lookups, however many clusters there are. */
export interface Owners {
  of(certificate: Pick<ShownCertificate, "names">): ReadonlySet<string>;
}

export function owners(clusters: readonly ClusterNames[]): Owners {
  const exact: ByName = new Map();
  const below: ByName = new Map();
  const labels = new Map<string, string>();
  for (const cluster of clusters) {
    if (cluster.domain === null) labels.set(cluster.name, cluster.name);
    else add(below, cluster.domain, cluster.name);
    for (const name of cluster.names) {
      if (name.startsWith("*.")) add(below, name.slice(2), cluster.name);
      else add(exact, name, cluster.name);
    }
  }
  return {
    of(certificate) {
      const found = new Set<string>();
      for (const name of certificate.names) {
        for (const owner of ownersOf(name, exact, below) ?? labelOwners(name, labels)) found.add(owner);
      }
      return found;
    },
  };
}

function add(map: ByName, name: string, cluster: string): void {
  map.set(name, [...(map.get(name) ?? []), cluster]);
}

/** Exact names first, then the longest suffix: a domain below another cluster's domain stays its own. */
function ownersOf(name: string, exact: ByName, below: ByName): readonly string[] | null {
  const bare = name.startsWith("*.") ? name.slice(2) : name;
  const own = exact.get(name);
  if (own !== undefined) return own;
  for (let suffix = bare; suffix !== ""; suffix = parent(suffix)) {
    const found = below.get(suffix);
    if (found !== undefined) return found;
  }
  return null;
}

function parent(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

/** Clusters without a domain: `api.NAME.…`, `api-int.NAME.…` and `….apps.NAME.…` are theirs, as in routing. */
function labelOwners(name: string, clusters: ReadonlyMap<string, string>): readonly string[] {
  const parts = name.split(".");
  const apps = parts.indexOf("apps");
  const isApi = parts[0] === "api" || parts[0] === "api-int";
  const owner = isApi ? clusters.get(parts[1] ?? "") : apps < 1 ? undefined : clusters.get(parts[apps + 1] ?? "");
  return owner === undefined ? [] : [owner];
}

/** A certificate that names another cluster and not this one makes its node foreign. */
export function identify(own: string, found: ReadonlySet<string>): Identity {
  if (found.has(own)) return { kind: "proven" };
  const [other] = found;
  return other === undefined ? { kind: "unproven" } : { kind: "foreign", cluster: other };
}

/**
 * The domain that an ingress certificate gives away: the D of its one `*.apps.D`.
 * With several, the one that begins with the cluster's name; otherwise none, because guessing would route wrongly.
 * What could not be given as a domain is not learnt either: anything may stand in a certificate.
 */
export function learntDomain(cluster: string, certificate: ShownCertificate): string | null {
  const domains = certificate.names
    .filter((name) => name.startsWith("*.apps."))
    .map((name) => name.slice("*.apps.".length))
    .filter(isDomain);
  if (domains.length === 1) return domains[0] ?? null;
  return domains.find((domain) => domain.startsWith(`${cluster}.`)) ?? null;
}

/** The domain that a certificate is for when it is a cluster's: the first D of its `*.apps.D`, `api.D` and `api-int.D`; null: none. */
export function certifiedDomain({ names }: Pick<ShownCertificate, "names">): string | null {
  const domains = names.flatMap((name) => /^(?:\*\.apps|api|api-int)\.(.+)$/.exec(name)?.[1] ?? []);
  return domains.find(isDomain) ?? null;
}

/** What the ingress nodes of a cluster without a given domain show. */
export interface DomainVotes {
  readonly cluster: string;
  /** Elected before; null: nothing. */
  readonly standing: string | null;
  /** How many nodes show it, by domain. */
  readonly votes: ReadonlyMap<string, number>;
}

/**
 * The domain of each cluster is what most of its nodes show, so that a node whose address went to another cluster cannot
 * rename the old one. A domain belongs to one cluster, and a cluster has one domain. Where votes are equal, the domain elected
 * before stays; without one, the domain that begins with the cluster's name wins (`hub.…` is hub's); otherwise none does.
 * @param given Domains that the operator gave to clusters.
 */
export function electDomains(
  candidates: readonly DomainVotes[],
  given: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const elected = new Map<string, string>();
  const decided = new Set<string>();
  let claims = candidates.flatMap(claimsOf).filter(({ domain }) => !given.has(domain));
  while (claims.length > 0) {
    const most = claims.reduce((strongest, { strength }) => Math.max(strongest, strength), 0);
    const best = claims.filter(({ strength }) => strength === most);
    const met = new Map<string, number>();
    for (const key of best.flatMap(keysOf)) met.set(key, (met.get(key) ?? 0) + 1);
    for (const claim of best) {
      if (keysOf(claim).every((key) => met.get(key) === 1)) elected.set(claim.cluster, claim.domain);
      for (const key of keysOf(claim)) decided.add(key);
    }
    claims = claims.filter((claim) => !keysOf(claim).some((key) => decided.has(key)));
  }
  return elected;
}

interface DomainClaim {
  readonly cluster: string;
  readonly domain: string;
  /** Votes count first, then what stood before, then the name. */
  readonly strength: number;
}

function claimsOf({ cluster, standing, votes }: DomainVotes): readonly DomainClaim[] {
  const domains = new Set([...votes.keys(), ...(standing === null ? [] : [standing])]);
  return [...domains].map((domain) => {
    const named = domain.startsWith(`${cluster}.`) ? 1 : 0;
    return { cluster, domain, strength: 4 * (votes.get(domain) ?? 0) + (domain === standing ? 2 : 0) + named };
  });
}

/** Two claims with a key in common exclude each other; the name of a cluster never begins with a dot. */
function keysOf({ cluster, domain }: DomainClaim): readonly string[] {
  return [cluster, `.${domain}`];
}

export type Expiry = "fine" | "soon" | "expired";
/** Warn this long before: certificates of a cluster that sleeps cannot renew themselves. */
export const EXPIRY_WARNING_MS = 14 * 24 * 3_600_000;

export function expiry(notAfterMs: number, wallMs: number): Expiry {
  if (wallMs >= notAfterMs) return "expired";
  return notAfterMs - wallMs <= EXPIRY_WARNING_MS ? "soon" : "fine";
}

/** Two clusters for which a browser would reuse one HTTP/2 connection, since one certificate covers both (RFC 9113 §9.1.1). */
export interface SharedCertificate {
  readonly cluster: string;
  readonly also: string;
}

/**
 * Find ingress certificates that would make browsers send one cluster's requests to another.
 * @param shown The certificate that each cluster's ingress shows.
 */
export function sharedCertificates(
  shown: ReadonlyMap<string, ShownCertificate>,
  nameOwners: Owners,
): readonly SharedCertificate[] {
  const pairs = new Map<string, SharedCertificate>();
  const byName = new Map<string, string>();
  for (const [cluster, certificate] of shown) {
    if (!certificate.offersH2) continue;
    const others = new Set<string>();
    for (const name of certificate.names) {
      // two clusters may have one name on different services: browsers mix nothing up then
      const named = nameOwners.of({ names: [name] });
      if (!named.has(cluster)) for (const owner of named) others.add(owner);
      const first = byName.get(name);
      if (first === undefined) byName.set(name, cluster);
      else others.add(first);
    }
    others.delete(cluster);
    for (const also of others) pairs.set([cluster, also].sort().join(" "), { cluster, also });
  }
  return [...pairs.values()];
}
