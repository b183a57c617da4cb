/** Whose node each address is, by the certificates it shows and by who signed them. */
import { isTrusted, mostFrequent, withIssuer, type Issuers, type Subject } from "./issuers.ts";
import { apiDomains, covers, ingressDomains, outsideNames, type Shown, type Sighting } from "./sighting.ts";

/** What an address serves, and for whom. */
export interface Member {
  readonly ip: string;
  readonly label: string | null;
  /** D of the `api.D` that its API has a certificate for; null: none. */
  readonly apiDomain: string | null;
  /** D of the `*.apps.D` that its ingress has a certificate for; null: none. */
  readonly ingressDomain: string | null;
  /** Further names of its API that mean something outside. */
  readonly apiNames: readonly string[];
  /** Of the API's certificate, else of the ingress's. */
  readonly issuer: string;
}

/** An address that claims what another authority signs. It gets nothing, on no port. */
export interface Foreign {
  readonly ip: string;
  /** The name it claims: `api.hub.lab`, `*.apps.hub.lab`. */
  readonly claims: string;
  readonly issuer: string;
}

/** An address with an API that does not say whose it is. */
export interface Nameless {
  readonly ip: string;
  readonly issuer: string;
}

export interface Belonging {
  readonly members: readonly Member[];
  readonly foreign: readonly Foreign[];
  readonly nameless: readonly Nameless[];
  /** With what was seen for the first time. */
  readonly issuers: Issuers;
}

interface Claim {
  readonly ip: string;
  readonly subject: Subject;
  readonly issuer: string;
}

/** What an address shows, as claims that are still to be judged. */
interface Claimant {
  readonly sighting: Sighting;
  readonly apiDomains: readonly string[];
  readonly apiNames: readonly string[];
  readonly ingressDomains: readonly string[];
  readonly api: readonly Claim[];
  readonly ingress: readonly Claim[];
}

/** @param issuers What was seen before. */
export function judgeBelonging(sightings: readonly Sighting[], issuers: Issuers): Belonging {
  const known = candidateDomains(sightings, issuers);
  const claimants = sightings.map((sighting) => claimantOf(sighting, known));
  const apis = trustedOnly(claimants, ({ api }) => api, issuers);
  const members = apis.kept.map((claimant) => memberOf(claimant, known));
  const vouched = withVouched(apis.kept, members, apis.issuers);
  const ingresses = trustedOnly(apis.kept, ({ ingress }) => ingress, vouched);
  const good = new Set(ingresses.kept.map(({ sighting }) => sighting.ip));
  const kept = members.filter(({ ip }) => good.has(ip));
  const isNamed = ({ apiDomain, ingressDomain, apiNames }: Member): boolean =>
    apiDomain !== null || ingressDomain !== null || apiNames.length > 0;
  const withApi = new Set(sightings.filter(({ api }) => (api ?? []).length > 0).map(({ ip }) => ip));
  return {
    members: kept.filter(isNamed),
    foreign: [...apis.foreign, ...ingresses.foreign],
    nameless: kept
      .filter((member) => !isNamed(member) && withApi.has(member.ip))
      .map(({ ip, issuer }) => ({ ip, issuer })),
    issuers: ingresses.issuers,
  };
}

/** Domains with which an API is worth asking: those that any ingress shows, and those seen before. */
export function candidateDomains(sightings: readonly Sighting[], issuers: Issuers): ReadonlySet<string> {
  const shown = sightings.flatMap(({ https }) => (https ?? []).flatMap(ingressDomains));
  const before = [...issuers.keys()].filter((subject) => subject.startsWith("ingress "));
  return new Set([...shown, ...before.map((subject) => subject.slice("ingress ".length))]);
}

