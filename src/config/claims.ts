/** Which names a cluster serves, and that no two clusters serve the same one. */
import type { NameSet, Service } from "../seam/services.ts";
import type { ClusterConfig } from "./model.ts";
import { quote, type Problems } from "./text.ts";

/** A name that a cluster serves, on some services. */
export interface Claim {
  /** `exact`: the name itself; `below`: anything below it; `labels`: whatever domain follows. */
  readonly rule: "exact" | "below" | "labels";
  readonly name: string;
  readonly services: readonly Service[];
}

/** Which services each set of names leads to. */
export type NameSets = Readonly<Record<NameSet, readonly Service[]>>;

export function nameSetsOf(services: readonly Service[]): NameSets {
  const leadingTo = (set: NameSet): readonly Service[] => services.filter(({ names }) => names.includes(set));
  return {
    api: leadingTo("api"),
    "api-int": leadingTo("api-int"),
    apps: leadingTo("apps"),
    names: leadingTo("names"),
    "api-names": leadingTo("api-names"),
  };
}

/** @param domain D of `api.D` and `*.apps.D`, given or learnt; null: the label rule serves the cluster. */
export function claimsOf(
  cluster: ClusterConfig,
  sets: NameSets,
  domain: string | null = cluster.domain,
): readonly Claim[] {
  const tail = domain ?? cluster.name;
  const whole = domain === null ? "labels" : "exact";
  return [
    { rule: whole, name: `api.${tail}`, services: sets.api },
    { rule: whole, name: `api-int.${tail}`, services: sets["api-int"] },
    { rule: domain === null ? "labels" : "below", name: `apps.${tail}`, services: sets.apps },
    ...cluster.apiNames.map((name): Claim => ({ rule: "exact", name, services: sets["api-names"] })),
    ...cluster.names.map((name): Claim =>
      name.startsWith("*.")
        ? { rule: "below", name: name.slice(2), services: sets.names }
        : { rule: "exact", name, services: sets.names },
    ),
  ];
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
  const [second, first] = [quote(cluster.name), quote(owner.name)];
  problems.add(
    cluster.where,
    `Cannot use name ${name} for cluster ${second}: cluster ${first} (${owner.where}) claims it too`,
    "give one of them another domain= or name",
  );
}
