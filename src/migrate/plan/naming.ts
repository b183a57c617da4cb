/** What the name of a backend says about its cluster. */

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

/** A word that names a cluster only where nothing else does; none: undefined. */
export function weakName(backend: string): string | undefined {
  return tokens(backend).find((word) => WEAK.test(word));
}
