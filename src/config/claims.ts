/** Which names a cluster serves, and that no two clusters serve the same one. */
import type { ServiceName } from "../seam/services.ts";
import type { ClusterConfig } from "./model.ts";
import { quote, type Problems } from "./text.ts";

/** A name that a cluster serves, on some listener kinds. */
export interface Claim {
  /** `exact`: the name itself; `below`: anything below it; `labels`: whatever domain follows. */
  readonly rule: "exact" | "below" | "labels";
  readonly name: string;
  readonly kinds: readonly ServiceName[];
}

const INGRESS: readonly ServiceName[] = ["https", "http"];
const API: readonly ServiceName[] = ["api"];
const API_INT: readonly ServiceName[] = ["api", "mcs"];

/** @param domain D of `api.D` and `*.apps.D`, given or learnt; null: the label rule serves the cluster. */
export function claimsOf(cluster: ClusterConfig, domain: string | null = cluster.domain): readonly Claim[] {
  const tail = domain ?? cluster.name;
  const whole = domain === null ? "labels" : "exact";
  return [
    { rule: whole, name: `api.${tail}`, kinds: API },
    { rule: whole, name: `api-int.${tail}`, kinds: API_INT },
    { rule: domain === null ? "labels" : "below", name: `apps.${tail}`, kinds: INGRESS },
    ...cluster.apiNames.map((name): Claim => ({ rule: "exact", name, kinds: API })),
    ...cluster.names.map((name): Claim =>
      name.startsWith("*.")
        ? { rule: "below", name: name.slice(2), kinds: INGRESS }
        : { rule: "exact", name, kinds: INGRESS },
    ),
  ];
}

/** One text per thing that only one cluster can have. */
export function claimKeys(claim: Claim): readonly string[] {
  return claim.kinds.map((kind) => `${claim.rule} ${kind} ${claim.name}`);
}

/** Reports every name that two clusters claim, once per pair and name. */
export function checkClaims(clusters: readonly ClusterConfig[], problems: Problems): void {
  const owners = new Map<string, ClusterConfig>();
  for (const cluster of clusters) {
    for (const claim of claimsOf(cluster)) {
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