function claimantOf(sighting: Sighting, known: ReadonlySet<string>): Claimant {
  const { ip } = sighting;
  const [api, https] = [sighting.api ?? [], sighting.https ?? []];
  const domainsOf = (shown: Shown): readonly string[] =>
    [...new Set([...apiDomains(shown), ...known])].filter((domain) => covers(shown, `api.${domain}`));
  const ofApi = api.flatMap((shown) => domainsOf(shown).map((domain) => ({ domain, issuer: shown.issuer })));
  const domains = unique(ofApi.map(({ domain }) => domain));
  const own = new Set(domains.flatMap((domain) => [`api.${domain}`, `api-int.${domain}`]));
  const ofNames = api.flatMap((shown) =>
    outsideNames(shown)
      .filter((name) => !own.has(name))
      .map((name) => ({ name, issuer: shown.issuer })),
  );
  const ofIngress = https.flatMap((shown) => ingressDomains(shown).map((domain) => ({ domain, issuer: shown.issuer })));
  return {
    sighting,
    apiDomains: domains,
    apiNames: unique(ofNames.map(({ name }) => name)),
    ingressDomains: unique(ofIngress.map(({ domain }) => domain)),
    api: [
      ...ofApi.map(({ domain, issuer }): Claim => ({ ip, subject: `api api.${domain}`, issuer })),
      ...ofNames.map(({ name, issuer }): Claim => ({ ip, subject: `api ${name}`, issuer })),
    ],
    ingress: ofIngress.map(({ domain, issuer }): Claim => ({ ip, subject: `ingress ${domain}`, issuer })),
  };
}

interface Judged {
  readonly kept: readonly Claimant[];
  readonly foreign: readonly Foreign[];
  readonly issuers: Issuers;
}

/** Without a memory of a subject, the authority that most addresses show is the first one seen. */
function trustedOnly(
  claimants: readonly Claimant[],
  claimsOf: (claimant: Claimant) => readonly Claim[],
  before: Issuers,
): Judged {
  const votes = new Map<Subject, string[]>();
  for (const { subject, issuer } of claimants.flatMap(claimsOf)) {
    const cast = votes.get(subject);
    if (cast === undefined) votes.set(subject, [issuer]);
    else cast.push(issuer);
  }
  let issuers = before;
  for (const [subject, cast] of votes) {
    const elected = before.has(subject) ? null : mostFrequent(cast);
    if (elected !== null) issuers = withIssuer(issuers, subject, elected);
  }
  const foreign = new Map<string, Foreign>();
  for (const { ip, subject, issuer } of claimants.flatMap(claimsOf)) {
    if (isTrusted(issuers, subject, issuer) === false && !foreign.has(ip)) {
      foreign.set(ip, { ip, claims: claimText(subject), issuer });
    }
  }
  return {
    kept: claimants.filter(({ sighting }) => !foreign.has(sighting.ip)),
    foreign: [...foreign.values()],
    issuers,
  };
}

function claimText(subject: Subject): string {
  return subject.startsWith("api ") ? subject.slice("api ".length) : `*.apps.${subject.slice("ingress ".length)}`;
}

function memberOf({ sighting, ...claims }: Claimant, known: ReadonlySet<string>): Member {
  const { ip, label, api, https } = sighting;
  const own = claims.ingressDomains;
  const apiDomain =
    claims.apiDomains.find((domain) => own.includes(domain)) ??
    claims.apiDomains.find((domain) => known.has(domain)) ??
    claims.apiDomains[0] ??
    null;
  const others = claims.apiDomains.filter((domain) => domain !== apiDomain).map((domain) => `api.${domain}`);
  const issuer = api?.[0]?.issuer ?? https?.[0]?.issuer ?? "";
  const ingressDomain = ownDomain(own, apiDomain);
  return { ip, label, apiDomain, ingressDomain, apiNames: [...others, ...claims.apiNames], issuer };
}

/** A certificate for several domains says nothing, unless the API does. */
function ownDomain(domains: readonly string[], apiDomain: string | null): string | null {
  if (apiDomain !== null && domains.includes(apiDomain)) return apiDomain;
  return domains.length === 1 ? (domains[0] ?? null) : null;
}

/** A machine that has D's API is D's, whoever signs its ingress certificates; and what signs the API may sign them too. */
function withVouched(claimants: readonly Claimant[], members: readonly Member[], before: Issuers): Issuers {
  let issuers = before;
  for (const [at, { apiDomain }] of members.entries()) {
    const vouched = (claimants[at]?.ingress ?? []).filter(({ subject }) => subject === `ingress ${apiDomain}`);
    for (const { subject, issuer } of vouched) issuers = withIssuer(issuers, subject, issuer);
  }
  for (const { subject, issuer } of claimants.flatMap(({ ingress }) => ingress)) {
    const domain = subject.slice("ingress ".length);
    if (isTrusted(issuers, `api api.${domain}`, issuer) === true) issuers = withIssuer(issuers, subject, issuer);
  }
  return issuers;
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
