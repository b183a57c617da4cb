/** Which names a cluster serves, and that no two clusters serve the same one. */
import type { NameSet, Service } from "../../seam/services.ts";
import type { ClusterConfig } from "../model.ts";
import { ANY_NAME } from "../values/names.ts";
import { nodesFor, ownNamesOf } from "./service-settings.ts";
import { quote, type Problems } from "../values/text.ts";

/** A name that a cluster serves, on some services. */
export interface Claim {
  /** `exact`: the name itself; `below`: anything below it; `labels`: whatever domain follows; `rest`: all that nobody claims. */
  readonly rule: "exact" | "below" | "labels" | "rest";
  readonly name: string;
  readonly services: readonly Service[];
  /** Services that it leads to and on which its cluster has no nodes and can get none: there it counts for nobody else's names. */
  readonly vacant: readonly Service[];
}

/** Which services each set of names leads to. */
export interface NameSets {
  readonly of: Readonly<Record<NameSet, readonly Service[]>>;
  /** Whose `*` is that of this key. */
  readonly rest: Readonly<Record<"names" | "api-names", readonly Service[]>>;
  /** Each service that has names of its own, as a list. */
  readonly own: readonly (readonly [Service])[];
}

export function nameSetsOf(services: readonly Service[]): NameSets {
  const leadingTo = (set: NameSet): readonly Service[] => services.filter(({ names }) => names.includes(set));
  const restOf = (key: Service["rest"]): readonly Service[] => services.filter(({ rest }) => rest === key);
  return {
    of: {
      api: leadingTo("api"),
      "api-int": leadingTo("api-int"),
      apps: leadingTo("apps"),
      names: leadingTo("names"),
      "api-names": leadingTo("api-names"),
    },
    rest: { names: restOf("names"), "api-names": restOf("api-names") },
    own: restOf("own").map((service) => [service]),
  };
}

type Named = Omit<Claim, "vacant">;

/** @param domain D of `api.D` and `*.apps.D`, given or learnt; null: the label rule serves the cluster. */
export function claimsOf(
  cluster: ClusterConfig,
  sets: NameSets,
  domain: string | null = cluster.domain,
): readonly Claim[] {
  const tail = domain ?? cluster.name;
  const whole = domain === null ? "labels" : "exact";
  const claims: readonly Named[] = [
    { rule: whole, name: `api.${tail}`, services: sets.of.api },
    { rule: whole, name: `api-int.${tail}`, services: sets.of["api-int"] },
    { rule: domain === null ? "labels" : "below", name: `apps.${tail}`, services: sets.of.apps },
    ...cluster.apiNames.map((name) => named(name, sets.of["api-names"], sets.rest["api-names"])),
    ...cluster.names.map((name) => named(name, sets.of.names, sets.rest.names)),
    ...sets.own.flatMap((own) => ownNamesOf(cluster, own[0]).map((name) => named(name, own, own))),
  ];
  return claims.map((claim) => withVacancy(claim, cluster));
}

function named(name: string, services: readonly Service[], rest: readonly Service[]): Named {
  if (name === ANY_NAME) return { rule: "rest", name, services: rest };
  return name.startsWith("*.") ? { rule: "below", name: name.slice(2), services } : { rule: "exact", name, services };
}

const NONE: readonly Service[] = [];

function withVacancy(claim: Named, cluster: ClusterConfig): Claim {
  // a redirect needs no node
  const isServed = (service: Service): boolean =>
    nodesFor(cluster, service).length > 0 || (cluster.redirectHttps && service.routedBy === "host");
  if (claim.services.every(isServed)) return { ...claim, vacant: NONE };
  const services = claim.services.filter(isServed);
  return { ...claim, services, vacant: claim.services.filter((service) => !services.includes(service)) };
}

/** One text per thing that only one cluster can have. */
export function claimKeys(claim: Claim): readonly string[] {
  return claim.services.map((service) => `${claim.rule} ${service.name} ${claim.name}`);
}

/** Reports every name that two clusters claim, once per pair and name. */
export function checkClaims(clusters: readonly ClusterConfig[], sets: NameSets, problems: Problems): void {
  const owners = new Map<string, ClusterConfig>();
  for (const cluster of clusters) {
    for (const claim of claimsOf(cluster, sets)) {
      for (const key of claimKeys(claim)) {
        const owner = owners.get(key) ?? cluster;
        owners.set(key, owner);
        if (owner !== cluster) reportTwice(claim, cluster, owner, problems);
      }
    }
  }
}

function reportTwice(claim: Claim, cluster: ClusterConfig, owner: ClusterConfig, problems: Problems): void {
  const name = claim.rule === "below" ? `*.${claim.name}` : claim.name;
  const hint =
    claim.rule === "rest" ? "one cluster can take the rest of a service" : "give one of them another domain= or name";
  const [second, first] = [quote(cluster.name), quote(owner.name)];
  problems.add(
    cluster.where,
    `Cannot use name ${name} for cluster ${second}: cluster ${first} (${owner.where}) claims it too`,
    hint,
  );
}
