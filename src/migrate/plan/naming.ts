/** What a cluster is called: from its backends' names, its domain, or what stands for it. */
import type { Unit } from "./units.ts";

/** Words of backend names that say a role and not a cluster. */
const ROLES = new Set(
  (
    "be bk bck back backend backends fe frontend listen api apis apiserver apiservers kube kubernetes k8s kubeapi ingress ingresses " +
    "router routers route routes apps app http https tls ssl tcp web secure plain port master masters worker workers compute " +
    "computes controlplane controlplanes control plane cp infra server servers srv node nodes pool mcs machine machineconfig " +
    "config lb default main sni passthrough traffic public internal external int ext balancer haproxy proxy in out to " +
    "nodeport svc service services console openshift ocp okd ocp3 ocp4 okd4 cluster clusters sock bootstrap all"
  ).split(" "),
);

/** `apiserverbackend`: role words written as one; short ones are part of too many names. */
const JOINED = new RegExp(`^(?:${[...ROLES].filter((word) => word.length > 2).join("|")})+$`);

/** Words that name a cluster only where nothing else does. */
const WEAK = /^(openshift|ocp\d?|okd\d?|k8s|kubernetes|kube)$/;

/** `be_api_hub_6443` is `hub`; "" where only roles are left. */
export function baseName(backend: string): string {
  return tokens(backend)
    .filter((word) => !ROLES.has(word) && !JOINED.test(word) && !/^\d+$/.test(word))
    .join("-");
}

function tokens(name: string): string[] {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** A label of at most 63 characters that no cluster has yet. */
export function clusterName(units: readonly Unit[], domain: string | null, taken: ReadonlySet<string>): string {
  const bases = units.map((unit) => unit.base).filter((base) => base !== "");
  const label = units.flatMap((unit) => unit.labels)[0]?.label;
  const weak = units.flatMap((unit) => tokens(unit.backend.name)).find((word) => WEAK.test(word));
  const hostName = units.flatMap((unit) => unit.names)[0]?.replace(/^\*\./, "");
  const wish = label ?? mostCommon(bases) ?? domain?.split(".")[0] ?? hostName?.split(".")[0] ?? weak ?? "cluster";
  const plain = wish.slice(0, 50).replace(/^-+|-+$/g, "");
  const start = plain === "" ? "cluster" : plain;
  for (let number = 1; ; number++) {
    const name = number === 1 ? start : `${start}-${number}`;
    if (!taken.has(name)) return name;
  }
}

function mostCommon(words: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
