/** What the name of a backend says about its cluster. */

/** Words of backend names that say a role and not a cluster. */
const ROLES = new Set(
  (
    "be bk bck back backend backends fe frontend frontends listen api apis apiserver apiservers kube kubernetes k8s kubeapi ingress ingresses " +
    "router routers route routes apps app http https tls ssl tcp web secure plain port master masters worker workers compute " +
    "computes controlplane controlplanes control plane cp infra server servers srv node nodes pool mcs machine machineconfig " +
    "config lb default main sni passthrough traffic public internal external int ext balancer loadbalancer haproxy proxy in out to " +
    "nodeport svc service services console openshift ocp okd ocp3 ocp4 okd4 cluster clusters sock bootstrap all " +
    "insecure unsecure nonsecure nonssl sec secured my our the ipv4 ipv6 ip4 ip6 v4 v6 k3s k0s rke rke2 kubeadm microk8s talos " +
    "nginx traefik istio contour kas kubemaster front rancher mode inbound outbound forward pass bind gateway gw wildcard"
  ).split(" "),
);

/** `apiserverbackend`: role words written as one; short ones are part of too many names. */
const JOINED = new RegExp(`^(?:${[...ROLES].filter((word) => word.length > 2).join("|")})+$`);

const WEAK =
  /^(openshift|ocp\d?|okd\d?|k8s|kubernetes|kube|k3s|k0s|rke2?|rancher|kubeadm|microk8s|talos|nginx|traefik|istio|contour|web)$/;

/** A number of a cluster and not a port. */
const IS_NUMBER = /^\d{1,2}$/;
const HTTP_PORT = "80";

/** `be_api_hub_6443` is `hub`, `lab-2-api` is `lab-2`, `api-1` is `1`, `router-0.d1.lab.org` is `d1`; "" where only roles are left. */
export function baseName(backend: string): string {
  const host = HOST.exec(backend)?.[1];
  if (host === undefined) return tellingWords(backend);
  return (
    host
      .split(".")
      .map(tellingWords)
      .find((words) => words !== "" && !/^(?:\d+|www)$/.test(words)) ?? ""
  );
}

/** A backend, or a server of one that rules choose, called after a host. */
const HOST = /^(?:[^/]+\/)?((?:[a-z0-9-]+\.){2,}[a-z]{2,})$/i;

function tellingWords(text: string): string {
  return tokens(text).filter(isTelling).join("-");
}

function isTelling(word: string): boolean {
  if (/^\d+$/.test(word)) return IS_NUMBER.test(word) && word !== HTTP_PORT;
  return !isRole(word);
}

function isRole(word: string): boolean {
  return ROLES.has(word) || JOINED.test(word);
}

function tokens(name: string): string[] {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((word) => word.replace(GLUED_PORT, "$1"))
    .filter((word) => word !== "");
}

/** `hub443`, `web80`: a word and the port it is for. */
const GLUED_PORT = /^([a-z][a-z0-9]*?)(?:80|8080|443|8443|6443|22623)$/;

/** A word that names a cluster only where nothing else does; none: undefined. */
export function weakName(backend: string): string | undefined {
  return tokens(backend).find((word) => WEAK.test(word));
}

/** `api.k8s.lab` is `k8s`: the first label that is no role. */
export function nameOfHost(host: string): string | undefined {
  const labels = host.replace(/^\*\./, "").split(".");
  return labels.find((label) => !/^(api|api-int|apps|www|console|k8s-api|kube-api)$/.test(label)) ?? labels[0];
}
